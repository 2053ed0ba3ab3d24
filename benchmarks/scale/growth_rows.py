"""Rows by the hundred thousand, put into a database of ours behind its back: the same statements for both kinds.

So many repositories of one image each; one repository (MANY) with as many tags; as many jobs that ended within the last
twenty days, of three lines each; as many entries of the audit trail. No content lies behind the images.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

MANY = "grown/many"
"""The repository that has all those tags; it is there before."""

CONFIG, LAYER, MANIFEST = "1", "2", "3"
MANY_MANIFEST = "4"
"""Kinds of content, whose digests differ in this place."""

SPREAD_SECONDS = 20 * 24 * 3600
"""Over which jobs ended: fewer days than they are kept."""

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_DEED = (
    '{"action": "pull", "entity_type": "image", "entity_id": "app", "entity_name": "app:1", "environment": null,'
    ' "details": {}}'
)
_NAME = "'grown/r' || (10000000 + i)"


def _digest(kind: str) -> str:
    """Another for each i, in no order: an odd factor takes each number below 2³² to another."""
    return f"'sha256:{'0' * 52}{kind}' || (10000000000 + (i * 2654435761) % 4294967296)"


_REPOSITORIES = (
    f"INSERT INTO repository (name, visibility, created) SELECT {_NAME}, 'private', NOW - i FROM n",
    *(
        f"INSERT INTO held_blob (repository, digest, size) SELECT id, {_digest(kind)}, {size}"
        f" FROM n JOIN repository ON name = {_NAME}"
        for kind, size in ((CONFIG, 300), (LAYER, 5_000_000))
    ),
    "INSERT INTO held_manifest (repository, digest, media_type, size, pushed)"
    f" SELECT id, {_digest(MANIFEST)}, '{_MANIFEST_TYPE}', 500, NOW - i FROM n JOIN repository ON name = {_NAME}",
    *(
        f"INSERT INTO child (repository, manifest, position, digest) SELECT id, {_digest(MANIFEST)}, {at},"
        f" {_digest(kind)} FROM n JOIN repository ON name = {_NAME}"
        for at, kind in enumerate((CONFIG, LAYER))
    ),
    "INSERT INTO tag (repository, name, digest, created, pointed)"
    f" SELECT id, 'latest', {_digest(MANIFEST)}, NOW - i, NOW - i FROM n JOIN repository ON name = {_NAME}",
)
_TAGS = (
    "INSERT INTO held_manifest (repository, digest, media_type, size, pushed)"
    f" SELECT id, {_digest(MANY_MANIFEST)}, '{_MANIFEST_TYPE}', 500, NOW - i"
    f" FROM n JOIN repository ON name = '{MANY}'",
    "INSERT INTO tag (repository, name, digest, created, pointed)"
    f" SELECT id, 'build-' || (10000000 + i), {_digest(MANY_MANIFEST)}, NOW - i, NOW - i"
    f" FROM n JOIN repository ON name = '{MANY}'",
)
_JOB = "'00000000-0000-4000-8000-' || (100000000000 + (i * 2654435761) % 4294967296)"
_JOB_AT = f"NOW - {SPREAD_SECONDS}.0 * (i % 1000003) / 1000003.0"
_JOBS = (
    "INSERT INTO job (id, kind, fields, sharing, deed, owner, owner_name, state, run, created, updated, cursor, result,"
    f" totals, heartbeat, losses, started) SELECT {_JOB}, 'pull', '{{}}', '', '{_DEED}',"
    f" (SELECT id FROM \"user\" WHERE name = 'admin'), 'admin', 'done', 1, {_JOB_AT}, {_JOB_AT} + 3, 3, '{{}}',"
    f" '{{}}', 0, 0, {_JOB_AT} FROM n",
    *(
        f"INSERT INTO job_line (job, number, run, at, data) SELECT {_JOB}, {number}, 1, {_JOB_AT} + {number},"
        ' \'{"status": "Pulling"}\' FROM n'
        for number in (1, 2, 3)
    ),
)
_AUDIT = (
    'INSERT INTO audit (created, actor, "user", action, entity_type, entity_id, entity_name, result, details, address,'
    " request, seal) SELECT NOW - 30000000 + i, CASE WHEN i % 10 = 0 THEN 'admin' ELSE 'robot' || (i % 90) END, 1,"
    " CASE WHEN i % 3 = 0 THEN 'push' ELSE 'pull' END, 'image', 'sha256:' || i, 'app/' || (i % 1000), 'done', '{}',"
    " '10.0.0.1', 'r' || i, 'not a seal' FROM n",
)


@dataclass(frozen=True, slots=True)
class Rows:
    """How many there are of each."""

    repositories: int = 0
    tags: int = 0
    jobs: int = 0
    audit: int = 0


def fill(database: str | Path, before: Rows, after: Rows) -> None:
    """So that there are as many as `after` says. Nobody else has the database open. What PostgreSQL's autovacuum does a
    minute later is done at once; SQLite has nothing like it."""
    statements = list(_statements(before, after))
    if isinstance(database, Path):
        with closing(sqlite3.connect(database)) as connection, connection:
            for statement in statements:
                connection.execute(statement)
        return
    with psycopg.connect(database, autocommit=True) as server:
        server.execute("SET session_replication_role = replica")  # no foreign key is looked up for each row
        for statement in statements:
            server.execute(statement.encode())
        server.execute("VACUUM ANALYZE")


def _statements(before: Rows, after: Rows) -> Sequence[str]:
    now = time.time()
    asked: Sequence[tuple[Sequence[str], Callable[[Rows], int]]] = (
        (_REPOSITORIES, lambda rows: rows.repositories),
        (_TAGS, lambda rows: rows.tags),
        (_JOBS, lambda rows: rows.jobs),
        (_AUDIT, lambda rows: rows.audit),
    )
    return [
        with_numbers(statement.replace("NOW", f"{now:.3f}"), count(before) + 1, count(after))
        for statements, count in asked
        if count(after) > count(before)
        for statement in statements
    ]


def with_numbers(statement: str, first: int, last: int) -> str:
    """The statement over `n`, whose `i` goes from the first number to the last. `INSERT` follows the list on both."""
    return f"{_NUMBERS.format(first=first, last=last)} {statement}"
