-- What PostgreSQL was given where a database was made at version 2.
CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY);

INSERT INTO alembic_version VALUES ('0002');

CREATE TABLE audit (
    id BIGSERIAL NOT NULL,
    created FLOAT NOT NULL,
    actor VARCHAR COLLATE "C" NOT NULL,
    "user" BIGINT,
    token BIGINT,
    action VARCHAR COLLATE "C" NOT NULL,
    entity_type VARCHAR COLLATE "C" NOT NULL,
    entity_id VARCHAR COLLATE "C" NOT NULL,
    entity_name VARCHAR COLLATE "C" NOT NULL,
    environment BIGINT,
    result VARCHAR COLLATE "C" NOT NULL,
    details JSON NOT NULL,
    address VARCHAR COLLATE "C" NOT NULL,
    request VARCHAR COLLATE "C" NOT NULL,
    seal VARCHAR COLLATE "C",
    CONSTRAINT audit_key PRIMARY KEY (id)
);

CREATE INDEX audit_by_actor_id ON audit (actor, id);

CREATE INDEX audit_by_created ON audit (created);

CREATE INDEX audit_by_entity_type_entity_id_id ON audit (entity_type, entity_id, id);

CREATE TABLE environment (
    id BIGSERIAL NOT NULL,
    name VARCHAR COLLATE "C" NOT NULL,
    connection_type VARCHAR COLLATE "C" NOT NULL,
    socket_path VARCHAR COLLATE "C",
    host VARCHAR COLLATE "C",
    port INTEGER,
    protocol VARCHAR COLLATE "C",
    tls_ca VARCHAR COLLATE "C",
    tls_cert VARCHAR COLLATE "C",
    tls_key_sealed VARCHAR COLLATE "C",
    tls_skip_verify BOOLEAN NOT NULL,
    is_default BOOLEAN NOT NULL,
    scanner VARCHAR COLLATE "C" NOT NULL,
    CONSTRAINT environment_key PRIMARY KEY (id),
    CONSTRAINT environment_name_once UNIQUE (name)
);

CREATE UNIQUE INDEX environment_default_once ON environment (is_default) WHERE is_default;

CREATE TABLE image (
    reference VARCHAR COLLATE "C" NOT NULL,
    media_type VARCHAR COLLATE "C" NOT NULL,
    digest VARCHAR COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    moved FLOAT NOT NULL,
    CONSTRAINT image_key PRIMARY KEY (reference)
);

CREATE TABLE job (
    id VARCHAR COLLATE "C" NOT NULL,
    kind VARCHAR COLLATE "C" NOT NULL,
    fields JSON NOT NULL,
    environment BIGINT,
    sharing VARCHAR COLLATE "C" NOT NULL,
    deed JSON,
    owner BIGINT,
    owner_name VARCHAR COLLATE "C" NOT NULL,
    token BIGINT,
    state VARCHAR COLLATE "C" NOT NULL,
    run INTEGER NOT NULL,
    created FLOAT NOT NULL,
    updated FLOAT NOT NULL,
    cursor INTEGER NOT NULL,
    result JSON,
    totals JSON,
    heartbeat FLOAT NOT NULL,
    CONSTRAINT job_key PRIMARY KEY (id)
);

CREATE INDEX job_by_created ON job (created);

CREATE INDEX job_by_owner_created ON job (owner, created);

CREATE INDEX job_by_state_updated ON job (state, updated);

CREATE TABLE lease (
    digest VARCHAR COLLATE "C" NOT NULL,
    until FLOAT NOT NULL,
    CONSTRAINT lease_key PRIMARY KEY (digest)
);

CREATE INDEX lease_by_until ON lease (until);

CREATE TABLE location (
    account VARCHAR COLLATE "C" NOT NULL,
    digest VARCHAR COLLATE "C" NOT NULL,
    registry VARCHAR COLLATE "C" NOT NULL,
    path VARCHAR COLLATE "C" NOT NULL,
    seen FLOAT NOT NULL,
    CONSTRAINT location_key PRIMARY KEY (account, digest, registry, path)
);

CREATE INDEX location_by_seen ON location (seen);

