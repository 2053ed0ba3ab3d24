"""Databases of every released version, kept as they were made, brought to ours with their rows."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lading.backends.database.catalogue import open_catalogue
from lading.backends.database.prepare import prepare
from lading.backends.database.schema import VERSION
from lading.backends.database.service_database import open_service_database
from lading.engine.records import Holder
from lading.services.findings.scanner import ScannerName
from lading.services.hub.records import AgentTokenRow
from lading.services.identity.user_records import UserRow
from lading.services.registries.providers import Provider
from lading.services.registries.records import RelayChoice

DIGEST = f"sha256:{0:064x}"
ROWS = f"""
INSERT INTO image VALUES ('docker.io/library/alpine:3', 'm', '{DIGEST}', 5, 1700000000.5);
INSERT INTO repository (id, name) VALUES (7, 'team/app');
INSERT INTO held_manifest (repository, digest, media_type, size, annotations)
VALUES (7, '{DIGEST}', 'm', 5, '{{"a": "b"}}');
INSERT INTO tag (repository, name, digest) VALUES (7, 'latest', '{DIGEST}');
INSERT INTO upload VALUES ('me', 'r.example', 'a', '{DIGEST}', 'https://r.example/u', 1700000000.5);
"""


def lease_of(version: int) -> str:
    """Since version 4 a lease says for whom it is."""
    values = f"'{DIGEST}', 9e12" if version < 4 else f"'{DIGEST}', 'told', 9e12"
    return f"INSERT INTO lease VALUES ({values});"


@pytest.fixture(params=range(1, VERSION))
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "lading.db"
    schema = Path(__file__).with_name(f"version_{request.param}.sql").read_text()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(schema + ROWS + lease_of(request.param))
    return path


def test_a_client_command_keeps_what_it_had(older: Path) -> None:
    with closing(open_catalogue(older, time.time)) as catalogue:
        (image,) = catalogue.images.all()
        (digest,) = catalogue.leases.held({Holder.TOLD})

    assert (image.reference, image.moved) == ("docker.io/library/alpine:3", 1700000000.5)
    assert str(image.root.digest) == str(digest) == DIGEST


def test_the_service_finds_the_repositories_and_can_begin(older: Path) -> None:
    with closing(open_service_database(older, time.time)) as database:
        assert str(database.repositories.view("team/app").tag("latest")) == DIGEST
        assert not database.users.users()
        assert database.users.add_user(lambda key: UserRow(key, "ada")).id == 1


@pytest.mark.parametrize("older", [1, 2], indirect=True)
def test_no_tag_counts_as_older_than_the_migration(older: Path) -> None:
    """Nobody knows when it last moved, and a rule that lets go by age must not let go too early."""
    before = time.time()
    prepare(older)

    with closing(sqlite3.connect(older)) as connection:
        assert connection.execute("SELECT created >= :t, pointed >= :t FROM tag", {"t": before}).fetchall() == [(1, 1)]
        assert connection.execute("SELECT visibility, created >= ? FROM repository", (before,)).fetchall() == [
            ("private", 1)
        ]


@pytest.mark.parametrize("older", [2, 3], indirect=True)
def test_a_job_begins_with_no_losses(older: Path) -> None:
    with closing(sqlite3.connect(older)) as connection, connection:
        connection.execute(JOB)
        connection.execute("INSERT INTO job_line VALUES ('one', 1, 3, 0, '{}')")
    prepare(older)

    with closing(sqlite3.connect(older)) as connection:
        assert connection.execute("SELECT id, run, losses FROM job").fetchall() == [("one", 3, 0)]
        assert connection.execute("SELECT job, number FROM job_line").fetchall() == [("one", 1)]


JOB = """
INSERT INTO job (id, kind, fields, sharing, owner_name, state, run, created, updated, cursor, heartbeat)
VALUES ('one', 'pull', '{}', '', 'ada', 'running', 3, 0, 0, 1, 0)
"""


def test_it_looks_as_if_it_had_been_made_today(older: Path, tmp_path: Path) -> None:
    prepare(older)
    prepare(tmp_path / "new.db")

    assert tables(older) == tables(tmp_path / "new.db")


def tables(path: Path) -> set[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {(name, *map(str, row)) for name in names for row in connection.execute(f'PRAGMA table_info("{name}")')}


@pytest.mark.parametrize("older", [2, 3, 4, 5], indirect=True)
def test_environments_stay_and_numbers_are_given_once(older: Path) -> None:
    with closing(sqlite3.connect(older)) as connection, connection:
        for number in (1, 2):
            connection.execute(ENVIRONMENT, {"id": number, "name": f"host {number}", "scanner": "grype"})
        connection.execute("UPDATE environment SET is_default = 1, tls_key_sealed = 'seal' WHERE id = 1")
        connection.execute("DELETE FROM environment WHERE id = 2")

    with closing(open_service_database(older, time.time)) as database:
        (row,) = database.environments.environments()
        added = database.environments.add_environment(lambda key: replace(row, id=key, name="another"))
        token = database.agents.add_agent_token(lambda key: AgentTokenRow(key, added.id, "t", "hash", 0.0))

    assert (row.name, row.is_default, row.tls_key_sealed, row.hawser_token_sealed) == ("host 1", True, "seal", None)
    assert added.id == 3
    assert token is not None


@pytest.mark.parametrize("older", [2, 3, 4, 5, 6], indirect=True)
def test_registries_stay_and_their_numbers_are_given_once(older: Path) -> None:
    with closing(sqlite3.connect(older)) as connection, connection:
        for number in (1, 2):
            connection.execute(REGISTRY, {"id": number, "name": f"r {number}"})
        connection.execute("UPDATE registry SET is_default = 1, password_sealed = 'seal' WHERE id = 1")
        connection.execute("DELETE FROM registry WHERE id = 2")

    with closing(open_service_database(older, time.time)) as database:
        (row,) = database.registries.registries()
        added = database.registries.add_registry(lambda key: replace(row, id=key, name="another"))

    assert (row.name, row.is_default, row.sealed, row.provider) == ("r 1", True, "seal", Provider.GENERIC)
    assert (row.relay, dict(row.provider_fields), row.provider_sealed) == (RelayChoice.AUTO, {}, None)
    assert added.id == 3


REGISTRY = """
INSERT INTO registry (id, name, url, host, path, is_default, tls)
VALUES (:id, :name, 'r.example', 'r.example', '', 0, 'verify')
"""


@pytest.mark.parametrize("older", [2, 3, 4], indirect=True)
def test_an_environment_without_a_scanner_follows_the_one_for_all(older: Path) -> None:
    with closing(sqlite3.connect(older)) as connection, connection:
        for number, scanner in enumerate(("none", "lading", "grype", "none"), 1):
            connection.execute(ENVIRONMENT, {"id": number, "name": f"host {number}", "scanner": scanner})
        connection.execute("DELETE FROM environment WHERE id = 4")

    with closing(open_service_database(older, time.time)) as database:
        rows = database.environments.environments()
        added = database.environments.add_environment(lambda key: replace(rows[0], id=key, name="another"))

    assert [row.scanner for row in rows] == [None, ScannerName.OSV, ScannerName.GRYPE]
    assert added.id == 5  # a number is never given twice


ENVIRONMENT = """
INSERT INTO environment (id, name, connection_type, socket_path, tls_skip_verify, is_default, scanner)
VALUES (:id, :name, 'socket', '/run/docker.sock', 0, 0, :scanner)
"""
