"""The tables of gates, for SQLAlchemy: policies, exceptions to findings, and verdicts.

    policy ··· policy_verdict     by number, without a constraint: verdicts outlive what they name
    policy_exception              `finding.suppressed_by` and verdicts name it by number too

No number is given out twice, or a new policy would inherit an old one's verdicts.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, Integer, Table

from lading.backends.database.columns import CodePointText, DigestText, RowNumber, metadata

policy = Table(
    "policy",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("name", CodePointText, nullable=False, unique=True),
    Column("action", CodePointText, nullable=False),
    Column("mode", CodePointText, nullable=False),
    Column("environments", JSON(none_as_null=True)),
    Column("repositories", JSON(none_as_null=True)),
    Column("registries", JSON(none_as_null=True)),
    Column("limits", JSON, nullable=False),
    sqlite_autoincrement=True,
)

policy_exception = Table(
    "policy_exception",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("vulnerability", CodePointText, nullable=False),
    Column("package_url", CodePointText, nullable=False),
    Column("image", CodePointText, nullable=False),
    Column("status", CodePointText, nullable=False),
    Column("justification", CodePointText),
    Column("reason", CodePointText, nullable=False),
    Column("author", CodePointText, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("origin", CodePointText, nullable=False),
    sqlite_autoincrement=True,
)

policy_verdict = Table(
    "policy_verdict",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("policy", RowNumber, nullable=False),
    Column("policy_name", CodePointText, nullable=False),
    Column("action", CodePointText, nullable=False),
    Column("mode", CodePointText, nullable=False),
    Column("environment", RowNumber),
    Column("image", CodePointText, nullable=False),
    Column("image_id", CodePointText, nullable=False),
    Column("config", DigestText),
    Column("platform", CodePointText, nullable=False),
    Column("actor", CodePointText, nullable=False),
    Column("allowed", Boolean, nullable=False),
    Column("blocking", JSON, nullable=False),
    Column("blocked", Integer, nullable=False),
    Column("suppressed", Integer, nullable=False),
    Column("doubts", JSON, nullable=False),
    sqlite_autoincrement=True,
)