CREATE TABLE profile (
    host VARCHAR COLLATE "C" NOT NULL,
    learned FLOAT NOT NULL,
    scheme VARCHAR COLLATE "C",
    realm VARCHAR COLLATE "C",
    service VARCHAR COLLATE "C",
    chunk_limit BIGINT,
    patches BOOLEAN NOT NULL,
    mounts BOOLEAN NOT NULL,
    mounts_itself BOOLEAN NOT NULL,
    resumes BOOLEAN NOT NULL,
    CONSTRAINT profile_key PRIMARY KEY (host)
);

CREATE TABLE registry (
    id BIGSERIAL NOT NULL,
    name VARCHAR COLLATE "C" NOT NULL,
    url VARCHAR COLLATE "C" NOT NULL,
    host VARCHAR COLLATE "C" NOT NULL,
    path VARCHAR COLLATE "C" NOT NULL,
    username VARCHAR COLLATE "C",
    password_sealed VARCHAR COLLATE "C",
    is_default BOOLEAN NOT NULL,
    tls VARCHAR COLLATE "C" NOT NULL,
    ca VARCHAR COLLATE "C",
    CONSTRAINT registry_key PRIMARY KEY (id),
    CONSTRAINT registry_name_once UNIQUE (name)
);

CREATE UNIQUE INDEX registry_default_once ON registry (is_default) WHERE is_default;

CREATE TABLE repository (
    id SERIAL NOT NULL,
    name VARCHAR COLLATE "C" NOT NULL,
    CONSTRAINT repository_key PRIMARY KEY (id),
    CONSTRAINT repository_name_once UNIQUE (name)
);

CREATE TABLE role (
    id BIGSERIAL NOT NULL,
    name VARCHAR COLLATE "C" NOT NULL,
    built_in BOOLEAN NOT NULL,
    CONSTRAINT role_key PRIMARY KEY (id),
    CONSTRAINT role_name_once UNIQUE (name)
);

CREATE TABLE schedule (
    name VARCHAR COLLATE "C" NOT NULL,
    every FLOAT NOT NULL,
    next FLOAT NOT NULL,
    last FLOAT,
    CONSTRAINT schedule_key PRIMARY KEY (name)
);

CREATE TABLE setting (
    key VARCHAR COLLATE "C" NOT NULL,
    value JSON NOT NULL,
    CONSTRAINT setting_key PRIMARY KEY (key)
);

CREATE TABLE upload (
    account VARCHAR COLLATE "C" NOT NULL,
    registry VARCHAR COLLATE "C" NOT NULL,
    path VARCHAR COLLATE "C" NOT NULL,
    digest VARCHAR COLLATE "C" NOT NULL,
    url VARCHAR COLLATE "C" NOT NULL,
    begun FLOAT NOT NULL,
    CONSTRAINT upload_key PRIMARY KEY (account, registry, path, digest)
);

CREATE INDEX upload_by_begun ON upload (begun);

CREATE TABLE upload_session (
    id VARCHAR COLLATE "C" NOT NULL,
    repository VARCHAR COLLATE "C" NOT NULL,
    begun FLOAT NOT NULL,
    CONSTRAINT upload_session_key PRIMARY KEY (id)
);

CREATE INDEX upload_session_by_begun ON upload_session (begun);

CREATE TABLE "user" (
    id BIGSERIAL NOT NULL,
    name VARCHAR COLLATE "C" NOT NULL,
    password_hash VARCHAR COLLATE "C",
    active BOOLEAN NOT NULL,
    created FLOAT NOT NULL,
    CONSTRAINT user_key PRIMARY KEY (id),
    CONSTRAINT user_name_once UNIQUE (name)
);

CREATE TABLE held_blob (
    repository INTEGER NOT NULL,
    digest VARCHAR COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    CONSTRAINT held_blob_key PRIMARY KEY (repository, digest),
    CONSTRAINT held_blob_repository_in_repository FOREIGN KEY(repository) REFERENCES repository (id)
);

CREATE INDEX held_blob_by_digest ON held_blob (digest);

CREATE TABLE held_manifest (
    repository INTEGER NOT NULL,
    digest VARCHAR COLLATE "C" NOT NULL,
    media_type VARCHAR COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    subject VARCHAR COLLATE "C",
    artifact_type VARCHAR COLLATE "C",
    annotations JSON,
    CONSTRAINT held_manifest_key PRIMARY KEY (repository, digest),
    CONSTRAINT held_manifest_repository_in_repository FOREIGN KEY(repository) REFERENCES repository (id)
);

CREATE INDEX held_manifest_by_digest ON held_manifest (digest);

