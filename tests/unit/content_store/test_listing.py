"""index.json: derived from the names, made once for many changes, whole whenever somebody looks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from lading.backends.content_store.listing import OciListing, index_of
from lading.backends.content_store.storage import StorageUnusable
from lading.backends.content_store.tree import Tree
from lading.engine.records import Image
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_INDEX, OCI_MANIFEST
from tests.fakes.records import MemoryImageNames

ROOT = Descriptor(OCI_MANIFEST, Digest.of(b"root"), 4)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "content")
    tree.prepare()
    return tree


def names_in(tree: Tree) -> list[str]:
    index = json.loads(tree.index.read_bytes())
    return [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in index["manifests"]]


def test_an_entry_carries_the_whole_reference() -> None:
    index = json.loads(index_of([Image("docker.io/library/x:1", ROOT, 0.0)]))

    assert index == {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            {
                "mediaType": OCI_MANIFEST,
                "digest": str(ROOT.digest),
                "size": 4,
                "annotations": {"org.opencontainers.image.ref.name": "docker.io/library/x:1"},
            }
        ],
    }


def test_no_images_make_an_empty_index() -> None:
    assert json.loads(index_of([]))["manifests"] == []


def test_closing_writes_what_is_due(tree: Tree) -> None:
    names = MemoryImageNames()
    listing = OciListing(tree, names)
    for number in range(3):
        names.point([f"localhost/x:{number}"], ROOT, "any")
        listing.changed()
    listing.close()

    assert names_in(tree) == ["localhost/x:0", "localhost/x:1", "localhost/x:2"]


def test_nothing_is_written_where_nothing_changed(tree: Tree) -> None:
    listing = OciListing(tree, MemoryImageNames())
    listing.close()
    listing.close()

    assert not tree.index.exists()


def test_it_is_written_by_itself_in_a_moment(tree: Tree) -> None:
    asked = threading.Event()

    class Asked(MemoryImageNames):
        def all(self) -> list[Image]:
            asked.set()
            return []

    listing = OciListing(tree, Asked())
    listing.changed()
    asked.wait()
    listing.close()


def test_many_writers_leave_a_whole_file(tree: Tree) -> None:
    names = MemoryImageNames()
    names.point([f"localhost/x:{number}" for number in range(50)], ROOT, "any")
    threads = [threading.Thread(target=OciListing(tree, names).write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(names_in(tree)) == 50


def test_a_folder_that_is_gone_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StorageUnusable):
        OciListing(Tree(tmp_path / "nowhere"), MemoryImageNames()).write()


class HeldNames(MemoryImageNames):
    """Read when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.released = threading.Event(), threading.Event()

    def all(self) -> Iterable[Image]:
        self.asked.set()
        assert self.released.wait(30)
        return super().all()


def test_closing_waits_for_the_file_that_is_being_made(tree: Tree) -> None:
    names = HeldNames()
    listing = OciListing(tree, names)
    names.point(["localhost/x:1"], ROOT, "any")
    listing.changed()
    assert names.asked.wait(30)
    closing = threading.Thread(target=listing.close)

    closing.start()
    closing.join(0.1)  # no shorter than it takes to come back without waiting
    waits = closing.is_alive()
    names.released.set()
    closing.join()

    assert waits
    assert names_in(tree) == ["localhost/x:1"]
