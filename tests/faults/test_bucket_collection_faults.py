"""Garbage of a bucket is collected while a collector is frozen, or loses its lock or its database, and replicas take
pushes: nothing that anybody may need goes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import psycopg
import pytest

from lading.backends.content_store.objects.bucket import Bucket
from lading.backends.content_store.objects.collectable import CollectableBucket, TurnLost
from lading.backends.content_store.objects.content import ObjectContent
from lading.backends.content_store.objects.turns import COLLECTING
from lading.backends.database.service_database import open_service_database
from lading.engine.cancel import Cancellation
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.wire.message import BytesContent
from tests.fakes.children import Child
from tests.fakes.records import MemoryLeases
from tests.fakes.tracks import RecordingTrack
from tests.faults.registry_pushes import Client
from tests.faults.test_collect_under_pushes import DAY_SECONDS, Pusher, assert_pulled
from tests.faults.traced_registry import end
from tests.fronts.registry_api.asking import digest_of
from tests.peers.postgres_server import RunningPostgres
from tests.peers.s3_server import RunningS3

pytestmark = pytest.mark.peer("weed", "postgres")

CANCEL = Cancellation()


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
