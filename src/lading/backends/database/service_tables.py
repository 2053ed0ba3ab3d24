"""The tables of the service, for SQLAlchemy.

    user ─┬─ user_role ── role ── role_grant    who may do what
          └─ session, token                     by a keyed hash of what the client shows
    registry  environment                       secrets sealed for their row; at most one default each
    job ─┬─ job_line                            `run` fences late writers
         └─ idempotency                         which job an owner's key stands for; owner 0 is Lading itself; without a
                                                digest it is an older version's, and no request's
    audit                                       appended only, sealed once
    setting  schedule

Jobs and the trail outlive what they name, so they name users, tokens and environments by number, without a constraint;
and no number is given out twice, or a new row would inherit what was said of an old one (AUTOINCREMENT; a PostgreSQL
sequence does so by itself). Times are seconds since 1970. JSON is text, in which a key keeps its place.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, Table, text

from lading.backends.database.columns import CodePointText, RowJson, RowNumber, metadata

user = Table(
    "user",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("name", CodePointText, nullable=False, unique=True),
    Column("password_hash", CodePointText),
    Column("active", Boolean, nullable=False),
    Column("created", Float, nullable=False),
    sqlite_autoincrement=True,
)

role = Table(
    "role",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("name", CodePointText, nullable=False, unique=True),
    Column("built_in", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

role_grant = Table(
    "role_grant",
    metadata,
    Column("role", RowNumber, ForeignKey("role.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("permissions", JSON, nullable=False),
    Column("environments", JSON(none_as_null=True)),
    Column("repositories", JSON(none_as_null=True)),
)

user_role = Table(
    "user_role",
    metadata,
    Column("user", RowNumber, ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Column("role", RowNumber, ForeignKey("role.id", ondelete="CASCADE"), primary_key=True, index=True),
)

session = Table(
    "session",
    metadata,
    Column("hash", CodePointText, primary_key=True),
    Column("user", RowNumber, ForeignKey("user.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("expires", Float, nullable=False, index=True),
    Column("address", CodePointText, nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("user", RowNumber, ForeignKey("user.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", CodePointText, nullable=False),
    Column("hash", CodePointText, nullable=False, unique=True),
    Column("prefix", CodePointText, nullable=False),
    Column("scopes", JSON(none_as_null=True)),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("used", Float),
    sqlite_autoincrement=True,
)

registry = Table(
    "registry",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("name", CodePointText, nullable=False, unique=True),
    Column("url", CodePointText, nullable=False),
    Column("host", CodePointText, nullable=False),
    Column("path", CodePointText, nullable=False),
    Column("username", CodePointText),
    Column("password_sealed", CodePointText),
    Column("is_default", Boolean, nullable=False),
    Column("tls", CodePointText, nullable=False),
    Column("ca", CodePointText),
    Column("provider", CodePointText, nullable=False, server_default=text("'generic'")),
    Column("provider_fields", RowJson),
    Column("provider_sealed", CodePointText),
    Column("relay", CodePointText, nullable=False, server_default=text("'auto'")),
    sqlite_autoincrement=True,
)

environment = Table(
    "environment",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("name", CodePointText, nullable=False, unique=True),
    Column("connection_type", CodePointText, nullable=False),
    Column("socket_path", CodePointText),
    Column("host", CodePointText),
    Column("port", Integer),
    Column("protocol", CodePointText),
    Column("tls_ca", CodePointText),
    Column("tls_cert", CodePointText),
    Column("tls_key_sealed", CodePointText),
    Column("tls_skip_verify", Boolean, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("scanner", CodePointText),
    Column("hawser_token_sealed", CodePointText),
    sqlite_autoincrement=True,
)

for _table in (registry, environment):
    _only = text("is_default")
    Index(f"{_table.name}_default_once", _table.c.is_default, unique=True, sqlite_where=_only, postgresql_where=_only)

job = Table(
    "job",
    metadata,
    Column("id", CodePointText, primary_key=True),
    Column("kind", CodePointText, nullable=False),
    Column("fields", RowJson, nullable=False),
    Column("environment", RowNumber),
    Column("sharing", CodePointText, nullable=False),
    Column("deed", RowJson),
    Column("owner", RowNumber),
    Column("owner_name", CodePointText, nullable=False),
    Column("token", RowNumber),
    Column("state", CodePointText, nullable=False),
    Column("run", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("cursor", Integer, nullable=False),
    Column("result", RowJson),
    Column("totals", RowJson),
    Column("heartbeat", Float, nullable=False),
    Column("losses", Integer, nullable=False, server_default=text("0")),
    Column("started", Float),
    Column("retry_of", CodePointText),
    Index(None, "state", "updated"),
    Index(None, "state", "heartbeat"),
    Index(None, "owner", "created"),
    Index(None, "created"),
)

job_line = Table(
    "job_line",
    metadata,
    Column("job", CodePointText, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("run", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("data", RowJson, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", RowNumber, primary_key=True, autoincrement=False),
    Column("key", CodePointText, primary_key=True),
    Column("job", CodePointText, ForeignKey("job.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created", Float, nullable=False, index=True),
    Column("digest", CodePointText),
)

audit = Table(
    "audit",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("created", Float, nullable=False, index=True),
    Column("actor", CodePointText, nullable=False),
    Column("user", RowNumber),
    Column("token", RowNumber),
    Column("action", CodePointText, nullable=False),
    Column("entity_type", CodePointText, nullable=False),
    Column("entity_id", CodePointText, nullable=False),
    Column("entity_name", CodePointText, nullable=False),
    Column("environment", RowNumber),
    Column("result", CodePointText, nullable=False),
    Column("details", JSON, nullable=False),
    Column("address", CodePointText, nullable=False),
    Column("request", CodePointText, nullable=False),
    Column("seal", CodePointText),
    Index(None, "actor", "id"),
    Index(None, "entity_type", "entity_id", "id"),
    sqlite_autoincrement=True,
)

setting = Table(
    "setting",
    metadata,
    Column("key", CodePointText, primary_key=True),
    Column("value", JSON, nullable=False),
)

schedule = Table(
    "schedule",
    metadata,
    Column("name", CodePointText, primary_key=True),
    Column("every", Float, nullable=False),
    Column("next", Float, nullable=False),
    Column("last", Float),
)
