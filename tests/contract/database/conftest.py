"""Every database the service runs on, empty and of our version."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.database.postgres import open_postgres
from lading.backends.database.repositories import DatabaseRecords
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.oci.digest import Digest
from lading.services.repositories.edits import HoldBlob
from tests.peers.postgres_server import RunningPostgres


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.peer("postgres"))])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where no row is yet."""
    if request.param == "sqlite":
        return tmp_path / "lading.db"
    url: str = request.getfixturevalue("postgres").prepared()
    return url


@pytest.fixture
def database(place: Path | str) -> Iterator[ServiceDatabase]:
    with closing(open_service_database(place, time.time)) as opened:
        yield opened


@pytest.fixture
def url(postgres: RunningPostgres) -> str:
    """An empty database of PostgreSQL."""
    return postgres.empty()


@pytest.fixture
def made(url: str) -> str:
    """A PostgreSQL of our version with a repository."""
    with closing(DatabaseRecords(open_postgres(url))) as records:
        records.change("a/b", lambda _view: [HoldBlob(Digest.of(b"x"), 1)], 1.0)
    return url
