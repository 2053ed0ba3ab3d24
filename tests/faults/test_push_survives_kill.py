"""kill -9 of a push, again and again: the next process goes on where the registry stopped (issue 2, milestone 7)."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.children import Child
from tests.fakes.counting_proxy import CountingProxy
from tests.peers import layouts, programs
from tests.peers.command import Lading, OurRegistry
from tests.proof_table import Tell, mebibytes

MIB = 1024 * 1024
KILLS = 30


@pytest.fixture
def ours(tmp_path: Path) -> OurRegistry:
    return OurRegistry(tmp_path / "served", programs.free_port())


@pytest.fixture
def lading(tmp_path: Path) -> Lading:
    return Lading(tmp_path / "data")


def noise(seed: int, size: int) -> bytes:
    """Bytes that do not compress, the same for the same seed."""
    chance = random.Random(seed)
    return b"".join(chance.randbytes(min(MIB, size - start)) for start in range(0, size, MIB))


def image_of(folder: Path, sizes: list[int]) -> str:
    """A layout whose layers are noise, named v1; gives its digest."""
    layers = [noise(number, size) for number, size in enumerate(sizes)]
    named = [(content, f"sha256:{hashlib.sha256(content).hexdigest()}") for content in layers]
    return layouts.write_layout(folder, "v1", layouts.write_image(folder, named))


def push_killed(lading: Lading, source: str, target: str, proxy: CountingProxy, after: int) -> bool:
    """Begin a push and kill it when `after` bytes have passed; whether there was still something to kill."""
    proxy.mark(after)
    command = [sys.executable, "-m", "lading", "--data", str(lading.data), "--progress", "none", "copy", source, target]
    child = Child(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=lading.surroundings())
    while not proxy.reached(0.01) and child.poll() is None:
        pass
    child.kill()
    return child.wait() != 0


def push_through_kills(lading: Lading, folder: Path, proxy: CountingProxy, size: int, kills: int) -> str:
    """Kill a push at places chosen by bytes, then let it end; gives the last one's answer."""
    source, target = f"oci:{folder}:v1", f"{proxy.host}/team/app:v1"
    chance = random.Random(7)
    for _ in range(kills):
        if not push_killed(lading, source, target, proxy, chance.randrange(1, 2 * size // (kills + 2))):
            break
    return lading("-q", "copy", source, target)


def one_layer(lading: Lading, ours: OurRegistry, folder: Path, size: int, tell: Tell) -> None:
    digest = image_of(folder, [size])
    with ours.serving(), CountingProxy(ours.port).running() as proxy:
        answered = push_through_kills(lading, folder, proxy, size, KILLS)

        assert answered.strip().endswith(f"@{digest}")
        tell("kills", KILLS)
        tell("image", mebibytes(size))
        tell("moved", mebibytes(proxy.sent))
        assert proxy.sent <= 1.05 * size
        assert_pulls_back(lading, f"127.0.0.1:{ours.port}/team/app:v1", digest, folder.parent)


def assert_pulls_back(lading: Lading, name: str, digest: str, folder: Path) -> None:
    """Every byte is read again and hashed on the way into an empty store."""
    fresh = Lading(folder / "fresh", lading.environment)
    assert fresh("-q", "pull", name).strip().endswith(f"@{digest}")


def test_thirty_kills_of_one_large_layer_cost_only_what_was_on_its_way(
    lading: Lading, ours: OurRegistry, tmp_path: Path, record_property: Tell
) -> None:
    one_layer(lading, ours, tmp_path / "layout", 96 * MIB, record_property)


@pytest.mark.proof
def test_thirty_kills_of_a_gibibyte_cost_only_what_was_on_its_way(
    lading: Lading, ours: OurRegistry, tmp_path: Path, record_property: Tell
) -> None:
    one_layer(lading, ours, tmp_path / "layout", 1024 * MIB, record_property)


def sixteen_layers(lading: Lading, folder: Path, size: int, tell: Tell) -> None:
    digest = image_of(folder / "layout", [size] * 16)
    with programs.docker_registry(folder / "docker-registry") as registry:
        port = int(registry.host.rpartition(":")[2])
        with CountingProxy(port).running() as proxy:
            answered = push_through_kills(lading, folder / "layout", proxy, 16 * size, KILLS)
            tell("kills", KILLS)
            tell("image", mebibytes(16 * size))
            tell("moved", mebibytes(proxy.sent))

        assert answered.strip().endswith(f"@{digest}")
        finished = [line for line in registry.asked() if line.method == "PUT" and line.status == 201]
        blobs = [line.path.partition("digest=")[2] for line in finished if "digest=" in line.path]
        assert len(blobs) == len(set(blobs)) == 17  # sixteen layers and a config, each committed once


@pytest.mark.peer("docker-registry")
def test_no_finished_blob_is_sent_again_to_docker_registry(
    lading: Lading, tmp_path: Path, record_property: Tell
) -> None:
    sixteen_layers(lading, tmp_path, 4 * MIB, record_property)


@pytest.mark.proof
@pytest.mark.peer("docker-registry")
def test_no_finished_blob_of_a_gibibyte_is_sent_again_to_docker_registry(
    lading: Lading, tmp_path: Path, record_property: Tell
) -> None:
    sixteen_layers(lading, tmp_path, 64 * MIB, record_property)


@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.proof(reason="more of the same"))])
def test_what_a_killed_registry_acknowledged_is_there(
    lading: Lading, ours: OurRegistry, tmp_path: Path, kills: int
) -> None:
    folder, size = tmp_path / "layout", 24 * MIB
    digest = image_of(folder, [size // 3] * 3)
    first = layouts.five_layers(tmp_path / "first")
    host = f"127.0.0.1:{ours.port}"
    with ours.serving():
        lading("copy", f"oci:{tmp_path / 'first'}:v1", f"{host}/team/app:first")
    chance = random.Random(11)
    for _ in range(kills):
        with ours.serving() as server, CountingProxy(ours.port).running() as proxy:
            proxy.mark(chance.randrange(1, size // 3))
            push = Child(
                [
                    sys.executable,
                    "-m",
                    "lading",
                    "--data",
                    str(lading.data),
                    "copy",
                    f"oci:{folder}:v1",
                    f"{proxy.host}/team/app:v1",
                    "--timeout",
                    "5s",
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=lading.surroundings(),
            )
            while not proxy.reached(0.01) and push.poll() is None:
                pass
            os.kill(server.pid, 9)
            server.wait()
            push.kill()
            push.wait()
    with ours.serving():
        lading("copy", f"oci:{folder}:v1", f"{host}/team/app:v1")
        assert_pulls_back(lading, f"{host}/team/app:first", first, tmp_path)
        assert_pulls_back(lading, f"{host}/team/app:v1", digest, tmp_path)
