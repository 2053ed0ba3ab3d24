"""Garbage is collected again and again while several processes take pushes of overlapping layers.

Tags and manifests are deleted meanwhile; whatever is acknowledged is whole, at once and afterwards.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lading.oci.media_types import OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST
from tests.faults.kept_registry import assert_kept
from tests.faults.registry_pushes import Client, Memory
from tests.faults.traced_registry import collector, end, registry
from tests.fronts.registry_api.asking import descriptor, digest_of
from tests.proof_table import Tell

DAY_SECONDS = 0.2
"""How long a lease lasts here: about as long as a push, so that some are told to begin again."""

POOL = [bytes([number]) * (4000 + number) for number in range(16)]
REPOSITORIES = ("team/app", "team/base")


@dataclass
class Pusher:
    """One client: pushes images of a few layers of the pool, skips those that are there, and deletes some again."""

    name: int
    port: int
    over: threading.Event
    memory: dict[str, Memory] = field(default_factory=dict)
    acknowledged: int = 0
    begun_again: int = 0
    error: BaseException | None = None

    def run(self) -> None:
        chance = random.Random(self.name)
        try:
            with closing(Client(self.port)) as client:
                while not self.over.is_set():
                    self._round(client, chance)
        except Exception as error:  # noqa: BLE001  the test raises it again
            self.error = error

    def _round(self, client: Client, chance: random.Random) -> None:
        repository = chance.choice(REPOSITORIES)
        memory = self.memory.setdefault(repository, Memory())
        tag = f"{self.name}-{chance.randrange(3)}"
        raw = self._push(client, chance, repository, tag)
        if raw is None:
            return
        name, digest = f"{repository}:{tag}", digest_of(raw)
        memory.tags[name] = {digest}
        assert_pulled(client, repository, digest)
        if chance.random() < 0.4:
            assert client.ask("DELETE", f"/v2/{repository}/manifests/{digest}").status == 202
            for each in memory.tags:
                memory.tags[each] = {None} if memory.tags[each] == {digest} else memory.tags[each]
        elif chance.random() < 0.2:
            assert client.ask("DELETE", f"/v2/{repository}/manifests/{tag}").status == 202
            memory.tags[name] = {None}

    def _push(self, client: Client, chance: random.Random, repository: str, tag: str) -> bytes | None:
        """Until the manifest is taken: a layer whose lease ended in between has to be sent again."""
        while not self.over.is_set():
            layers = chance.sample(POOL, chance.randint(1, 5))
            config = f'{{"architecture":"amd64","n":{chance.getrandbits(64)},"by":{self.name}}}'.encode()
            if not all(push_blob(client, chance, repository, content) for content in (*layers, config)):
                self.begun_again += 1
                continue
            raw = json.dumps(
                {
                    "schemaVersion": 2,
                    "mediaType": OCI_MANIFEST,
                    "config": descriptor(config, OCI_CONFIG),
                    "layers": [descriptor(layer, OCI_LAYER_GZIP) for layer in layers],
                }
            ).encode()
            told = client.ask("PUT", f"/v2/{repository}/manifests/{tag}", raw, content_type=OCI_MANIFEST)
            if told.status == 201:
                self.acknowledged += 1
                return raw
            assert json.loads(told.body)["errors"][0]["code"] == "MANIFEST_BLOB_UNKNOWN", told
            self.begun_again += 1
        return None


def push_blob(client: Client, chance: random.Random, repository: str, content: bytes) -> bool:
    """Not where it is there; by a mount, in one piece, or in a session. False where its lease ended before it was held:
    that is a day, elsewhere."""
    digest = digest_of(content)
    if client.ask("HEAD", f"/v2/{repository}/blobs/{digest}").status == 200:
        return True
    other = REPOSITORIES[REPOSITORIES.index(repository) - 1]
    uploads = f"/v2/{repository}/blobs/uploads/"
    if chance.random() < 0.3:
        told = client.ask("POST", f"{uploads}?mount={digest}&from={other}")
    elif chance.random() < 0.5:
        told = client.ask("POST", f"{uploads}?digest={digest}", content)
    else:
        told = client.ask("POST", uploads)
    if told.status == 202:
        place = told.headers["location"]
        told = client.ask("PUT", f"{place[place.index('/v2/') :]}?digest={digest}", content)
    assert told.status in {201, 404}, told
    return told.status == 201


def assert_pulled(client: Client, repository: str, digest: str) -> None:
    told = client.ask("GET", f"/v2/{repository}/manifests/{digest}")
    assert told.status == 200, f"{digest} is lost"
    document = json.loads(told.body)
    for child in (document["config"], *document["layers"]):
        blob = client.ask("GET", f"/v2/{repository}/blobs/{child['digest']}")
        assert blob.status == 200, f"{child['digest']} of {digest} is lost"
        assert f"sha256:{hashlib.sha256(blob.body).hexdigest()}" == child["digest"]


@contextlib.contextmanager
def collecting(folder: Path) -> Iterator[list[int]]:
    """Garbage is collected without a pause, by a process of its own; afterwards: how much it removed, in how many
    rounds."""
    child = collector(folder, DAY_SECONDS)
    assert child.stdin
    assert child.stdout
    told: list[int] = []
    with child.stdin, child.stdout:
        try:
            child.stdin.write("go\n")
            child.stdin.flush()
            yield told
        finally:
            child.stdin.close()
            told += map(int, child.stdout.read().split())
            end(child)
    assert child.returncode == 0


def pushed(folder: Path, seconds: float, each: int) -> tuple[Sequence[Pusher], list[int]]:
    """For so long, `each` pushers at each of two registries over one folder, and two collectors."""
    over = threading.Event()
    with ExitStack() as stack:
        ports = [stack.enter_context(registry(folder, str(DAY_SECONDS)))[1] for _ in range(2)]
        pushers = [Pusher(number, ports[number % 2], over) for number in range(2 * each)]
        threads = [threading.Thread(target=pusher.run) for pusher in pushers]
        with collecting(folder) as removed, collecting(folder) as also:
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and not any(pusher.error for pusher in pushers):
                over.wait(0.1)
            over.set()
            for thread in threads:
                thread.join()
    return pushers, [sum(pair) for pair in zip(removed, also, strict=True)]


def assert_nothing_lost(folder: Path, pushers: Sequence[Pusher]) -> None:
    for pusher in pushers:
        if pusher.error is not None:
            raise pusher.error
    memory = Memory()
    for pusher in pushers:
        for each in pusher.memory.values():
            memory.tags |= each.tags
    assert_kept(folder, memory)


def test_no_layer_is_lost(tmp_path: Path) -> None:
    pushers, (removed, rounds) = pushed(tmp_path, 4.0, 2)
    assert_nothing_lost(tmp_path, pushers)
    assert sum(pusher.acknowledged for pusher in pushers) > 0
    assert removed > 0
    assert rounds > 0


@pytest.mark.proof
def test_no_layer_is_lost_in_minutes(tmp_path: Path, record_property: Tell) -> None:
    pushers, (removed, rounds) = pushed(tmp_path, 120.0, 4)
    assert_nothing_lost(tmp_path, pushers)
    acknowledged = sum(pusher.acknowledged for pusher in pushers)
    record_property("manifests taken", acknowledged)
    record_property("pieces removed", removed)
    record_property("collections", rounds)
    assert acknowledged > 500
    assert sum(pusher.begun_again for pusher in pushers) > 0
    assert removed > 500
    assert rounds > 100
