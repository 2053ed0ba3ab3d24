"""Other programs read our content folder as an OCI layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.listing import OciListing
from lading.engine.embedded import EmbeddedStore
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index
from lading.oci.platform import Platform
from tests.contract.stores.suite import LAYER, push_image, tag
from tests.fakes.records import MemoryImageNames, MemoryLeases
from tests.peers.programs import run

NAMES = ("docker.io/library/x:1", "localhost:5000/a/b:1")


@pytest.mark.peer("skopeo")
@pytest.mark.parametrize("name", NAMES)
def test_skopeo_reads_an_image_by_its_whole_reference(tmp_path: Path, name: str) -> None:
    folder, names = ContentFolder(tmp_path / "content", MemoryLeases()), MemoryImageNames()
    listing = OciListing(folder.tree, names)
    store = EmbeddedStore(folder, names, listing)
    manifest = push_image(store, LAYER)
    tag(store, manifest, *NAMES)
    listing.close()
    folder.close()

    raw = run("skopeo", "inspect", "--raw", f"oci:{tmp_path / 'content'}:{name}")
    assert Digest.of(raw.encode()) == manifest.descriptor().digest


@pytest.mark.peer("skopeo")
def test_skopeo_copies_one_platform_of_an_index_whose_other_child_is_absent(tmp_path: Path) -> None:
    folder, names = ContentFolder(tmp_path / "content", MemoryLeases()), MemoryImageNames()
    listing = OciListing(folder.tree, names)
    store = EmbeddedStore(folder, names, listing)
    here = push_image(store, LAYER).descriptor()
    amd64 = Descriptor(here.media_type, here.digest, here.size, Platform("linux", "amd64"))
    absent = Descriptor(here.media_type, Digest.of(b"absent"), 10, Platform("linux", "s390x"))
    tag(store, Index.build([absent, amd64]), "docker.io/library/x:1")
    listing.close()
    folder.close()

    command = ["skopeo", "--insecure-policy", "--override-os=linux", "--override-arch=amd64", "copy", "-q"]
    run(*command, f"oci:{tmp_path / 'content'}:docker.io/library/x:1", f"dir:{tmp_path / 'copied'}")
    copied = json.loads((tmp_path / "copied/manifest.json").read_bytes())
    assert copied["layers"][0]["digest"] == str(Digest.of(LAYER))
