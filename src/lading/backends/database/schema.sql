-- Written by `python -m lading.backends.database.schema_text`.
PRAGMA user_version = 10;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

INSERT INTO alembic_version VALUES ('0010');

CREATE TABLE audit (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    created FLOAT NOT NULL,
    actor TEXT NOT NULL,
    user INTEGER,
    token INTEGER,
    action TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    entity_name TEXT NOT NULL,
    environment INTEGER,
    result TEXT NOT NULL,
    details JSON NOT NULL,
    address TEXT NOT NULL,
    request TEXT NOT NULL,
    seal TEXT
);

CREATE INDEX audit_by_actor_id ON audit (actor, id);

CREATE INDEX audit_by_created ON audit (created);

CREATE INDEX audit_by_entity_type_entity_id_id ON audit (entity_type, entity_id, id);

CREATE TABLE blob_check (
    digest TEXT NOT NULL,
    checked FLOAT NOT NULL,
    found TEXT NOT NULL,
    CONSTRAINT blob_check_key PRIMARY KEY (digest)
);

CREATE INDEX blob_check_by_checked ON blob_check (checked);

CREATE INDEX blob_check_by_found ON blob_check (found);

CREATE TABLE environment (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    connection_type TEXT NOT NULL,
    socket_path TEXT,
    host TEXT,
    port INTEGER,
    protocol TEXT,
    tls_ca TEXT,
    tls_cert TEXT,
    tls_key_sealed TEXT,
    tls_skip_verify BOOLEAN NOT NULL,
    is_default BOOLEAN NOT NULL,
    scanner TEXT,
    hawser_token_sealed TEXT,
    CONSTRAINT environment_name_once UNIQUE (name)
);

CREATE UNIQUE INDEX environment_default_once ON environment (is_default) WHERE is_default;

CREATE TABLE image (
    reference TEXT NOT NULL,
    media_type TEXT NOT NULL,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    moved FLOAT NOT NULL,
    CONSTRAINT image_key PRIMARY KEY (reference)
);

CREATE INDEX image_by_digest ON image (digest);

CREATE TABLE job (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    fields JSON NOT NULL,
    environment INTEGER,
    sharing TEXT NOT NULL,
    deed JSON,
    owner INTEGER,
    owner_name TEXT NOT NULL,
    token INTEGER,
    state TEXT NOT NULL,
    run INTEGER NOT NULL,
    created FLOAT NOT NULL,
    updated FLOAT NOT NULL,
    cursor INTEGER NOT NULL,
    result JSON,
    totals JSON,
    heartbeat FLOAT NOT NULL,
    losses INTEGER DEFAULT 0 NOT NULL,
    started FLOAT,
    retry_of TEXT,
    CONSTRAINT job_key PRIMARY KEY (id)
);

CREATE INDEX job_by_created ON job (created);

CREATE INDEX job_by_owner_created ON job (owner, created);

CREATE INDEX job_by_state_heartbeat ON job (state, heartbeat);

CREATE INDEX job_by_state_updated ON job (state, updated);

CREATE TABLE layer_blob (
    place TEXT NOT NULL,
    diff_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    used FLOAT NOT NULL,
    CONSTRAINT layer_blob_key PRIMARY KEY (place, diff_id)
);

CREATE INDEX layer_blob_by_used ON layer_blob (used);

CREATE TABLE lease (
    digest TEXT NOT NULL,
    holder TEXT NOT NULL,
    until FLOAT NOT NULL,
    CONSTRAINT lease_key PRIMARY KEY (digest, holder)
);

CREATE INDEX lease_by_holder ON lease (holder);

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

CREATE TABLE named_lock (
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    until FLOAT NOT NULL,
    note TEXT,
    CONSTRAINT named_lock_key PRIMARY KEY (name)
);

CREATE TABLE policy (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    action TEXT NOT NULL,
    mode TEXT NOT NULL,
    environments JSON,
    repositories JSON,
    registries JSON,
    limits JSON NOT NULL,
    CONSTRAINT policy_name_once UNIQUE (name)
);

CREATE TABLE policy_exception (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    vulnerability TEXT NOT NULL,
    package_url TEXT NOT NULL,
    image TEXT NOT NULL,
    status TEXT NOT NULL,
    justification TEXT,
    reason TEXT NOT NULL,
    author TEXT NOT NULL,
    created FLOAT NOT NULL,
    expires FLOAT,
    origin TEXT NOT NULL
);

