"""Our registry on a file system of a few MiB that fills up: reading and deleting work, and pushes when it has grown."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from lading.oci.media_types import OCI_MANIFEST
from tests.faults.registry_pushes import Client, Refused
from tests.faults.traced_registry import end
from tests.fronts.registry_api.asking import digest_of, manifest
from tests.peers import programs

MIB = 1024 * 1024
SIZE = 12 * MIB
IMAGES = "/v2/team/app"

pytestmark = [
    pytest.mark.peer("unshare", "nsenter"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems"),
]


@contextlib.contextmanager
def small_registry(folder: Path) -> Iterator[tuple[int, Callable[[], object]]]:
    """Its port, and what makes room. The file system is seen by the registry alone, and is gone with it."""
    script = 'mount -t tmpfs -o size="$2" tmpfs "$1" && exec "$3" -m tests.faults.registry_child "$1"'
    program = programs.find("unshare")
    assert program
    child = subprocess.Popen(
        [program, "-m", "sh", "-c", script, "sh", str(folder), str(SIZE), sys.executable],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdin
    assert child.stdout
    with child.stdin, child.stdout:
        try:
            assert select.select([child.stdout], [], [], 20)[0]
            line = child.stdout.readline()
            if not line:
                pytest.skip("this machine lets nobody mount")
            grown = f"size={8 * SIZE}"
            enter = programs.find("nsenter") or "nsenter"
            inside = [enter, "-t", str(child.pid), "-m", "mount", "-o", f"remount,{grown}", str(folder)]
            yield int(line), lambda: programs.run(*inside)
        finally:
            child.stdin.close()
            end(child)


def push(client: Client, number: int) -> str:
    """An image with a layer of a MiB; the digest of its manifest. Raises Refused."""
    layer = bytes([number]) * MIB
    for content in (b"{}", layer):
        told = client.ask("POST", f"{IMAGES}/blobs/uploads/?digest={digest_of(content)}", content)
        assert told.status == 201
    raw = manifest(layer)
    told = client.ask("PUT", f"{IMAGES}/manifests/{number}", raw, content_type=OCI_MANIFEST)
    assert told.status == 201
    return digest_of(raw)


def push_until_refused(client: Client) -> list[str]:
    """The digests of those that were taken."""
    pushed: list[str] = []
    with contextlib.suppress(Refused):
        while len(pushed) < SIZE // MIB:
            pushed.append(push(client, len(pushed)))
    return pushed


def test_a_disk_that_filled_up_serves_deletes_and_takes_pushes_when_there_is_room_again(tmp_path: Path) -> None:
    with small_registry(tmp_path) as (port, make_room), closing(Client(port)) as client:
        pushed = push_until_refused(client)
        (told,) = client.refusals
        assert told.status in {503, 507}
        assert json.loads(told.body)["errors"][0]["code"] == "UNAVAILABLE"
        assert len(pushed) > 3
        assert_pulled(client, pushed)
        assert client.ask("DELETE", f"{IMAGES}/manifests/{len(pushed) - 1}").status == 202

        make_room()
        push(client, len(pushed))
        assert_pulled(client, pushed[:-1])


def assert_pulled(client: Client, pushed: Sequence[str]) -> None:
    for number, digest in enumerate(pushed):
        assert client.ask("GET", f"{IMAGES}/manifests/{number}").headers["docker-content-digest"] == digest
        layer = bytes([number]) * MIB
        assert client.ask("GET", f"{IMAGES}/blobs/{digest_of(layer)}").body == layer
