"""Every database the service runs on, empty and of our version."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.database.service_database import ServiceDatabase, open_service_database


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.peer("postgres"))])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where nothing is yet."""
    if request.param == "sqlite":
        return tmp_path / "lading.db"
    url: str = request.getfixturevalue("postgres").empty()
    return url


@pytest.fixture
def database(place: Path | str) -> Iterator[ServiceDatabase]:
    with closing(open_service_database(place, time.time)) as opened:
        yield opened
