"""Content in a bucket while replicas are killed, the object store is busy or slow, and garbage is collected: nothing
acknowledged is lost, and whoever comes next goes on."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from lading.backends.content_store.objects.bucket import SMALLEST_PART, Bucket
from lading.backends.content_store.objects.collectable import CollectableBucket, TurnLost
from lading.backends.content_store.objects.content import ObjectContent
from lading.backends.content_store.objects.turns import COLLECTING
from lading.backends.database.service_database import open_service_database
from lading.engine.cancel import Cancellation
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST
from lading.wire.message import BytesContent
from tests.fakes.children import Child
from tests.fakes.records import MemoryLeases
from tests.fakes.scripted_server import ScriptedServer
from tests.fakes.tracks import RecordingTrack
from tests.fakes.troubled_store import TroubledStore, is_copy, is_part
from tests.faults.registry_pushes import Client
from tests.faults.test_collect_under_pushes import DAY_SECONDS, Pusher, assert_pulled
from tests.faults.traced_registry import end
from tests.fronts.registry_api.asking import descriptor, digest_of
from tests.peers.postgres_server import RunningPostgres
from tests.peers.s3_server import RunningS3
from tests.peers.service_process import PASSWORD, SECRET_KEY, Service, kill, until

pytestmark = pytest.mark.peer("weed", "postgres")

LAYER = os.urandom(4 * SMALLEST_PART + 4321)
HALF = 2 * SMALLEST_PART
CANCEL = Cancellation()


@dataclass
class Replica:
    """One server of several, as a client of its registry sees it: through a balancer, by one name."""

    service: Service
    token: str = ""
    answers: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)

    def enter(self) -> None:
        """With a token that opens the others as well."""
        login = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        asked = "/v2/token?scope=repository:team/app:pull,push"
        self.token = json.loads(self.ask("GET", asked, Authorization=f"Basic {login}")[2])["token"]

    def ask(self, method: str, path: str, body: bytes = b"", **fields: str) -> tuple[int, Mapping[str, str], bytes]:
        login = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        with closing(http.client.HTTPConnection("127.0.0.1", self.service.registry_port, timeout=90)) as connection:
            connection.request(method, path, body, {"Host": "localhost", **login, **fields})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()

    def begin(self) -> str:
        """An upload; where it is."""
        status, fields, _ = self.ask("POST", "/v2/team/app/blobs/uploads/")
        assert status == 202
        return fields["location"][fields["location"].index("/v2/") :]

    def patch(self, place: str, raw: bytes) -> int:
        """Its status."""
        return self.ask("PATCH", place, raw)[0]

    def offset(self, place: str) -> int:
        """How many bytes it says that it has."""
        status, fields, _ = self.ask("GET", place)
        assert status == 204
        last = int(fields["range"].partition("-")[2])
        return last + 1 if last else 0

    def commit(self, place: str, raw: bytes, digest: str) -> int:
        """Its status."""
        return self.ask("PUT", f"{place}?digest={digest}", raw)[0]

    def assert_holds(self, raw: bytes) -> None:
        status, _, body = self.ask("GET", f"/v2/team/app/blobs/{digest_of(raw)}")
        assert (status, body == raw) == (200, True)


@dataclass
class House:
    """Two servers on one PostgreSQL and one bucket, of which the first reaches it through `store`."""

    store: TroubledStore
    bucket: str
    first: Replica
    second: Replica


@pytest.fixture
def house(tmp_path: Path, s3: RunningS3, postgres: RunningPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The first is to be started by the test."""
    store, address = TroubledStore(f"127.0.0.1:{s3.port}"), s3.address()
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    shared = {
        **s3.variables,
        "LADING_STORAGE": address,
        "LADING_DATABASE": postgres.empty(),
        "LADING_SECRET_KEY": SECRET_KEY,
    }
    with ScriptedServer(store) as relay:
        troubled = {**shared, "AWS_ENDPOINT_URL": f"http://{relay.authority}"}
        first, second = (Service(tmp_path / name, each) for name, each in (("first", troubled), ("second", shared)))
        for service in (first, second):
            service.data.mkdir()
        with second.running():
            replica = Replica(second)
            replica.enter()
            first.token = second.token
            yield House(store, address, Replica(first, replica.token), replica)


def in_background(act: Callable[[], object]) -> threading.Thread:
    """A request whose server may die; what is said of that is nobody's business."""

    def run() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            act()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def segments(house: House) -> Collection[str]:
    """What lies in the bucket of uploads that have not ended."""
    return [entry.key for entry in Bucket.at(house.bucket).entries("uploads")]


