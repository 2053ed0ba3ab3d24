"""The registry with users and its trust server, put together as main does, over a real database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.fronts.registry_api.serving import registry_application
from lading.main.trust_serving import with_trust
from lading.services.trust.records import Gun
from tests.fakes.people import people
from tests.fakes.records import MemoryLeases
from tests.fakes.registry_doors import Doors
from tests.fakes.repository_records import MemoryRecords
from tests.fakes.trust_collections import Publisher
from tests.fronts.registry_api.asking import Asker, Reply
from tests.fronts.registry_api.token_place import HOST, Place

GUN = Gun(f"{HOST}/team/app", "team/app")
TUF = f"/v2/{GUN}/_trust/tuf"


@dataclass
class TrustPlace(Place):
    """What may be asked, and the publisher of GUN, who goes past the door."""

    publisher: Publisher

    def trusted(
        self, name: str | None, method: str, target: str, body: bytes = b"", content_type: str = "text/plain"
    ) -> Reply:
        """Asked with a token for whatever `name` may in GUN."""
        token = self.token(name, f"repository:{GUN}:*")
        return self.ask(method, target, body, authorization=f"Bearer {token}", content_type=content_type)

    def published(self, name: str | None, update: dict[str, bytes]) -> Reply:
        return self.trusted(name, "POST", f"{TUF}/", form(update), content_type=FORM)


FORM = "multipart/form-data; boundary=limit"


def form(update: dict[str, bytes]) -> bytes:
    """As Notary's client writes it."""
    return b"".join(_part(role) + raw + b"\r\n" for role, raw in update.items()) + b"--limit--\r\n"


def _part(role: str) -> bytes:
    disposition = f'Content-Disposition: form-data; name="files"; filename="{role}"'
    return f"--limit\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n".encode()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[TrustPlace]:
    """ada may do everything, bob may push and not remove, eve may nothing."""
    with people(tmp_path) as all_, closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        doors = Doors(all_)
        for name, roles in {"ada": ["admin"], "bob": ["publisher"], "eve": []}.items():
            all_.user(name, *roles)
        gate, publisher = doors.gate(), Publisher(all_, GUN)
        registry = registry_application(MemoryRecords(), content, gate)
        yield TrustPlace(Asker(with_trust(registry, gate, publisher.collections)), doors, publisher)
