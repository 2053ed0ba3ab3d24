"""Rooms and layouts: whose they are, what they are made of, and that they go."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lading.backends.content_store.file_reader import PlainFileReader
from lading.backends.scanners.failures import FolderUnusable
from lading.backends.scanners.layout import image_layout
from lading.backends.scanners.layout_size import unpacked_bytes
from lading.backends.scanners.rooms import room, sweep
from lading.oci.archive import INDEX_FILE, blob_member
from lading.oci.descriptor import Descriptor
from lading.oci.digest import ContentTooLong, ContentTooShort
from lading.oci.layout_index import read_index
from lading.services.image_layouts import LayoutParts
from lading.wire.message import BytesReader
from tests.fakes.children import Child
from tests.fakes.scanned_image import ScannedImage


@pytest.fixture
def image(tmp_path: Path) -> ScannedImage:
    return ScannedImage.of(tmp_path)


def test_a_layout_has_one_manifest_and_links_to_our_blobs(image: ScannedImage) -> None:
    with image.layout() as layout:
        [entry] = read_index((layout / INDEX_FILE).read_bytes())
        assert entry.digest == image.manifest
        assert {path.name for path in layout.iterdir()} == {"oci-layout", "index.json", "blobs"}
        for descriptor in (image.parts.manifest, *image.parts.content):
            blob = layout / blob_member(descriptor.digest)
            assert os.path.samefile(blob, image.blobs / descriptor.digest.encoded)

    assert list(image.rooms.iterdir()) == []
    for descriptor in image.parts.content:
        status = (image.blobs / descriptor.digest.encoded).stat()
        assert (status.st_nlink, status.st_mode & 0o777) == (1, 0o444)


def test_where_there_is_no_link_it_is_copied(image: ScannedImage) -> None:
    def opened(descriptor: Descriptor) -> BytesReader:
        return BytesReader((image.blobs / descriptor.digest.encoded).read_bytes())

    parts = LayoutParts(image.parts.manifest, image.parts.content, opened)
    with image_layout(parts, image.rooms) as layout:
        for descriptor in parts.content:
            blob = layout / blob_member(descriptor.digest)
            assert blob.read_bytes() == (image.blobs / descriptor.digest.encoded).read_bytes()
            assert blob.stat().st_nlink == 1


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no second file system")
def test_across_file_systems_it_is_copied(image: ScannedImage, tmp_path: Path) -> None:
    other = Path("/dev/shm") / f"lading-{os.getpid()}-{tmp_path.name}"
    try:
        with image_layout(image.parts, other) as layout:
            assert (layout / blob_member(image.config)).stat().st_nlink == 1
            assert unpacked_bytes(layout) == 3 * sum(each.size for each in image.parts.content[1:])
    finally:
        other.rmdir()


def test_a_blob_that_loses_its_name_meanwhile_is_copied(image: ScannedImage) -> None:
    def opened(descriptor: Descriptor) -> PlainFileReader:
        path = image.blobs / descriptor.digest.encoded
        reader = PlainFileReader(path)
        path.unlink()
        return reader

    with image_layout(LayoutParts(image.parts.manifest, image.parts.content, opened), image.rooms) as layout:
        assert (layout / blob_member(image.config)).stat().st_nlink == 1


@pytest.mark.parametrize(("content", "error"), [(b"", ContentTooShort), (b"x" * 9999, ContentTooLong)])
def test_content_of_another_size_makes_no_layout(image: ScannedImage, content: bytes, error: type[Exception]) -> None:
    parts = LayoutParts(image.parts.manifest, image.parts.content, lambda _: BytesReader(content))

    with pytest.raises(error), image_layout(parts, image.rooms):
        pass

    assert list(image.rooms.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(FolderUnusable, match="cannot use"), room(tmp_path / "file"):
        pass


def test_rooms_below_a_linked_folder_are_in_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to("real")

    with room(tmp_path / "linked") as own:
        assert own.path.parent.resolve() == tmp_path / "real"
        sweep(tmp_path / "real")
        assert own.path.is_dir()

    assert list((tmp_path / "real").iterdir()) == []


def test_a_removed_room_changes_nothing_that_its_links_lead_to(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "closed").mkdir(parents=True)
    (outside / "blob").write_text("ours")
    (outside / "blob").chmod(0o444)
    (outside / "closed").chmod(0o500)

    with room(tmp_path / "rooms") as own:
        (own.path / "link").symlink_to(outside)
        os.link(outside / "blob", own.path / "blob")
        (own.path / "closed").mkdir()
        (own.path / "closed" / "file").write_text("")
        (own.path / "closed" / "out").symlink_to(outside / "closed")
        (own.path / "closed").chmod(0o500)

    assert not own.path.exists()
    assert (outside / "blob").stat().st_mode & 0o777 == 0o444
    assert (outside / "closed").stat().st_mode & 0o777 == 0o500


def test_sweeps_and_new_rooms_do_not_meet(tmp_path: Path) -> None:
    """Each room is there while somebody is inside, whoever sweeps meanwhile."""
    missing: list[Path] = []
    over = threading.Event()

    def sweeps() -> None:
        while not over.is_set():
            sweep(tmp_path)

    threads = [threading.Thread(target=sweeps) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            with room(tmp_path) as own:
                if not own.path.is_dir():
                    missing.append(own.path)
    finally:
        over.set()
        for thread in threads:
            thread.join()

    assert missing == []


def test_the_room_of_another_process_stays_until_that_is_gone(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "from lading.backends.scanners.rooms import room\n"
        "with room(pathlib.Path(sys.argv[1])) as own:\n"
        "    print(own.path, flush=True); sys.stdin.read()\n"
    )
    with Child(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        path = Path(other.stdout.readline().strip())
        sweep(tmp_path)
        assert path.is_dir()

        other.kill()
        other.wait()
        sweep(tmp_path)
        assert not path.exists()
