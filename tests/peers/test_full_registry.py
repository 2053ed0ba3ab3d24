"""Real clients at a registry whose disk is nearly full: what they print, and that pulling and deleting still work."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.storage import Reserve
from lading.backends.database.repositories import open_records
from lading.fronts.registry_api.serving import open_registry
from tests.fakes.records import MemoryLeases
from tests.peers import layouts, programs
from tests.peers.programs import RunningDocker

NOTHING, EVERYTHING = Reserve(), Reserve(2**62)
SAID = "507 Insufficient Storage"
"""Docker and skopeo show the status line of a 5xx and not its body, so the status has to say it."""


@contextmanager
def registry(folder: Path, reserve: Reserve, port: int = 0) -> Iterator[str]:
    """Its host:port."""
    with (
        closing(ContentFolder(folder / "content", MemoryLeases(), reserve=reserve)) as content,
        closing(open_records(folder / "lading.db")) as records,
        open_registry(records, content, port=port) as server,
    ):
        yield ":".join(map(str, server.addresses[0]))


@pytest.fixture
def image(tmp_path: Path) -> str:
    layout = tmp_path / "layout"
    layouts.write_layout(layout, "1", layouts.write_image(layout, [layouts.layer("full", 100_000)]))
    return f"oci:{layout}:1"


@pytest.mark.peer("skopeo")
def test_skopeo_says_that_there_is_no_room_and_goes_on_pulling_and_deleting(tmp_path: Path, image: str) -> None:
    with registry(tmp_path, NOTHING) as host:
        programs.skopeo("copy", "-q", "--dest-tls-verify=false", image, f"docker://{host}/team/app:1")
    with registry(tmp_path, EVERYTHING) as host:
        other = tmp_path / "other"
        layouts.write_layout(other, "1", layouts.write_image(other, [layouts.layer("other", 100_000)]))
        with pytest.raises(AssertionError, match=SAID):
            programs.skopeo("copy", "-q", "--dest-tls-verify=false", f"oci:{other}:1", f"docker://{host}/team/app:2")
        there = f"docker://{host}/team/app:1"
        programs.skopeo("copy", "-q", "--src-tls-verify=false", there, f"oci:{tmp_path / 'back'}:1")
        programs.skopeo("copy", "-q", "--dest-tls-verify=false", image, f"docker://{host}/team/app:3")  # all there
        programs.skopeo("delete", "--tls-verify=false", there)
        with urllib.request.urlopen(f"http://{host}/v2/team/app/tags/list") as answer:
            assert b'"tags": []' in answer.read()


@pytest.mark.proof
@pytest.mark.peer("dockerd", "docker")
def test_docker_says_that_there_is_no_room(tmp_path: Path, docker_engine: RunningDocker) -> None:
    """It tries each layer five times first, for most of a minute."""
    with registry(tmp_path, EVERYTHING) as host:
        name = f"{host}/team/app:1"
        docker_engine("import", "-", name, input=bytes(10_240))
        with pytest.raises(AssertionError, match=SAID):
            docker_engine("push", name)
        docker_engine("rmi", name)
