"""Our registry, served over real sockets: open, and with users, where each client goes through the token service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.database.service_database import open_service_database
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.registry_api.gate import Gate
from lading.fronts.registry_api.serving import LOOPBACK_LIMITS, registry_application
from tests.conformance.talking import Login, Registry
from tests.fakes.people import PASSWORD, people
from tests.fakes.records import MemoryLeases
from tests.fakes.registry_doors import Doors

TRUSTED = ("127.0.0.1",)
PUBLIC_URL = "https://hub.corp:8443/images"


@dataclass(frozen=True)
class Served:
    """One registry, for all tests of a run: each has repositories of its own."""

    address: tuple[str, int]
    login: Login | None


@pytest.fixture(scope="session", params=["open", "with users"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("conformance")
    with ExitStack() as stack:
        gate, login = (None, None) if request.param == "open" else _users(stack, folder)
        yield Served(_listening(stack, folder, gate), login)


@pytest.fixture
def registry(served: Served) -> Iterator[Registry]:
    """A connection and a repository's name of one's own."""
    with Registry(served.address, served.login) as connected:
        yield connected


@pytest.fixture(scope="session")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One that trusts what stands before it."""
    folder = tmp_path_factory.mktemp("trusting")
    with ExitStack() as stack:
        gate, login = _users(stack, folder, trusted=TRUSTED)
        yield Served(_listening(stack, folder, gate), login)


def _users(stack: ExitStack, folder: Path, trusted: tuple[str, ...] = ()) -> tuple[Gate, Login]:
    all_ = stack.enter_context(people(folder))
    all_.user("ada", "admin")
    return Doors(all_, trusted=trusted, public_url=PUBLIC_URL).gate(), Login("ada", PASSWORD)


def _listening(stack: ExitStack, folder: Path, gate: Gate | None) -> tuple[str, int]:
    content = stack.enter_context(closing(ContentFolder(folder / "content", MemoryLeases())))
    database = stack.enter_context(closing(open_service_database(folder / "registry.db", time.time)))
    application = registry_application(database.repositories, content, gate, database.changes)
    server = stack.enter_context(ByteServer([("127.0.0.1", 0)], application, LOOPBACK_LIMITS))
    return server.addresses[0]
