"""Our registry over a data folder: which port it has, and that nobody else serves the folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.locks import exclusive_at_once
from lading.backends.database.repositories import DatabaseRecords
from lading.fronts.registry_api.serving import open_registry
from lading.main.data_folder import KeptPort
from lading.services.serving import FolderServed, listening


@dataclass(frozen=True, slots=True)
class Served:
    """A registry that runs: host:port, and where its data lives. It has no API, and nobody to set up."""

    address: str
    folder: str
    api: str | None = None
    setup: str | None = None


@contextmanager
def served(
    data: Path, content: ContentFolder, records: Callable[[], DatabaseRecords], host: str, port: int | None
) -> Iterator[Served]:
    """The registry while inside. Raises FolderServed, OpenToOthers, PortTaken."""
    with exclusive_at_once(data / "serve.lock") as alone:
        if not alone:
            raise FolderServed(str(data))
        listen = partial(open_registry, records(), content, host)
        with listening(listen, port, KeptPort.of(data)) as server:
            address, chosen = server.addresses[0]
            name = f"[{address}]" if ":" in address else address
            yield Served(f"{name}:{chosen}", str(data))