CREATE TABLE policy_verdict (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at FLOAT NOT NULL,
    policy INTEGER NOT NULL,
    policy_name TEXT NOT NULL,
    action TEXT NOT NULL,
    mode TEXT NOT NULL,
    environment INTEGER,
    image TEXT NOT NULL,
    image_id TEXT NOT NULL,
    config TEXT,
    platform TEXT NOT NULL,
    actor TEXT NOT NULL,
    allowed BOOLEAN NOT NULL,
    blocking JSON NOT NULL,
    blocked INTEGER NOT NULL,
    suppressed INTEGER NOT NULL,
    doubts JSON NOT NULL
);

CREATE INDEX policy_verdict_by_at ON policy_verdict (at);

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

CREATE TABLE registry (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    username TEXT,
    password_sealed TEXT,
    is_default BOOLEAN NOT NULL,
    tls TEXT NOT NULL,
    ca TEXT,
    provider TEXT DEFAULT 'generic' NOT NULL,
    provider_fields JSON,
    provider_sealed TEXT,
    relay TEXT DEFAULT 'auto' NOT NULL,
    CONSTRAINT registry_name_once UNIQUE (name)
);

CREATE UNIQUE INDEX registry_default_once ON registry (is_default) WHERE is_default;

CREATE TABLE registry_hold (
    host TEXT NOT NULL,
    until FLOAT NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT registry_hold_key PRIMARY KEY (host)
);

CREATE TABLE registry_share (
    host TEXT NOT NULL,
    process TEXT NOT NULL,
    until FLOAT NOT NULL,
    CONSTRAINT registry_share_key PRIMARY KEY (host, process)
);

CREATE TABLE repository (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    visibility TEXT DEFAULT 'private' NOT NULL,
    created FLOAT DEFAULT 0 NOT NULL,
    pushed FLOAT,
    rules JSON,
    retention JSON,
    trust JSON,
    CONSTRAINT repository_key PRIMARY KEY (id),
    CONSTRAINT repository_name_once UNIQUE (name)
);

CREATE TABLE role (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    built_in BOOLEAN NOT NULL,
    CONSTRAINT role_name_once UNIQUE (name)
);

CREATE TABLE scan (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    environment INTEGER NOT NULL,
    image TEXT NOT NULL,
    name TEXT NOT NULL,
    config TEXT NOT NULL,
    manifest TEXT,
    platform TEXT NOT NULL,
    occasion TEXT NOT NULL,
    scanner TEXT NOT NULL,
    version TEXT NOT NULL,
    status TEXT NOT NULL,
    started FLOAT NOT NULL,
    duration FLOAT NOT NULL,
    built FLOAT,
    critical INTEGER,
    high INTEGER,
    medium INTEGER,
    low INTEGER,
    negligible INTEGER,
    unknown INTEGER,
    coverage JSON NOT NULL,
    error TEXT NOT NULL,
    standing BOOLEAN NOT NULL,
    present BOOLEAN NOT NULL
);

CREATE INDEX scan_by_config_scanner ON scan (config, scanner);

CREATE INDEX scan_by_environment_config_scanner ON scan (environment, config, scanner);

CREATE INDEX scan_by_name_environment_scanner ON scan (name, environment, scanner);

CREATE INDEX scan_standing ON scan (environment) WHERE standing;

CREATE TABLE schedule (
    name TEXT NOT NULL,
    every FLOAT NOT NULL,
    next FLOAT NOT NULL,
    last FLOAT,
    CONSTRAINT schedule_key PRIMARY KEY (name)
);

CREATE TABLE setting (
    "key" TEXT NOT NULL,
    value JSON NOT NULL,
    CONSTRAINT setting_key PRIMARY KEY ("key")
);

CREATE TABLE storage_sample (
    at BIGINT NOT NULL,
    logical BIGINT NOT NULL,
    reached BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    reclaimable BIGINT NOT NULL,
    free BIGINT,
    capacity BIGINT,
    images INTEGER NOT NULL,
    repositories INTEGER NOT NULL,
    CONSTRAINT storage_sample_key PRIMARY KEY (at)
);

CREATE TABLE trust_change (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    gun TEXT NOT NULL,
    version BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    category TEXT NOT NULL,
    created FLOAT NOT NULL
);

CREATE INDEX trust_change_by_gun_id ON trust_change (gun, id);

CREATE TABLE trust_file (
    gun TEXT NOT NULL,
    role TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    repository TEXT NOT NULL,
    version BIGINT NOT NULL,
    content BLOB NOT NULL,
    created FLOAT NOT NULL,
    newest BOOLEAN NOT NULL,
    CONSTRAINT trust_file_key PRIMARY KEY (gun, role, sha256)
);