def test_another_replica_goes_on_where_one_was_killed_in_the_middle_of_a_request(house: House) -> None:
    """The first request is kept whole, of the second nothing: and the client is told so."""
    with house.first.service.running() as child:
        place = house.first.begin()
        assert house.first.patch(place, LAYER[:HALF]) == 202
        held = house.store.hold(is_part)
        sending = in_background(lambda: house.first.patch(place, LAYER[HALF:]))
        assert held.arrived.wait(60)
        kill(child)
        held.drop()
        sending.join()

    until(lambda: house.second.patch(place, b"") == 202, "its lock has lapsed")
    offset = house.second.offset(place)
    assert offset == HALF
    assert house.second.patch(place, LAYER[offset:]) == 202
    assert house.second.commit(place, b"", digest_of(LAYER)) == 201
    house.second.assert_holds(LAYER)
    assert not segments(house)


@pytest.mark.parametrize("answered", [False, True])
def test_a_commit_that_is_killed_beside_the_copy_is_made_by_another_replica(house: House, answered: bool) -> None:
    """Before the segment became the blob; or after, and before the row was written."""
    with house.first.service.running() as child:
        place = house.first.begin()
        assert house.first.patch(place, LAYER) == 202
        held = house.store.hold(is_copy, answered=answered)
        ending = in_background(lambda: house.first.commit(place, b"", digest_of(LAYER)))
        assert held.arrived.wait(60)
        kill(child)
        held.drop()
        ending.join()

    assert house.second.ask("HEAD", f"/v2/team/app/blobs/{digest_of(LAYER)}")[0] == 404
    until(lambda: house.second.commit(place, b"", digest_of(LAYER)) == 201, "its lock has lapsed")
    house.second.assert_holds(LAYER)
    assert not segments(house)


def push_image(replica: Replica, layer: bytes) -> int:
    """The status that ends it: 201, or that of what was refused; an image that is acknowledged is whole."""
    config = b'{"architecture":"amd64","os":"linux"}'
    for raw in (layer, config):
        status, fields, _ = replica.ask("POST", "/v2/team/app/blobs/uploads/")
        if status != 202:
            return status
        place = fields["location"][fields["location"].index("/v2/") :]
        if (status := replica.commit(place, raw, digest_of(raw))) != 201:
            return status
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(config, OCI_CONFIG),
        "layers": [descriptor(layer, OCI_LAYER_GZIP)],
    }
    put = replica.ask(
        "PUT", "/v2/team/app/manifests/1", json.dumps(manifest).encode(), **{"Content-Type": OCI_MANIFEST}
    )
    return put[0]


def test_a_busy_object_store_is_waited_for_and_then_told(house: House) -> None:
    """Some seconds nobody notices. After more, everybody is told 503 and when to come again; then all is well."""
    kept = os.urandom(SMALLEST_PART + 1)
    with house.first.service.running():
        assert push_image(house.first, kept) == 201
        house.store.busy = True
        calm = threading.Timer(3.0, setattr, [house.store, "busy", False])
        calm.start()
        assert push_image(house.first, LAYER) == 201
        calm.join()
        assert house.store.refused

        house.store.busy = True
        answers = [
            house.first.ask("POST", "/v2/team/app/blobs/uploads/"),
            house.first.ask("GET", f"/v2/team/app/blobs/{digest_of(kept)}"),
        ]
        house.store.busy = False
        for status, fields, body in answers:
            assert (status, fields["retry-after"]) == (503, "5")
            assert json.loads(body)["errors"][0]["message"] == "the registry's storage failed"
        assert push_image(house.first, os.urandom(1000)) == 201
        house.first.assert_holds(kept)
        house.first.assert_holds(LAYER)

    told = house.first.service.log.read_text()
    assert "it answered 503" in told
    assert "only-for-tests" not in told


def test_a_slow_object_store_is_slow_and_nothing_else(house: House) -> None:
    with house.first.service.running():
        house.store.delay = 0.3
        assert push_image(house.first, LAYER) == 201
        house.first.assert_holds(LAYER)


@pytest.fixture
def contents(
    s3: RunningS3, postgres: RunningPostgres, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, Callable[[], ObjectContent]]]:
    """The database, and what opens the same bucket as another process does, with locks in PostgreSQL."""
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    url, address, leases = postgres.empty(), s3.address(), MemoryLeases()
    with ExitStack() as stack:

        def opened() -> ObjectContent:
            database = stack.enter_context(closing(open_service_database(url, time.time)))
            turns = stack.enter_context(closing(database.turns()))
            return stack.enter_context(closing(ObjectContent(Bucket.at(address), leases, turns)))

        yield url, opened


def pushed(content: ObjectContent, raw: bytes) -> Descriptor:
    layer = Descriptor("x", Digest.of(raw), len(raw))
    content.push(layer, BytesContent(raw), RecordingTrack(), CANCEL)
    return layer


