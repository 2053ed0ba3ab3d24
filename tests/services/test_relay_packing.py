"""Images of Docker hosts made ones that registries take well."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from lading.backends.content_store.archive import ArchiveSource, open_archive
from lading.backends.content_store.packed_layer import packed_layer
from lading.engine.arrival import SourceCorrupt
from lading.engine.cancel import Cancellation
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest, parse_manifest
from lading.oci.media_types import DOCKER_LAYER_GZIP, DOCKER_MANIFEST, OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP
from lading.oci.platform import Platform, subject_of_attestation
from lading.services.content.stores import PackedLayer
from lading.services.lookup import only_name
from lading.services.relays.packing import Pack, Packing
from lading.wire.message import Cancel, Reader
from tests.fakes.docker_archives import docker_archive
from tests.fakes.images import attestation_of, put_image
from tests.fakes.memory import MemoryStore
from tests.fakes.root_images import tar_of

CANCEL = Cancellation()
LAYERS = (tar_of({"base": b"a" * 50_000}), tar_of({"own": b"b" * 1000}))
DIFF_IDS = tuple(map(Digest.of, LAYERS))

Opened = Callable[[bytes], ArchiveSource]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens an archive."""
    sources: list[ArchiveSource] = []

    def open_it(archive: bytes) -> ArchiveSource:
        sources.append(open_archive(io.BytesIO(archive), tmp_path, CANCEL))
        return sources[-1]

    yield open_it
    for source in sources:
        source.close()


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return partial(packed_layer, scratch=tmp_path)


def no_pack(layer: Reader, cancel: Cancel) -> AbstractContextManager[PackedLayer]:
    raise AssertionError("it is known, and read by nobody")


def test_plain_layers_are_compressed_and_the_config_stays(opened: Opened, pack: Pack) -> None:
    source, target = opened(docker_archive(["app:1"], LAYERS)), MemoryStore()
    packing = Packing(source, target, {}, pack, CANCEL)

    root = packing.bring(source.resolve(only_name(source, None)))

    manifest = parse_manifest(target.blobs[root.digest])
    assert isinstance(manifest, Manifest)
    assert [layer.media_type for layer in manifest.layers] == [OCI_LAYER_GZIP, OCI_LAYER_GZIP]
    assert tuple(gzip.decompress(target.blobs[layer.digest]) for layer in manifest.layers) == LAYERS
    assert manifest.config.digest in target.blobs
    assert packing.learned == dict(zip(DIFF_IDS, manifest.layers, strict=True))


def test_what_is_known_is_not_read_again_and_comes_to_the_same(opened: Opened, pack: Pack) -> None:
    source, target = opened(docker_archive(["app:1"], LAYERS)), MemoryStore()
    named = source.resolve(only_name(source, None))
    first = Packing(source, target, {}, pack, CANCEL)
    root = first.bring(named)

    again = Packing(source, target, first.learned, no_pack, CANCEL)

    assert again.bring(named) == root
    assert again.learned == first.learned


def test_a_layer_that_is_not_what_its_image_says_is_refused(opened: Opened, pack: Pack) -> None:
    whole = docker_archive(["app:1"], LAYERS)
    source, target = opened(whole.replace(b"b" * 1000, b"c" * 1000)), MemoryStore()
    packing = Packing(source, target, {}, pack, CANCEL)

    with pytest.raises(SourceCorrupt):
        packing.bring(source.resolve(only_name(source, None)))
    assert packing.learned == {}


def test_an_image_that_is_compressed_already_stays_byte_for_byte() -> None:
    source, target = MemoryStore(), MemoryStore()
    root = put_image(source)

    assert Packing(source, target, {}, no_pack, CANCEL).bring(root) == root
    assert target.blobs == source.blobs


def test_an_index_names_its_images_as_they_have_become(pack: Pack) -> None:
    source, target = MemoryStore(), MemoryStore()
    plain, compressed = plain_image(source), put_image(source)
    attestation = attestation_of(source, plain)
    children = [at(plain, "linux/amd64"), at(compressed, "linux/arm64"), attestation]
    index = Index.build(children, annotations={"org.example.note": "kept"})
    source.blobs[index.descriptor().digest] = index.raw

    root = Packing(source, target, {}, pack, CANCEL).bring(index.descriptor())

    made = parse_manifest(target.blobs[root.digest])
    assert isinstance(made, Index)
    assert made.annotations == {"org.example.note": "kept"}
    assert [str(child.platform) for child in made.manifests] == ["linux/amd64", "linux/arm64", "unknown/unknown"]
    assert made.manifests[0].digest != plain.digest
    assert [child.digest for child in made.manifests[1:]] == [compressed.digest, attestation.digest]
    assert subject_of_attestation(made.manifests[2]) == made.manifests[0].digest


def test_docker_manifests_stay_dockers(pack: Pack) -> None:
    source, target = MemoryStore(), MemoryStore()
    root = plain_image(source, DOCKER_MANIFEST)

    brought = Packing(source, target, {}, pack, CANCEL).bring(root)

    made = parse_manifest(target.blobs[brought.digest])
    assert isinstance(made, Manifest)
    assert (made.media_type, made.layers[0].media_type) == (DOCKER_MANIFEST, DOCKER_LAYER_GZIP)


def plain_image(store: MemoryStore, media_type: str | None = None) -> Descriptor:
    """Of one plain layer."""
    config = (
        b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["%s"]}}'
        % str(DIFF_IDS[0]).encode()
    )
    for raw in (config, LAYERS[0]):
        store.blobs[Digest.of(raw)] = raw
    layer = Descriptor(OCI_LAYER, DIFF_IDS[0], len(LAYERS[0]))
    described = Descriptor(OCI_CONFIG, Digest.of(config), len(config))
    manifest = (
        Manifest.build(described, [layer])
        if media_type is None
        else Manifest.build(described, [layer], media_type=media_type)
    )
    store.blobs[manifest.descriptor().digest] = manifest.raw
    return manifest.descriptor()


def at(image: Descriptor, platform: str) -> Descriptor:
    return Descriptor(image.media_type, image.digest, image.size, Platform.parse(platform))
