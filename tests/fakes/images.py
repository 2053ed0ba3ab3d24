"""Images put into a memory store: real manifests over a few bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lading.oci.descriptor import NO_ANNOTATIONS, Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER_GZIP
from lading.oci.platform import Platform
from tests.fakes.memory import MemoryStore

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")
S390X = Platform("linux", "s390x")


def layers_of(count: int, size: int = 40) -> list[bytes]:
    """Different layers, the later ones a little longer."""
    return [bytes([number + 65]) * (size + number) for number in range(count)]


def put_image(
    store: MemoryStore,
    layers: Sequence[bytes] = (b"first layer", b"second layer"),
    *,
    tag: str | None = None,
    platform: Platform = AMD64,
    algorithm: Algorithm = Algorithm.SHA256,
    subject: Descriptor | None = None,
    artifact_type: str | None = None,
    diff_ids: Sequence[Digest] = (),
) -> Descriptor:
    """A manifest with its config and layers; named where a tag is given. With `diff_ids` the config says what the
    layers are uncompressed."""
    document: dict[str, object] = {"os": "linux", "architecture": platform.architecture}
    if diff_ids:
        document["rootfs"] = {"type": "layers", "diff_ids": [str(each) for each in diff_ids]}
    config = store.put(json.dumps(document).encode(), OCI_CONFIG, algorithm)
    pieces = [store.put(layer, OCI_LAYER_GZIP, algorithm) for layer in layers]
    manifest = Manifest.build(config, pieces, subject=subject, artifact_type=artifact_type)
    descriptor = replace(manifest.descriptor(algorithm), artifact_type=None)
    store.blobs[descriptor.digest] = manifest.raw
    store.held[descriptor.digest] = descriptor
    if tag is not None:
        store.names[tag] = descriptor
    return replace(descriptor, platform=platform)


def put_index(
    store: MemoryStore,
    children: Iterable[Descriptor],
    *,
    tag: str | None = None,
    annotations: Mapping[str, str] = NO_ANNOTATIONS,
) -> Descriptor:
    """An index over these; named where a tag is given."""
    index = Index.build(children, annotations=annotations)
    descriptor = index.descriptor()
    store.blobs[descriptor.digest] = index.raw
    store.held[descriptor.digest] = descriptor
    if tag is not None:
        store.names[tag] = descriptor
    return descriptor


def attestation_of(store: MemoryStore, image: Descriptor) -> Descriptor:
    """What BuildKit puts beside an image in its index."""
    manifest = put_image(store, [b"provenance of " + image.digest.encoded.encode()])
    return replace(
        manifest,
        platform=Platform("unknown", "unknown"),
        annotations={
            **NO_ANNOTATIONS,
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": str(image.digest),
        },
    )
