-- Written by `python -m lading.backends.database.tables`.
PRAGMA user_version = 1;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

INSERT INTO alembic_version VALUES ('0001');

CREATE TABLE image (
    reference TEXT NOT NULL,
    media_type TEXT NOT NULL,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    moved FLOAT NOT NULL,
    CONSTRAINT image_key PRIMARY KEY (reference)
);

CREATE TABLE lease (
    digest TEXT NOT NULL,
    until FLOAT NOT NULL,
    CONSTRAINT lease_key PRIMARY KEY (digest)
);

CREATE INDEX lease_by_until ON lease (until);

CREATE TABLE location (
    account TEXT NOT NULL,
    digest TEXT NOT NULL,
    registry TEXT NOT NULL,
    path TEXT NOT NULL,
    seen FLOAT NOT NULL,
    CONSTRAINT location_key PRIMARY KEY (account, digest, registry, path)
);

CREATE INDEX location_by_seen ON location (seen);

CREATE TABLE profile (
    host TEXT NOT NULL,
    learned FLOAT NOT NULL,
    scheme TEXT,
    realm TEXT,
    service TEXT,
    chunk_limit BIGINT,
    patches BOOLEAN NOT NULL,
    mounts BOOLEAN NOT NULL,
    mounts_itself BOOLEAN NOT NULL,
    resumes BOOLEAN NOT NULL,
    CONSTRAINT profile_key PRIMARY KEY (host)
);

CREATE TABLE repository (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT repository_key PRIMARY KEY (id),
    CONSTRAINT repository_name_once UNIQUE (name)
);

CREATE TABLE upload (
    account TEXT NOT NULL,
    registry TEXT NOT NULL,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    url TEXT NOT NULL,
    begun FLOAT NOT NULL,
    CONSTRAINT upload_key PRIMARY KEY (account, registry, path, digest)
);

CREATE INDEX upload_by_begun ON upload (begun);

CREATE TABLE upload_session (
    id TEXT NOT NULL,
    repository TEXT NOT NULL,
    begun FLOAT NOT NULL,
    CONSTRAINT upload_session_key PRIMARY KEY (id)
);

CREATE INDEX upload_session_by_begun ON upload_session (begun);

CREATE TABLE held_blob (
    repository INTEGER NOT NULL,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    CONSTRAINT held_blob_key PRIMARY KEY (repository, digest),
    CONSTRAINT held_blob_repository_in_repository FOREIGN KEY(repository) REFERENCES repository (id)
);

CREATE INDEX held_blob_by_digest ON held_blob (digest);

CREATE TABLE held_manifest (
    repository INTEGER NOT NULL,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    subject TEXT,
    artifact_type TEXT,
    annotations JSON,
    CONSTRAINT held_manifest_key PRIMARY KEY (repository, digest),
    CONSTRAINT held_manifest_repository_in_repository FOREIGN KEY(repository) REFERENCES repository (id)
);

CREATE INDEX held_manifest_by_digest ON held_manifest (digest);

CREATE INDEX held_manifest_by_repository_subject ON held_manifest (repository, subject);

CREATE TABLE child (
    repository INTEGER NOT NULL,
    manifest TEXT NOT NULL,
    position INTEGER NOT NULL,
    digest TEXT NOT NULL,
    CONSTRAINT child_key PRIMARY KEY (repository, manifest, position),
    CONSTRAINT child_repository_manifest_in_held_manifest FOREIGN KEY(repository, manifest) REFERENCES held_manifest (repository, digest) ON DELETE CASCADE
);

CREATE INDEX child_by_digest_repository ON child (digest, repository);

CREATE TABLE tag (
    repository INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    CONSTRAINT tag_key PRIMARY KEY (repository, name),
    CONSTRAINT tag_repository_digest_in_held_manifest FOREIGN KEY(repository, digest) REFERENCES held_manifest (repository, digest)
);

CREATE INDEX tag_by_repository_digest ON tag (repository, digest);

