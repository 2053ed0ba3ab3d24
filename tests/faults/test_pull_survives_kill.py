"""Real processes that fetch into one content folder: killed, doubled, and out of room."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.hashing import BUFFER
from lading.oci.digest import Digest
from tests.fakes.blob_server import SOCKET_BUFFER, STEP, BlobServer
from tests.fakes.children import Child
from tests.fakes.records import MemoryLeases
from tests.proof_table import Tell, mebibytes

MIB = 1024 * 1024
LOST_BY_A_KILL = BUFFER + STEP + 4 * SOCKET_BUFFER
"""Bytes given and never on disk: a buffer being filled, and what lies in both sockets (the kernel doubles each)."""


def blob_of(mebibytes: int) -> bytes:
    return random.Random(mebibytes).randbytes(MIB) * mebibytes


def pulling(
    folder: Path, server: BlobServer, *, limit: int | None = None, within: Sequence[str] = ()
) -> subprocess.Popen[str]:
    """A process that fetches all blobs of the server; `within` is the command that starts it."""
    blobs = [f"{name}:{Digest.of(blob)}:{len(blob)}" for name, blob in server.blobs.items()]
    return Child(
        [*within, sys.executable, "-m", "tests.faults.pulling", str(folder), str(server.port), *blobs],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | ({} if limit is None else {"LADING_TEST_FILE_LIMIT": str(limit)}),
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """Its exit code and what it said."""
    said, _ = process.communicate(timeout=600)
    return process.returncode, said.splitlines()


def check(folder: Path, blobs: Mapping[str, bytes]) -> None:
    """Exactly these blobs are there, right, and nothing beside them."""
    held = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "blobs/sha256").iterdir()}
    assert held == {name: name for name in (hashlib.sha256(blob).hexdigest() for blob in blobs.values())}
    assert [path for path in (folder / "partial").rglob("*") if path.is_file()] == []


def kill_again_and_again(folder: Path, blob: bytes, kills: int, tell: Tell) -> None:
    """Each process gets a random share of the rest and is killed; the last one is left alone."""
    chance = random.Random(kills)
    with BlobServer({"layer": blob}) as server:
        for number in range(kills):
            most = server.given + chance.randrange(1, max(2, (len(blob) - server.given) // (kills - number)))
            server.hold_at(most)
            process = pulling(folder, server)
            server.wait_until(most)
            process.kill()
            finish(process)
            assert list((folder / "blobs/sha256").iterdir()) == []
        server.hold_at(None)
        assert finish(pulling(folder, server))[0] == 0

        check(folder, {"layer": blob})
        tell("kills", kills)
        tell("image", mebibytes(len(blob)))
        tell("moved", mebibytes(server.given))
        assert server.given <= len(blob) + kills * LOST_BY_A_KILL
        assert server.offsets == sorted(server.offsets)


def test_thirty_kills_cost_only_what_was_on_its_way(tmp_path: Path, record_property: Tell) -> None:
    kill_again_and_again(tmp_path / "content", blob_of(128), 30, record_property)


@pytest.mark.proof
def test_three_hundred_kills_of_a_gibibyte(tmp_path: Path, record_property: Tell) -> None:
    kill_again_and_again(tmp_path / "content", blob_of(1024), 300, record_property)


def test_two_processes_ask_for_each_blob_once(tmp_path: Path) -> None:
    gate = threading.Event()
    blobs = {f"layer{number}": blob_of(8) + bytes([number]) for number in range(4)} | {"config": b"{}"}
    with BlobServer(blobs, gate) as server:
        first = pulling(tmp_path / "content", server)
        server.wait_until(1)
        second = pulling(tmp_path / "content", server)
        assert second.stdout is not None
        assert second.stdout.readline() == "layer0 waiting\n"
        gate.set()

        assert finish(first)[0] == finish(second)[0] == 0
        assert dict(server.asked) == dict.fromkeys(blobs, 1)
        check(tmp_path / "content", blobs)


def test_who_waited_goes_on_where_a_killed_one_stopped(tmp_path: Path) -> None:
    gate = threading.Event()
    blob = blob_of(16)
    with BlobServer({"layer": blob}, gate) as server:
        first = pulling(tmp_path / "content", server)
        server.wait_until(1)
        second = pulling(tmp_path / "content", server)
        assert second.stdout is not None
        assert second.stdout.readline() == "layer waiting\n"
        first.kill()
        finish(first)
        gate.set()

        assert finish(second)[0] == 0
        check(tmp_path / "content", {"layer": blob})


@pytest.mark.parametrize("size", [2, 32])
def test_a_file_too_large_for_its_disk_is_refused_and_goes_on_later(tmp_path: Path, size: int) -> None:
    """The limit is the kernel's own (RLIMIT_FSIZE); a large blob is refused before a byte of it is fetched."""
    blob = blob_of(size)
    with BlobServer({"layer": blob}) as server:
        code, said = finish(pulling(tmp_path / "content", server, limit=MIB + MIB // 2))
        assert (code, said[-1]) == (1, "error DiskFull")
        assert list((tmp_path / "content/blobs/sha256").iterdir()) == []
        if size == 32:
            assert server.given == 0

        assert finish(pulling(tmp_path / "content", server))[0] == 0
        check(tmp_path / "content", {"layer": blob})


@pytest.mark.peer("unshare")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
@pytest.mark.parametrize("size", [2, 32])
def test_a_full_disk_is_noticed_before_a_byte_is_fetched(tmp_path: Path, size: int) -> None:
    folder = tmp_path / "content"
    folder.mkdir()
    mount = f'mount -t tmpfs -o size={size // 2}m lading "{folder}" && exec "$@"'
    with BlobServer({"layer": blob_of(size)}) as server:
        code, said = finish(pulling(folder, server, within=("unshare", "--mount", "sh", "-c", mount, "sh")))

        assert (code, said) == (1, ["error DiskFull"])
        assert server.given == 0


def test_what_a_killed_process_left_open_is_free_again(tmp_path: Path) -> None:
    """Locks are the kernel's: none survives its process."""
    gate = threading.Event()
    with BlobServer({"layer": blob_of(8)}, gate) as server:
        process = pulling(tmp_path / "content", server)
        server.wait_until(1)
        process.kill()
        finish(process)

    store = ContentFolder(tmp_path / "content", MemoryLeases())
    assert store.size(Digest.of(blob_of(8))) is None