def test_a_collector_that_was_frozen_past_its_lock_removes_nothing(
    contents: tuple[str, Callable[[], ObjectContent]],
) -> None:
    """It wakes where it has asked what may go: another one collects by now, and knows of other leases."""
    url, opened = contents
    content, other = opened(), opened()
    layer = pushed(content, b"layer")
    taken = []

    def release(digests: Collection[Digest]) -> Collection[Digest]:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE named_lock SET until = 0 WHERE name = %s", [COLLECTING])
        taken.append(other.turns.claim(COLLECTING))
        return digests

    care = CollectableBucket(content)
    with care.turn(CANCEL), pytest.raises(TurnLost):
        care.sweep([layer.digest], release)

    assert taken[0] is not None
    assert taken[0].stands
    assert content.size(layer.digest) == layer.size


def test_who_lost_the_gate_with_the_database_removes_nothing(
    contents: tuple[str, Callable[[], ObjectContent]],
) -> None:
    """Its lock is a row, and outlives a restart of the database; the gate is a transaction, and does not."""
    url, opened = contents
    content = opened()
    layer = pushed(content, b"layer")

    def release(digests: Collection[Digest]) -> Collection[Digest]:
        with psycopg.connect(url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                "AND datname = current_database()"
            )
        return digests

    care = CollectableBucket(content)
    with pytest.raises(Exception, match="database"), care.turn(CANCEL):
        care.sweep([layer.digest], release)

    assert content.size(layer.digest) == layer.size


def test_nobody_leases_what_a_collector_is_about_to_remove(contents: tuple[str, Callable[[], ObjectContent]]) -> None:
    """Who asks meanwhile waits, however long it takes, and is told that it is not there."""
    _, opened = contents
    content, other = opened(), opened()
    layer = pushed(content, b"layer")
    asked: list[object] = []

    with ThreadPoolExecutor(1) as threads:

        def release(digests: Collection[Digest]) -> Collection[Digest]:
            content.leases.forget_ended()
            asked.append(threads.submit(other.has, layer))
            return digests

        care = CollectableBucket(content)
        with care.turn(CANCEL):
            care.sweep([layer.digest], release)
        assert asked[0].result(60) is False  # type: ignore[attr-defined]
    assert other.push(layer, BytesContent(b"layer"), RecordingTrack(), CANCEL).value == "sent"


def child(work: str, url: str, address: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.faults.bucket_child", work, url, address, str(DAY_SECONDS)]
    return Child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextlib.contextmanager
def registry(url: str, address: str) -> Iterator[int]:
    """Its port."""
    process = child("serve", url, address)
    assert process.stdin
    assert process.stdout
    with process.stdin, process.stdout:
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            end(process)


@contextlib.contextmanager
def collecting(url: str, address: str) -> Iterator[list[int]]:
    """Without a pause; afterwards: how much was removed, in how many rounds."""
    process, told = child("collect", url, address), list[int]()
    assert process.stdin
    assert process.stdout
    with process.stdin, process.stdout:
        try:
            yield told
        finally:
            process.stdin.close()
            told += map(int, process.stdout.read().split())
            end(process)
    assert process.returncode == 0


def assert_kept(port: int, pushers: Collection[Pusher]) -> None:
    """Every tag is where its pusher was told that it is, and what it names is whole."""
    with closing(Client(port)) as client:
        for repository, memory in [held for pusher in pushers for held in pusher.memory.items()]:
            for name, (digest,) in memory.tags.items():
                asked = client.ask("GET", f"/v2/{repository}/manifests/{name.rpartition(':')[2]}")
                assert asked.status == (404 if digest is None else 200), name
                if digest is not None:
                    assert digest_of(asked.body) == digest
                    assert_pulled(client, repository, digest)


def test_no_layer_is_lost_while_two_replicas_take_pushes_and_two_collect(
    s3: RunningS3, postgres: RunningPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    url, address, over = postgres.prepared(), s3.address(), threading.Event()
    with ExitStack() as stack:
        ports = [stack.enter_context(registry(url, address)) for _ in range(2)]
        pushers = [Pusher(number, ports[number % 2], over) for number in range(4)]
        threads = [threading.Thread(target=pusher.run) for pusher in pushers]
        with collecting(url, address) as removed, collecting(url, address) as also:
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + 8.0
            while time.monotonic() < deadline and not any(pusher.error for pusher in pushers):
                over.wait(0.1)
            over.set()
            for thread in threads:
                thread.join()
        for pusher in pushers:
            if pusher.error is not None:
                raise pusher.error
        assert_kept(ports[0], pushers)
    assert sum(pusher.acknowledged for pusher in pushers) > 0
    assert removed[0] + also[0] > 0
    assert removed[1] > 0
    assert also[1] > 0
