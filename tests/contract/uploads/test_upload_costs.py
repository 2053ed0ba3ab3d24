"""What an upload asks of the object store and of the database: counted, so that none comes back unseen."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count

import pytest
from sqlalchemy import event

from lading.backends.content_store.objects.content import ObjectContent
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.engine.cancel import Cancellation
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_MANIFEST
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.uploads import RepositoryUploads
from lading.wire.message import BytesReader
from tests.fakes.counted_bucket import CountedBucket
from tests.fakes.records import Clock
from tests.peers.postgres_server import RunningPostgres

pytestmark = [pytest.mark.peer("weed"), pytest.mark.peer("postgres")]

LAYER = os.urandom(10_000)
DIGEST = Digest.of(LAYER)
CANCEL = Cancellation()


class Server:
    """One of several: as much of it as takes uploads. `commits` are those of its database."""

    def __init__(self, database: ServiceDatabase, bucket: CountedBucket, stack: ExitStack) -> None:
        turns = database.turns()
        stack.callback(turns.close)
        numbers = count(1)
        self.bucket, self.commits = bucket, 0
        self.content = stack.enter_context(closing(ObjectContent(bucket, database.catalogue.leases, turns)))
        self.repositories = Repositories(database.repositories, self.content, clock=Clock())
        self.uploads = RepositoryUploads(
            self.repositories,
            database.repositories,
            self.content.uploads,
            clock=Clock(),
            new_session=lambda: f"session-{next(numbers)}",
        )
        self._committing = threading.Condition()
        event.listen(database._transactions.engine, "commit", self._committed)
        lock = turns.claim("the first one")  # with which old locks are looked for, by a thread
        assert lock is not None
        with self._committing:
            assert self._committing.wait_for(lambda: self.commits == 2, 60)
        lock.release()

    def _committed(self, _connection: object) -> None:
        with self._committing:
            self.commits += 1
            self._committing.notify_all()

    def costs(self, what: Callable[[], object]) -> tuple[list[str], int]:
        """Requests to the object store, and commits."""
        before = self.commits
        return self.bucket.during(what), self.commits - before

    def patch(self, session: str, raw: bytes) -> None:
        self.uploads.append("app", session, BytesReader(raw), CANCEL, length=len(raw))

    def put(self, session: str) -> None:
        self.uploads.finish("app", session, DIGEST, BytesReader(b""), CANCEL, length=0)


@pytest.fixture
def servers(address: str, postgres: RunningPostgres) -> Iterator[tuple[Server, Server]]:
    """Two, at the same bucket and database."""
    url = postgres.prepared()
    with ExitStack() as stack:
        databases = [stack.enter_context(closing(open_service_database(url, Clock()))) for _ in range(2)]
        first, second = (Server(each, CountedBucket.at(address), stack) for each in databases)
        yield first, second


def test_a_layer_costs_so_much(servers: tuple[Server, Server]) -> None:
    """
    begun       the session's row, and its lock
    sent        claimed; the segment; what is kept noted
    finished    claimed; leased; the blob copied from the segment; held, the session over; its lock gone; the segment
                removed
    named       nothing: it was seen a moment ago, and is leased
    """
    here, _ = servers
    session: list[str] = []

    assert here.costs(lambda: session.append(here.uploads.begin("app"))) == ([], 2)
    assert here.costs(lambda: here.patch(session[0], LAYER)) == (["put"], 2)
    assert here.costs(lambda: here.put(session[0])) == (["copy", "remove"], 4)
    assert here.costs(lambda: held(here)) == ([], 0)


def test_a_manifest_costs_so_much(servers: tuple[Server, Server]) -> None:
    """Looked for and put; leased, and held with its tag. Neither locked nor listed: its bytes are in memory here."""
    here, _ = servers
    session = here.uploads.begin("app")
    here.patch(session, LAYER)
    here.put(session)
    layer = {"mediaType": "x", "digest": str(DIGEST), "size": len(LAYER)}
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": layer, "layers": [layer]}
    raw = json.dumps(manifest).encode()

    assert here.costs(lambda: here.repositories.put_manifest("app", "1", raw, OCI_MANIFEST, cancel=CANCEL)) == (
        ["find", "put"],
        2,
    )


def test_another_server_goes_on_and_neither_lists_nor_reads_again(servers: tuple[Server, Server]) -> None:
    here, there = servers
    session = here.uploads.begin("app")

    assert there.costs(lambda: there.patch(session, LAYER))[0] == ["put"]
    assert here.costs(lambda: here.put(session))[0] == ["copy", "remove"]
    assert there.costs(lambda: held(there))[0] == ["find"]


def held(server: Server) -> None:
    """As whoever puts a manifest asks."""
    with server.content.holding((DIGEST,)) as missing:
        assert not missing
