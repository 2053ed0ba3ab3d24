from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from lading.backends.content_store.compression import CompressionInvalid
from lading.backends.content_store.root_filesystem import imported
from lading.engine.arrival import Destination
from lading.engine.cancel import Cancellation
from lading.engine.stores import ContentUnknown
from lading.errors import Cancelled, LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.image_config import ImageConfig
from lading.oci.manifest import Manifest, parse_manifest
from lading.oci.media_types import OCI_LAYER, OCI_LAYER_GZIP
from lading.oci.platform import Platform
from lading.oci.tar import TarInvalid
from lading.services.content.stores import Provenance
from tests.fakes.memory import MemoryStore
from tests.fakes.reading import read_all
from tests.fakes.root_images import CREATED, Pack, as_it_is, packed_by_gzip, packed_by_xz, packed_by_zstd, tar_of
from tests.fakes.work import run_copy

ROOT = tar_of({"bin/sh": b"#!" * 5000, "etc/os-release": b"ID=test\n", "usr/share/large": bytes(range(256)) * 4000})
SAID = Provenance(Platform("linux", "arm", "v7"), CREATED, "from the backup")


@pytest.mark.parametrize("pack", [as_it_is, packed_by_gzip, packed_by_zstd, packed_by_xz])
def test_a_root_file_system_becomes_an_image_of_one_layer(tmp_path: Path, pack: Pack) -> None:
    path, back = tmp_path / "rootfs.tar", MemoryStore(verifies=True)
    path.write_bytes(pack(ROOT))

    with imported(path, SAID, tmp_path / "scratch", Cancellation()) as image:
        (arrival,) = run_copy(image, image.root, [Destination("back", back, ("x",))])
        root = image.root

    assert arrival.error is None
    manifest = parse_manifest(back.blobs[root.digest])
    assert isinstance(manifest, Manifest)
    (layer,) = manifest.layers
    config = ImageConfig.parse(back.blobs[manifest.config.digest])
    assert layer.media_type == OCI_LAYER_GZIP
    assert gzip.decompress(back.blobs[layer.digest]) == ROOT
    assert config.diff_ids == (Digest.of(ROOT),)
    assert (config.platform, config.created) == (SAID.platform, CREATED)
    (step,) = config.history
    assert (step.created_by, step.comment, step.created) == ("import from rootfs.tar", "from the backup", CREATED)
    assert not list((tmp_path / "scratch").iterdir())


def test_the_same_tar_gives_the_same_image_however_it_is_packed(tmp_path: Path) -> None:
    roots = set()
    for pack in (as_it_is, packed_by_gzip, packed_by_zstd):
        with imported(io.BytesIO(pack(ROOT)), SAID, tmp_path, Cancellation()) as image:
            roots.add(image.root)

    assert len(roots) == 1


def test_the_layer_can_be_read_from_anywhere(tmp_path: Path) -> None:
    with imported(io.BytesIO(ROOT), SAID, tmp_path, Cancellation()) as image:
        manifest = parse_manifest(read_all(image.open(image.root)))
        assert isinstance(manifest, Manifest)
        layer = manifest.layers[0]
        whole = read_all(image.open(layer))

        assert read_all(image.open(layer, 100, 50)) == whole[100:150]
        assert read_all(image.open(layer, layer.size - 3)) == whole[-3:]
        with pytest.raises(ContentUnknown):
            image.open(Descriptor(OCI_LAYER, Digest.of(ROOT), len(ROOT)))


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", TarInvalid),
        (b"no tar" * 200, TarInvalid),
        (ROOT[:700], TarInvalid),
        (ROOT[: len(ROOT) // 2], TarInvalid),
        (packed_by_gzip(ROOT)[:-20], CompressionInvalid),
        (packed_by_gzip(ROOT[: len(ROOT) // 2]), TarInvalid),
        (packed_by_zstd(packed_by_gzip(ROOT)), TarInvalid),
    ],
)
def test_what_is_no_whole_tar_is_refused(tmp_path: Path, raw: bytes, error: type[LadingError]) -> None:
    with pytest.raises(error), imported(io.BytesIO(raw), SAID, tmp_path, Cancellation()):
        pytest.fail("it was taken")

    assert not list(tmp_path.iterdir())


def test_an_import_can_be_cancelled(tmp_path: Path) -> None:
    cancel = Cancellation()
    cancel.cancel()

    with pytest.raises(Cancelled), imported(io.BytesIO(ROOT), SAID, tmp_path, cancel):
        pytest.fail("it was taken")

    assert not list(tmp_path.iterdir())