CREATE INDEX trust_file_by_gun_role_version ON trust_file (gun, role, version);

CREATE INDEX trust_file_newest_by_repository ON trust_file (repository, role) WHERE newest;

CREATE INDEX trust_file_newest_by_role ON trust_file (role, created) WHERE newest;

CREATE UNIQUE INDEX trust_file_newest_once ON trust_file (gun, role) WHERE newest;

CREATE TABLE trust_key (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    public TEXT NOT NULL,
    key_id TEXT NOT NULL,
    created FLOAT NOT NULL,
    created_by TEXT NOT NULL,
    CONSTRAINT trust_key_name_once UNIQUE (name)
);

CREATE TABLE trust_server_key (
    gun TEXT NOT NULL,
    role TEXT NOT NULL,
    key_id TEXT NOT NULL,
    public BLOB NOT NULL,
    private_sealed TEXT NOT NULL,
    created FLOAT NOT NULL,
    CONSTRAINT trust_server_key_key PRIMARY KEY (gun, role, key_id)
);

CREATE TABLE trust_verdict (
    reference TEXT NOT NULL,
    digest TEXT NOT NULL,
    environment INTEGER,
    at FLOAT NOT NULL,
    trusted BOOLEAN,
    mode TEXT NOT NULL,
    verdict JSON NOT NULL,
    CONSTRAINT trust_verdict_key PRIMARY KEY (reference, digest)
);

CREATE INDEX trust_verdict_by_digest ON trust_verdict (digest);

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

CREATE TABLE user (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    password_hash TEXT,
    active BOOLEAN NOT NULL,
    created FLOAT NOT NULL,
    CONSTRAINT user_name_once UNIQUE (name)
);

CREATE TABLE vulnerability_text (
    vulnerability TEXT NOT NULL,
    scanner TEXT NOT NULL,
    description TEXT NOT NULL,
    link TEXT NOT NULL,
    CONSTRAINT vulnerability_text_key PRIMARY KEY (vulnerability, scanner)
);

CREATE TABLE agent_presence (
    environment INTEGER NOT NULL,
    process TEXT NOT NULL,
    url TEXT NOT NULL,
    hello JSON NOT NULL,
    address TEXT NOT NULL,
    connected FLOAT NOT NULL,
    seen FLOAT NOT NULL,
    told FLOAT NOT NULL,
    CONSTRAINT agent_presence_key PRIMARY KEY (environment),
    CONSTRAINT agent_presence_environment_in_environment FOREIGN KEY(environment) REFERENCES environment (id) ON DELETE CASCADE
);

CREATE TABLE agent_token (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    environment INTEGER NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    prefix TEXT NOT NULL,
    created FLOAT NOT NULL,
    expires FLOAT,
    used FLOAT,
    active BOOLEAN NOT NULL,
    CONSTRAINT agent_token_environment_in_environment FOREIGN KEY(environment) REFERENCES environment (id) ON DELETE CASCADE,
    CONSTRAINT agent_token_hash_once UNIQUE (hash)
);

CREATE UNIQUE INDEX agent_token_active_once ON agent_token (environment) WHERE active;

CREATE INDEX agent_token_by_environment ON agent_token (environment);

CREATE TABLE finding (
    scan INTEGER NOT NULL,
    position INTEGER NOT NULL,
    vulnerability TEXT NOT NULL,
    severity SMALLINT NOT NULL,
    package TEXT NOT NULL,
    version TEXT NOT NULL,
    fixed_version TEXT,
    fix_state TEXT NOT NULL,
    type TEXT NOT NULL,
    purl TEXT NOT NULL,
    path TEXT NOT NULL,
    layer TEXT,
    cvss FLOAT,
    published FLOAT,
    known_exploited BOOLEAN NOT NULL,
    suppressed_by TEXT,
    aliases JSON NOT NULL,
    scanners JSON NOT NULL,
    CONSTRAINT finding_key PRIMARY KEY (scan, position),
    CONSTRAINT finding_scan_in_scan FOREIGN KEY(scan) REFERENCES scan (id) ON DELETE CASCADE
);

CREATE INDEX finding_by_package ON finding (package);

CREATE INDEX finding_by_vulnerability ON finding (vulnerability);

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
    pushed FLOAT DEFAULT 0 NOT NULL,
    pulled FLOAT,
    pulls BIGINT DEFAULT 0 NOT NULL,
    untagged FLOAT,
    CONSTRAINT held_manifest_key PRIMARY KEY (repository, digest),
    CONSTRAINT held_manifest_repository_in_repository FOREIGN KEY(repository) REFERENCES repository (id)
);

