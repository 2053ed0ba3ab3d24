"""`lading pull` from a registry: killed again and again, and run twice at once."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.hashing import BUFFER
from tests.fakes.blob_server import SOCKET_BUFFER, STEP, BlobServer
from tests.fakes.children import Child
from tests.peers import layouts
from tests.peers.command import Lading
from tests.proof_table import Tell, mebibytes

MIB = 1024 * 1024
CONFIG, LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"
LANES = 3
LOST_BY_A_KILL = LANES * (BUFFER + STEP + 2 * SOCKET_BUFFER)
"""Bytes given and never on disk: of each lane a buffer being filled, and what lies in the sockets."""


class Served:
    """An image of random layers as a registry has it: `blobs` and their `types` by path, the manifest also as `1`."""

    def __init__(self, *mebibytes: int) -> None:
        self.blobs, self.types = {"v2/": b"{}"}, {"v2/": "application/json"}
        self.size = sum(mebibytes) * MIB
        self.held: set[str] = set()
        layers = [self._blob(random.Random(size).randbytes(MIB) * size) for size in mebibytes]
        config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}}
        manifest = {
            "schemaVersion": 2,
            "mediaType": layouts.MANIFEST,
            "config": {"mediaType": CONFIG} | self._blob(json.dumps(config).encode()),
            "layers": [{"mediaType": LAYER} | layer for layer in layers],
        }
        raw = json.dumps(manifest).encode()
        self.digest = self._hold(raw)
        for name in ("1", self.digest):
            self.blobs[f"v2/app/manifests/{name}"] = raw
            self.types[f"v2/app/manifests/{name}"] = layouts.MANIFEST

    @property
    def largest(self) -> str:
        """The path of the blob that every pull begins with."""
        return max(self.blobs, key=lambda name: len(self.blobs[name]))

    def _blob(self, content: bytes) -> dict[str, object]:
        digest = self._hold(content)
        self.blobs[f"v2/app/blobs/{digest}"] = content
        return {"digest": digest, "size": len(content)}

    def _hold(self, content: bytes) -> str:
        self.held.add(encoded := hashlib.sha256(content).hexdigest())
        return f"sha256:{encoded}"


def pulling(lading: Lading, server: BlobServer) -> subprocess.Popen[bytes]:
    name = f"127.0.0.1:{server.port}/app:1"
    return Child(
        [sys.executable, "-m", "lading", "--data", str(lading.data), "--progress=json", "pull", "--insecure", name],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=lading.surroundings(),
    )


def finish(process: subprocess.Popen[bytes]) -> int:
    """Its exit code."""
    process.communicate(timeout=600)
    return process.returncode


def check(lading: Lading, image: Served) -> None:
    """The image is named, whole and right, and nothing lies beside it; but for the journal of a blob, where a kill came
    between the two, which goes with what was given up."""
    content = lading.data / "content"
    held = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (content / "blobs/sha256").iterdir()}
    assert held == {encoded: encoded for encoded in image.held}
    beside = {path.name for path in (content / "partial").rglob("*") if path.is_file()}
    assert beside <= {f"{encoded}.ranges" for encoded in held}
    assert image.digest in lading("images", "--format", "json")


def named(lading: Lading) -> int:
    """How many images the rows name: a command that lists them would take longer than a kill."""
    with closing(sqlite3.connect(lading.data / "lading.db")) as rows:
        return int(rows.execute("SELECT count(*) FROM image").fetchone()[0])


def kill_again_and_again(lading: Lading, image: Served, kills: int, tell: Tell) -> None:
    """Each process gets a random share of the rest and is killed; the last one is left alone."""
    chance = random.Random(kills)
    with BlobServer(image.blobs, types=image.types) as server:
        for number in range(kills):
            most = server.given + chance.randrange(1, max(2, (image.size - server.given) // (kills - number)))
            server.hold_at(most)
            process = pulling(lading, server)
            server.wait_until(most)
            process.kill()
            finish(process)
            assert named(lading) == 0
        server.hold_at(None)
        assert finish(pulling(lading, server)) == 0

        check(lading, image)
        tell("kills", kills)
        tell("image", mebibytes(image.size))
        tell("moved", mebibytes(server.given))
        assert server.given <= image.size + (kills + 1) * LOST_BY_A_KILL


@pytest.fixture
def lading(tmp_path: Path) -> Lading:
    """The command with an empty store."""
    return Lading(tmp_path / "data")


def test_thirty_kills_of_a_pull_cost_only_what_was_on_its_way(lading: Lading, record_property: Tell) -> None:
    kill_again_and_again(lading, Served(192, 40, 16, 8), 30, record_property)


@pytest.mark.proof(reason="a GiB; thirty kills of a quarter of it show the same")
def test_three_hundred_kills_of_a_pull(lading: Lading, record_property: Tell) -> None:
    kill_again_and_again(lading, Served(768, 160, 64, 32), 300, record_property)


def test_two_commands_that_pull_one_image_ask_for_each_blob_once(lading: Lading) -> None:
    gate = threading.Event()
    image = Served(8, 4, 2, 1)
    with BlobServer(image.blobs, gate, image.types) as server:
        first = pulling(lading, server)
        server.wait_for(image.largest)
        second = pulling(lading, server)
        assert second.stderr is not None
        while b'"waiting"' not in second.stderr.readline():
            assert second.poll() is None
        gate.set()

        assert finish(first) == finish(second) == 0
        assert {count for name, count in server.asked.items() if "/blobs/" in name} == {1}
        check(lading, image)
