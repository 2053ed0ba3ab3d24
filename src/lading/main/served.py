"""Our registry alone, open, on loopback: what the demonstration moves images to and from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.backends.database.repositories import DatabaseRecords
from lading.fronts.registry_api.serving import open_registry
from lading.main.data_folder import KeptPort, served_alone, telling_port
from lading.services.server.serving import listening

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Served:
    """A registry that runs: host:port, and where its data lives."""

    address: str
    folder: str


@contextmanager
def served(
    data: Path, content: ContentFolder, records: Callable[[], DatabaseRecords], port: int | None
) -> Iterator[Served]:
    """The registry while inside. Raises FolderServed, PortTaken."""
    with served_alone(data):
        listen = partial(open_registry, records(), content, LOOPBACK)
        with listening(listen, port, KeptPort.of(data)) as server:
            address, chosen = server.addresses[0]
            with telling_port(data, chosen):
                yield Served(f"{address}:{chosen}", str(data))
