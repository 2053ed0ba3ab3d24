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
from lading.services.serving import KEPT_PORT, FolderServed, listening


@dataclass(frozen=True, slots=True)
class Served:
    """A registry that runs: host:port, and where its data lives."""

    address: str
    folder: str


@dataclass(frozen=True, slots=True)
class KeptPort:
    """Fulfils services.serving.KeptPort by a small file."""

    path: Path

    def read(self) -> int | None:
        """None where there is no file, or nothing of ours in it."""
        text = self.path.read_text().strip() if self.path.exists() else ""
        return int(text) if text.isdigit() else None

    def write(self, port: int) -> None:
        """Remember it."""
        self.path.write_text(f"{port}\n")


@contextmanager
def served(
    data: Path, content: ContentFolder, records: Callable[[], DatabaseRecords], host: str, port: int | None
) -> Iterator[Served]:
    """The registry while inside. Raises FolderServed, PortTaken, ListenFailed."""
    with exclusive_at_once(data / "serve.lock") as alone:
        if not alone:
            raise FolderServed(str(data))
        listen = partial(open_registry, records(), content, host)
        with listening(listen, port, KeptPort(data / KEPT_PORT)) as server:
            address, chosen = server.addresses[0]
            name = f"[{address}]" if ":" in address else address
            yield Served(f"{name}:{chosen}", str(data))
