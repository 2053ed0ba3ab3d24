"""Many clients at one registry of ours at the same time: pushing what they share, moving one tag, deleting, collecting.

Whatever was acknowledged is there afterwards, whole, and once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from urllib.error import HTTPError

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.database.repositories import open_records
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.http.limits import Limits
from lading.fronts.registry_api.serving import LOOPBACK_LIMITS, registry_application
from tests.fakes.children import Child
from tests.fakes.records import MemoryLeases
from tests.peers import layouts, programs
from tests.peers.command import Lading, OurRegistry
from tests.proof_table import Tell, mebibytes

MIB = 1024 * 1024


class WatchedRegistry:
    """Ours, in this process, so that every status it answers can be looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.host = folder, ""
        self.statuses: list[tuple[str, str, int]] = []

    @contextlib.contextmanager
    def serving(self, limits: Limits = LOOPBACK_LIMITS) -> Iterator[WatchedRegistry]:
        content = ContentFolder(self.folder / "content", MemoryLeases())
        with contextlib.closing(content), contextlib.closing(open_records(self.folder / "lading.db")) as records:
            answer = registry_application(records, content)

            def watched(request: IncomingRequest) -> Answer:
                answered = answer(request)
                self.statuses.append((request.method, request.path, answered.status))
                return answered

            with ByteServer([("127.0.0.1", 0)], watched, limits) as server:
                host, port = server.addresses[0]
                self.host = f"{host}:{port}"
                yield self

    def failures(self) -> list[tuple[str, str, int]]:
        """What it answered for which it would be to blame."""
        return [each for each in self.statuses if each[2] >= 500]

    def blobs(self) -> dict[str, Path]:
        """Every file it keeps, by the digest it is kept under."""
        return {f"sha256:{path.name}": path for path in (self.folder / "content/blobs/sha256").iterdir()}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[WatchedRegistry]:
    (tmp_path / "served").mkdir()
    with WatchedRegistry(tmp_path / "served").serving() as running:
        yield running


@pytest.fixture
def ours(tmp_path: Path) -> OurRegistry:
    return OurRegistry(tmp_path / "served", programs.free_port())


