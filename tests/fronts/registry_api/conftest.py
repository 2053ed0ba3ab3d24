"""The /v2/ door over a real content folder and rows in memory, open or with users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.fronts.registry_api.serving import registry_application
from tests.fakes.people import people
from tests.fakes.records import MemoryLeases
from tests.fakes.registry_doors import Doors
from tests.fakes.repository_records import MemoryRecords
from tests.fronts.registry_api.asking import Asker
from tests.fronts.registry_api.token_place import Place


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asker]:
    """An empty registry to be asked."""
    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        yield Asker(registry_application(MemoryRecords(), content))


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    with people(tmp_path) as all_:
        yield Doors(all_)


@pytest.fixture
def place(doors: Doors, tmp_path: Path) -> Iterator[Place]:
    """ada may do everything, bob may push, eve may nothing; team/app has a blob."""
    for name, roles in {"ada": ["admin"], "bob": ["publisher"], "eve": []}.items():
        doors.people.user(name, *roles)
    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        place = Place(Asker(registry_application(MemoryRecords(), content, doors.gate())), doors)
        yield place