CREATE INDEX held_manifest_by_digest ON held_manifest (digest);

CREATE INDEX held_manifest_by_repository_subject ON held_manifest (repository, subject);

CREATE TABLE idempotency (
    owner INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    job TEXT NOT NULL,
    created FLOAT NOT NULL,
    digest TEXT,
    CONSTRAINT idempotency_key PRIMARY KEY (owner, "key"),
    CONSTRAINT idempotency_job_in_job FOREIGN KEY(job) REFERENCES job (id) ON DELETE CASCADE
);

CREATE INDEX idempotency_by_created ON idempotency (created);

CREATE INDEX idempotency_by_job ON idempotency (job);

CREATE TABLE job_line (
    job TEXT NOT NULL,
    number INTEGER NOT NULL,
    run INTEGER NOT NULL,
    at FLOAT NOT NULL,
    data JSON NOT NULL,
    CONSTRAINT job_line_key PRIMARY KEY (job, number),
    CONSTRAINT job_line_job_in_job FOREIGN KEY(job) REFERENCES job (id) ON DELETE CASCADE
);

CREATE TABLE minted_login (
    registry INTEGER NOT NULL,
    expires FLOAT NOT NULL,
    CONSTRAINT minted_login_key PRIMARY KEY (registry),
    CONSTRAINT minted_login_registry_in_registry FOREIGN KEY(registry) REFERENCES registry (id) ON DELETE CASCADE
);

CREATE TABLE role_grant (
    role INTEGER NOT NULL,
    position INTEGER NOT NULL,
    permissions JSON NOT NULL,
    environments JSON,
    repositories JSON,
    CONSTRAINT role_grant_key PRIMARY KEY (role, position),
    CONSTRAINT role_grant_role_in_role FOREIGN KEY(role) REFERENCES role (id) ON DELETE CASCADE
);

CREATE TABLE session (
    hash TEXT NOT NULL,
    user INTEGER NOT NULL,
    created FLOAT NOT NULL,
    seen FLOAT NOT NULL,
    expires FLOAT NOT NULL,
    address TEXT NOT NULL,
    CONSTRAINT session_key PRIMARY KEY (hash),
    CONSTRAINT session_user_in_user FOREIGN KEY(user) REFERENCES user (id) ON DELETE CASCADE
);

CREATE INDEX session_by_expires ON session (expires);

CREATE INDEX session_by_user ON session (user);

CREATE TABLE tag_release (
    repository INTEGER NOT NULL,
    name TEXT NOT NULL,
    until FLOAT,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    at FLOAT NOT NULL,
    CONSTRAINT tag_release_key PRIMARY KEY (repository, name),
    CONSTRAINT tag_release_repository_in_repository FOREIGN KEY(repository) REFERENCES repository (id) ON DELETE CASCADE
);

CREATE TABLE token (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user INTEGER NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    prefix TEXT NOT NULL,
    scopes JSON,
    created FLOAT NOT NULL,
    expires FLOAT,
    used FLOAT,
    CONSTRAINT token_user_in_user FOREIGN KEY(user) REFERENCES user (id) ON DELETE CASCADE,
    CONSTRAINT token_hash_once UNIQUE (hash)
);

CREATE INDEX token_by_user ON token (user);

CREATE TABLE user_identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user INTEGER NOT NULL,
    created FLOAT NOT NULL,
    last_login FLOAT,
    CONSTRAINT user_identity_key PRIMARY KEY (issuer, subject),
    CONSTRAINT user_identity_user_in_user FOREIGN KEY(user) REFERENCES user (id) ON DELETE CASCADE
);

CREATE INDEX user_identity_by_user ON user_identity (user);

CREATE TABLE user_role (
    user INTEGER NOT NULL,
    role INTEGER NOT NULL,
    CONSTRAINT user_role_key PRIMARY KEY (user, role),
    CONSTRAINT user_role_user_in_user FOREIGN KEY(user) REFERENCES user (id) ON DELETE CASCADE,
    CONSTRAINT user_role_role_in_role FOREIGN KEY(role) REFERENCES role (id) ON DELETE CASCADE
);

CREATE INDEX user_role_by_role ON user_role (role);

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
    created FLOAT DEFAULT 0 NOT NULL,
    pointed FLOAT DEFAULT 0 NOT NULL,
    pulled FLOAT,
    pulls BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT tag_key PRIMARY KEY (repository, name),
    CONSTRAINT tag_repository_digest_in_held_manifest FOREIGN KEY(repository, digest) REFERENCES held_manifest (repository, digest)
);

CREATE INDEX tag_by_repository_digest ON tag (repository, digest);