def sharing_images(folder: Path, count: int, size: int) -> list[str]:
    """A layout of `count` images that share three layers and have one of their own, tagged v0, v1 …; their digests."""
    shared = [layouts.layer(f"shared-{number}", size) for number in range(3)]
    return [
        layouts.write_layout(
            folder, f"v{number}", layouts.write_image(folder, [*shared, layouts.layer(f"own-{number}", size // 4)])
        )
        for number in range(count)
    ]


def together(commands: Sequence[Callable[[], subprocess.Popen[bytes]]]) -> list[int]:
    """Start all, wait for all; their exit codes."""
    children = [start() for start in commands]
    codes = []
    for child in children:
        child.communicate(timeout=600)
        codes.append(child.returncode)
    return codes


def by_skopeo(*arguments: str) -> Callable[[], subprocess.Popen[bytes]]:
    program = programs.find("skopeo")
    assert program, "skopeo is not installed"
    return lambda: Child([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def tagged(host: str, repository: str, tag: str) -> str:
    """The digest that the tag names and that its bytes have."""
    with urllib.request.urlopen(f"http://{host}/v2/{repository}/manifests/{tag}", timeout=60) as answer:
        raw, said = answer.read(), answer.headers["Docker-Content-Digest"]
    assert said == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return str(said)


def delete(host: str, path: str) -> int:
    """The status of a DELETE."""
    request = urllib.request.Request(f"http://{host}/v2/{path}", method="DELETE")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except HTTPError as refused:
        with refused:
            return refused.code


def eight_pushes(registry: WatchedRegistry, folder: Path, size: int) -> None:
    """Half by Lading, half by skopeo; half into one repository, half into repositories of their own."""
    layout = folder / "layout"
    digests = sharing_images(layout, 8, size)
    places = [("team/app", f"v{number}") if number % 4 < 2 else (f"own/app{number}", "v1") for number in range(8)]
    commands: list[Callable[[], subprocess.Popen[bytes]]] = []
    for number, (repository, tag) in enumerate(places):
        source, target = f"oci:{layout}:v{number}", f"{registry.host}/{repository}:{tag}"
        if number % 2:
            commands.append(by_skopeo("copy", "--dest-tls-verify=false", source, f"docker://{target}"))
        else:
            lading = Lading(folder / f"client{number}")
            commands.append(partial(lading.start, "copy", source, target))

    assert together(commands) == [0] * 8

    assert registry.failures() == []
    assert [tagged(registry.host, *place) for place in places] == digests
    kept = registry.blobs()
    assert set(kept) == {f"sha256:{path.name}" for path in (layout / "blobs/sha256").iterdir()}
    assert all(f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" == digest for digest, path in kept.items())
    assert list((registry.folder / "content/uploads").iterdir()) == []


@pytest.mark.peer("skopeo")
def test_eight_clients_push_what_they_share(registry: WatchedRegistry, tmp_path: Path) -> None:
    eight_pushes(registry, tmp_path, MIB)


@pytest.mark.proof
@pytest.mark.peer("skopeo")
def test_eight_clients_push_much_that_they_share(
    registry: WatchedRegistry, tmp_path: Path, record_property: Tell
) -> None:
    record_property("layers of", mebibytes(96 * MIB))
    eight_pushes(registry, tmp_path, 96 * MIB)


def test_two_push_one_tag(registry: WatchedRegistry, tmp_path: Path) -> None:
    layout, target = tmp_path / "layout", f"{registry.host}/team/app:latest"
    digests = sharing_images(layout, 2, MIB // 2)
    clients = [Lading(tmp_path / f"client{number}") for number in range(2)]
    for attempt in range(3):
        codes = together(
            [partial(lading.start, "copy", f"oci:{layout}:v{number}", target) for number, lading in enumerate(clients)]
        )

        assert 0 in codes
        assert tagged(registry.host, "team/app", "latest") in digests
        Lading(tmp_path / f"fresh{attempt}")("pull", target)
    assert registry.failures() == []


@contextlib.contextmanager
def again_and_again(work: Callable[[], object]) -> Iterator[None]:
    """Beside what the block does."""
    done = threading.Event()

    def run() -> None:
        while not done.is_set():
            work()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_deleting_an_image_beside_pushes_of_its_layers_costs_them_nothing(
    registry: WatchedRegistry, tmp_path: Path
) -> None:
    layout, lading = tmp_path / "layout", Lading(tmp_path / "client")
    digests = sharing_images(layout, 5, MIB // 2)
    lading("copy", f"oci:{layout}:v0", f"{registry.host}/team/app:v0")

    with again_and_again(lambda: delete(registry.host, f"team/app/manifests/{digests[0]}")):
        for number in range(1, 5):
            lading("copy", f"oci:{layout}:v{number}", f"{registry.host}/team/app:v{number}")

    assert registry.failures() == []
    for number in range(1, 5):
        fresh = Lading(tmp_path / f"fresh{number}")
        assert digests[number] in fresh("-q", "pull", f"{registry.host}/team/app:v{number}")


def test_deleting_the_layers_under_a_push_never_leaves_half_an_image(registry: WatchedRegistry, tmp_path: Path) -> None:
    """A layer that no manifest needs yet may be deleted: then the manifest is refused, and the tag is not made."""
    layout, lading = tmp_path / "layout", Lading(tmp_path / "client")
    (digest,) = sharing_images(layout, 1, MIB // 2)
    layers = json.loads((layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_text())["layers"]
    paths = [f"team/app/blobs/{layer['digest']}" for layer in layers]
    push = ("copy", f"oci:{layout}:v0", f"{registry.host}/team/app:v0")

    with again_and_again(lambda: [delete(registry.host, path) for path in paths]):
        pushed = lading.run(*push)
    assert tag_list(registry.host, "team/app") == ([] if pushed.returncode else ["v0"])
    assert registry.failures() == []

    lading(*push)
    assert [delete(registry.host, path) for path in paths] == [405] * len(paths)
    assert digest in Lading(tmp_path / "fresh")("-q", "pull", f"{registry.host}/team/app:v0")


def tag_list(host: str, repository: str) -> list[str]:
    with urllib.request.urlopen(f"http://{host}/v2/{repository}/tags/list", timeout=60) as answer:
        tags = json.load(answer)["tags"]
    assert isinstance(tags, list)
    return tags


def test_collecting_beside_pushes_costs_nothing_that_was_acknowledged(ours: OurRegistry, tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    digests = sharing_images(layout, 6, MIB // 2)
    lading, collector = Lading(tmp_path / "client"), Lading(ours.data)
    collected: list[subprocess.CompletedProcess[bytes]] = []

    with ours.serving():
        lading("copy", f"oci:{layout}:v0", f"{ours.host}/team/app:v0")
        with again_and_again(lambda: collected.append(collector.run("gc"))):
            for number in range(1, 6):
                lading("copy", f"oci:{layout}:v{number}", f"{ours.host}/team/app{number}:v{number}")
                delete(ours.host, f"team/app{number - 1}/manifests/{digests[number - 1]}")  # leaves work for the next

        assert all(run.returncode == 0 for run in collected), [run.stderr for run in collected]
        for kept in ("app:v0", "app5:v5"):
            fresh = Lading(tmp_path / f"fresh-{kept[-1]}")
            assert digests[int(kept[-1])] in fresh("-q", "pull", f"{ours.host}/team/{kept}")
