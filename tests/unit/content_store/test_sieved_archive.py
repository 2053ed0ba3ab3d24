"""Archives of which some layers are not needed."""

from __future__ import annotations

import io
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.sieved_archive import sieved_archive
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, LadingError
from lading.oci.archive import INDEX_FILE, LAYOUT_FILE, LAYOUT_TEXT, blob_member
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER
from lading.services.descriptions import describe, promised
from tests.fakes.docker_archives import docker_archive, read_to_end, reader

LAYERS = (b"a" * 3_000_001, b"b" * 700, b"")
CANCEL = Cancellation()


def oci_archive() -> tuple[bytes, list[Descriptor]]:
    """As a daemon writes it today: blobs first, what speaks of them at the end."""
    diff_ids = [str(Digest.of(layer)) for layer in LAYERS]
    config = (
        '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":['
        + ",".join(f'"{each}"' for each in diff_ids)
        + "]}}"
    ).encode()
    layers = [Descriptor(OCI_LAYER, Digest.of(layer), len(layer)) for layer in LAYERS]
    manifest = Manifest.build(Descriptor(OCI_CONFIG, Digest.of(config), len(config)), layers)
    blobs = {blob_member(Digest.of(each)): each for each in (*LAYERS, config, manifest.raw)}
    files = dict(sorted(blobs.items())) | {
        INDEX_FILE: Index.build((manifest.descriptor(),)).raw,
        LAYOUT_FILE: LAYOUT_TEXT,
    }
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return held.getvalue(), layers


def test_what_is_known_is_read_past_and_the_rest_is_there(tmp_path: Path) -> None:
    archive, layers = oci_archive()
    with sieved_archive(reader(archive), {layers[0].digest}, CANCEL, scratch=tmp_path, name="host") as store:
        (name,) = store.tags()
        (variant,) = describe("app", store, store.resolve(name), promised).variants
        assert variant.config is not None
        assert [str(each) for each in variant.config.diff_ids] == [str(Digest.of(layer)) for layer in LAYERS]
        for layer, content in list(zip(layers, LAYERS, strict=True))[1:]:
            with closing(store.open(layer)) as opened:
                assert read_to_end(opened) == content
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_out_where_nothing_is_known(tmp_path: Path) -> None:
    archive, layers = oci_archive()
    with (
        sieved_archive(reader(archive), (), CANCEL, scratch=tmp_path, name="host") as store,
        closing(store.open(layers[0])) as opened,
    ):
        assert read_to_end(opened) == LAYERS[0]


def test_older_archives_name_no_layer_by_its_digest_and_are_kept_whole(tmp_path: Path) -> None:
    archive = docker_archive(["app:1"], LAYERS[:2])
    known = {Digest.of(layer) for layer in LAYERS}
    with sieved_archive(reader(archive), known, CANCEL, scratch=tmp_path, name="host") as store:
        (name,) = store.tags()
        (variant,) = describe("app", store, store.resolve(name), promised).variants
        assert variant.manifest is not None
        for layer, content in zip(variant.manifest.layers, LAYERS, strict=False):
            with closing(store.open(layer)) as opened:
                assert read_to_end(opened) == content


@pytest.mark.parametrize("length", [0, 1, 511, 512, 1_000_000])
def test_an_archive_that_is_cut_is_refused_and_leaves_nothing(tmp_path: Path, length: int) -> None:
    archive, layers = oci_archive()

    with (
        pytest.raises(LadingError),
        sieved_archive(reader(archive[:length]), {layers[0].digest}, CANCEL, scratch=tmp_path, name="host"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_it_stops_where_somebody_says_so(tmp_path: Path) -> None:
    cancel = Cancellation()
    cancel.cancel()

    with pytest.raises(Cancelled), sieved_archive(reader(oci_archive()[0]), (), cancel, scratch=tmp_path, name="host"):
        pass
