"""`lading repository storage` and `lading gc` over a data folder."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.tree import digest_at
from lading.backends.database.catalogue import open_catalogue
from lading.fronts.cli.texts import size
from tests.fakes.docker_archives import docker_archive
from tests.fakes.service_folder import ServiceFolder


@pytest.fixture
def lading(tmp_path: Path) -> ServiceFolder:
    """With one image."""
    (tmp_path / "data").mkdir()
    (tmp_path / "image.tar").write_bytes(docker_archive(["team/app:1"]))
    folder = ServiceFolder(tmp_path / "data")
    folder("load", "-i", str(tmp_path / "image.tar"))
    return folder


def blobs(lading: ServiceFolder) -> list[Path]:
    return list((lading.data / "content/blobs/sha256").iterdir())


def test_storage_is_told_in_all_and_for_each_repository(lading: ServiceFolder) -> None:
    told = lading.json("repository", "storage")
    shown = lading("repository", "storage").out

    assert (told["images"], told["repositories"], told["each"]) == (1, 0, [])
    assert told["logical"] == told["stored"]["bytes"] > 0
    assert told["reclaimable"] == {"pieces": 0, "bytes": 0}
    assert "reclaimable  0 B in 0 pieces" in shown
    assert lading("repository", "storage", "-q").out.strip() == str(told["stored"]["bytes"])


def test_what_lost_its_name_goes_with_the_next_gc(lading: ServiceFolder) -> None:
    lading("tag", "team/app:1", "team/other:1")
    lading("untag", "team/app:1", "team/other:1")
    told = lading.json("gc", "-n")
    said = lading("gc")

    assert told["usedLately"]["pieces"] == 0
    assert said.out == f"freed {size(told['bytes'])} in {told['removed']} pieces\n"
    assert blobs(lading) == []


def test_rmi_frees_at_once_also_while_a_service_uses_the_folder(lading: ServiceFolder) -> None:
    lading("tag", "team/app:1", "team/other:1")
    with (
        closing(open_catalogue(lading.data / "lading.db", time.time)) as catalogue,
        closing(ContentFolder(lading.data / "content", catalogue.leases)) as service,
    ):
        service.keep(())
        lading("rmi", "team/app:1")
        assert blobs(lading)
        lading("rmi", "team/other:1")

    assert blobs(lading) == []


def test_gc_says_why_nothing_went(lading: ServiceFolder) -> None:
    """A client of the registry was told of all of it."""
    with closing(open_catalogue(lading.data / "lading.db", time.time)) as service:
        service.leases.hold([digest_at(path) for path in blobs(lading)])
    lading("untag", "team/app:1")
    said = lading("gc")

    assert said.out == "freed 0 B in 0 pieces\n"
    assert "without a name stay until a day after somebody used them last" in said.err
    assert lading.json("gc", "-n")["usedLately"]["pieces"] > 0


def test_the_doctor_reads_all_content_again(lading: ServiceFolder) -> None:
    assert f"{len(blobs(lading))} pieces read again" in lading.run("doctor", "--content").out
    largest = max(blobs(lading), key=lambda path: path.stat().st_size)
    largest.chmod(0o600)
    largest.write_bytes(b"!" + largest.read_bytes()[1:])

    said = lading.run("doctor", "--content")
    assert said.code == 1
    assert f"1 damaged and set aside, such as sha256:{largest.name}" in said.out
    assert f"1 damaged and set aside, such as sha256:{largest.name}" in lading.run("doctor").out
    assert not largest.exists()
