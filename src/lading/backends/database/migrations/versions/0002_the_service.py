"""The service: users, roles, sessions, tokens, registries, environments, jobs, the trail, settings and schedules.

It runs on SQLite alone: a PostgreSQL database begins at this version, made from the tables as they are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """From the catalogue and the embedded registry."""
    _people()
    _logins()
    _places()
    _jobs()
    _trail()
    _rest()


def _people() -> None:
    op.create_table(
        "user",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="user_key"),
        sa.UniqueConstraint("name", name="user_name_once"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "role",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("built_in", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="role_key"),
        sa.UniqueConstraint("name", name="role_name_once"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "role_grant",
        sa.Column("role", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("permissions", sa.JSON, nullable=False),
        sa.Column("environments", sa.JSON),
        sa.Column("repositories", sa.JSON),
        sa.PrimaryKeyConstraint("role", "position", name="role_grant_key"),
        sa.ForeignKeyConstraint(["role"], ["role.id"], name="role_grant_role_in_role", ondelete="CASCADE"),
    )
    op.create_table(
        "user_role",
        sa.Column("user", sa.Integer, nullable=False),
        sa.Column("role", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("user", "role", name="user_role_key"),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name="user_role_user_in_user", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role"], ["role.id"], name="user_role_role_in_role", ondelete="CASCADE"),
    )
    op.create_index("user_role_by_role", "user_role", ["role"])


def _logins() -> None:
    op.create_table(
        "session",
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("user", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="session_key"),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name="session_user_in_user", ondelete="CASCADE"),
    )
    op.create_index("session_by_user", "session", ["user"])
    op.create_index("session_by_expires", "session", ["expires"])
    op.create_table(
        "token",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("user", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("scopes", sa.JSON),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float),
        sa.Column("used", sa.Float),
        sa.PrimaryKeyConstraint("id", name="token_key"),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name="token_user_in_user", ondelete="CASCADE"),
        sa.UniqueConstraint("hash", name="token_hash_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("token_by_user", "token", ["user"])


def _places() -> None:
    op.create_table(
        "registry",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("username", sa.Text),
        sa.Column("password_sealed", sa.Text),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("tls", sa.Text, nullable=False),
        sa.Column("ca", sa.Text),
        sa.PrimaryKeyConstraint("id", name="registry_key"),
        sa.UniqueConstraint("name", name="registry_name_once"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "environment",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("connection_type", sa.Text, nullable=False),
        sa.Column("socket_path", sa.Text),
        sa.Column("host", sa.Text),
        sa.Column("port", sa.Integer),
        sa.Column("protocol", sa.Text),
        sa.Column("tls_ca", sa.Text),
        sa.Column("tls_cert", sa.Text),
        sa.Column("tls_key_sealed", sa.Text),
        sa.Column("tls_skip_verify", sa.Boolean, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("scanner", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="environment_key"),
        sa.UniqueConstraint("name", name="environment_name_once"),
        sqlite_autoincrement=True,
    )
    for table in ("registry", "environment"):
        op.create_index(f"{table}_default_once", table, ["is_default"], unique=True, sqlite_where=sa.text("is_default"))


def _jobs() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("environment", sa.Integer),
        sa.Column("sharing", sa.Text, nullable=False),
        sa.Column("deed", sa.JSON),
        sa.Column("owner", sa.Integer),
        sa.Column("owner_name", sa.Text, nullable=False),
        sa.Column("token", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("cursor", sa.Integer, nullable=False),
        sa.Column("result", sa.JSON),
        sa.Column("totals", sa.JSON),
        sa.Column("heartbeat", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="job_key"),
    )
    op.create_index("job_by_state_updated", "job", ["state", "updated"])
    op.create_index("job_by_owner_created", "job", ["owner", "created"])
    op.create_index("job_by_created", "job", ["created"])
    op.create_table(
        "job_line",
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("job", "number", name="job_line_key"),
        sa.ForeignKeyConstraint(["job"], ["job.id"], name="job_line_job_in_job", ondelete="CASCADE"),
    )
    op.create_table(
        "idempotency",
        sa.Column("owner", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name="idempotency_key"),
        sa.ForeignKeyConstraint(["job"], ["job.id"], name="idempotency_job_in_job", ondelete="CASCADE"),
    )
    op.create_index("idempotency_by_job", "idempotency", ["job"])
    op.create_index("idempotency_by_created", "idempotency", ["created"])


def _trail() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("user", sa.Integer),
        sa.Column("token", sa.Integer),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("entity_type", sa.Text, nullable=False),
        sa.Column("entity_id", sa.Text, nullable=False),
        sa.Column("entity_name", sa.Text, nullable=False),
        sa.Column("environment", sa.Integer),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("seal", sa.Text),
        sa.PrimaryKeyConstraint("id", name="audit_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_created", "audit", ["created"])
    op.create_index("audit_by_actor_id", "audit", ["actor", "id"])
    op.create_index("audit_by_entity_type_entity_id_id", "audit", ["entity_type", "entity_id", "id"])


def _rest() -> None:
    op.create_table(
        "setting",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("key", name="setting_key"),
    )
    op.create_table(
        "schedule",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("every", sa.Float, nullable=False),
        sa.Column("next", sa.Float, nullable=False),
        sa.Column("last", sa.Float),
        sa.PrimaryKeyConstraint("name", name="schedule_key"),
    )