CREATE INDEX held_manifest_by_repository_subject ON held_manifest (repository, subject);

CREATE TABLE idempotency (
    owner BIGINT NOT NULL,
    key VARCHAR COLLATE "C" NOT NULL,
    job VARCHAR COLLATE "C" NOT NULL,
    created FLOAT NOT NULL,
    CONSTRAINT idempotency_key PRIMARY KEY (owner, key),
    CONSTRAINT idempotency_job_in_job FOREIGN KEY(job) REFERENCES job (id) ON DELETE CASCADE
);

CREATE INDEX idempotency_by_created ON idempotency (created);

CREATE INDEX idempotency_by_job ON idempotency (job);

CREATE TABLE job_line (
    job VARCHAR COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    run INTEGER NOT NULL,
    at FLOAT NOT NULL,
    data JSON NOT NULL,
    CONSTRAINT job_line_key PRIMARY KEY (job, number),
    CONSTRAINT job_line_job_in_job FOREIGN KEY(job) REFERENCES job (id) ON DELETE CASCADE
);

CREATE TABLE role_grant (
    role BIGINT NOT NULL,
    position INTEGER NOT NULL,
    permissions JSON NOT NULL,
    environments JSON,
    repositories JSON,
    CONSTRAINT role_grant_key PRIMARY KEY (role, position),
    CONSTRAINT role_grant_role_in_role FOREIGN KEY(role) REFERENCES role (id) ON DELETE CASCADE
);

CREATE TABLE session (
    hash VARCHAR COLLATE "C" NOT NULL,
    "user" BIGINT NOT NULL,
    created FLOAT NOT NULL,
    seen FLOAT NOT NULL,
    expires FLOAT NOT NULL,
    address VARCHAR COLLATE "C" NOT NULL,
    CONSTRAINT session_key PRIMARY KEY (hash),
    CONSTRAINT session_user_in_user FOREIGN KEY("user") REFERENCES "user" (id) ON DELETE CASCADE
);

CREATE INDEX session_by_expires ON session (expires);

CREATE INDEX session_by_user ON session ("user");

CREATE TABLE token (
    id BIGSERIAL NOT NULL,
    "user" BIGINT NOT NULL,
    name VARCHAR COLLATE "C" NOT NULL,
    hash VARCHAR COLLATE "C" NOT NULL,
    prefix VARCHAR COLLATE "C" NOT NULL,
    scopes JSON,
    created FLOAT NOT NULL,
    expires FLOAT,
    used FLOAT,
    CONSTRAINT token_key PRIMARY KEY (id),
    CONSTRAINT token_user_in_user FOREIGN KEY("user") REFERENCES "user" (id) ON DELETE CASCADE,
    CONSTRAINT token_hash_once UNIQUE (hash)
);

CREATE INDEX token_by_user ON token ("user");

CREATE TABLE user_role (
    "user" BIGINT NOT NULL,
    role BIGINT NOT NULL,
    CONSTRAINT user_role_key PRIMARY KEY ("user", role),
    CONSTRAINT user_role_user_in_user FOREIGN KEY("user") REFERENCES "user" (id) ON DELETE CASCADE,
    CONSTRAINT user_role_role_in_role FOREIGN KEY(role) REFERENCES role (id) ON DELETE CASCADE
);

CREATE INDEX user_role_by_role ON user_role (role);

CREATE TABLE child (
    repository INTEGER NOT NULL,
    manifest VARCHAR COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    digest VARCHAR COLLATE "C" NOT NULL,
    CONSTRAINT child_key PRIMARY KEY (repository, manifest, position),
    CONSTRAINT child_repository_manifest_in_held_manifest FOREIGN KEY(repository, manifest) REFERENCES held_manifest (repository, digest) ON DELETE CASCADE
);

CREATE INDEX child_by_digest_repository ON child (digest, repository);

CREATE TABLE tag (
    repository INTEGER NOT NULL,
    name VARCHAR COLLATE "C" NOT NULL,
    digest VARCHAR COLLATE "C" NOT NULL,
    CONSTRAINT tag_key PRIMARY KEY (repository, name),
    CONSTRAINT tag_repository_digest_in_held_manifest FOREIGN KEY(repository, digest) REFERENCES held_manifest (repository, digest)
);

CREATE INDEX tag_by_repository_digest ON tag (repository, digest);

