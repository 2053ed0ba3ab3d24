"""What an archive of `docker save` without an OCI index holds, as images."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from lading.backends.content_store.compression import Packing
from lading.backends.content_store.pieces import PIECE
from lading.backends.content_store.plain_tar import PlainTar
from lading.oci.archive import ArchiveInvalid, DockerImage, read_docker_manifest, shown_member
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.oci.image_config import ImageConfig
from lading.oci.layout_index import named
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD
from lading.oci.tar import Member

_LAYER_TYPES: Mapping[Packing, str] = {
    Packing.PLAIN: OCI_LAYER,
    Packing.GZIP: OCI_LAYER_GZIP,
    Packing.ZSTD: OCI_LAYER_ZSTD,
}


@dataclass(frozen=True, slots=True)
class Made:
    """Images as an index would list them, the manifests that we made, and which member each digest is."""

    entries: tuple[Descriptor, ...] = ()
    manifests: Mapping[Digest, bytes] = field(default_factory=dict)
    members: Mapping[Digest, Member] = field(default_factory=dict)


def images_of_docker(tar: PlainTar, raw: bytes) -> Made:
    """From `manifest.json`. Raises ArchiveInvalid, ConfigInvalid, ReadFailed."""
    making = _Making(tar)
    entries: list[Descriptor] = []
    for image in read_docker_manifest(raw):
        root = making.image(image)
        entries += [named(root, str(reference)) for reference in image.references] or [root]
    return Made(tuple(entries), making.manifests, making.members)


class _Making:
    def __init__(self, tar: PlainTar) -> None:
        self._tar = tar
        self._layers: dict[tuple[int, Digest], Descriptor] = {}
        self.manifests: dict[Digest, bytes] = {}
        self.members: dict[Digest, Member] = {}

    def image(self, image: DockerImage) -> Descriptor:
        member = self._member(image.config)
        raw = self._tar.document(member)
        diff_ids = ImageConfig.parse(raw).diff_ids
        if len(diff_ids) != len(image.layers):
            raise ArchiveInvalid(
                shown_member(image.config), f"names {len(diff_ids)} layers, manifest.json {len(image.layers)}"
            )
        config = Descriptor(OCI_CONFIG, Digest.of(raw), len(raw))
        self.members[config.digest] = member
        layers = [self._layer(name, diff_id) for name, diff_id in zip(image.layers, diff_ids, strict=True)]
        manifest = Manifest.build(config, layers)
        root = manifest.descriptor()
        self.manifests[root.digest] = manifest.raw
        return root

    def _layer(self, name: str, diff_id: Digest) -> Descriptor:
        """A plain layer's digest is its diffID, which whoever receives it checks; a compressed one is hashed here."""
        member = self._member(name)
        known = self._layers.get((member.position, diff_id))
        if known is not None:
            return known
        packing = self._tar.packing(member)
        if packing not in _LAYER_TYPES:
            raise ArchiveInvalid(shown_member(name), f"is compressed by {packing.value}, which no registry takes")
        digest = diff_id if packing is Packing.PLAIN else _hashed(self._tar, member)
        self.members[digest] = member
        layer = Descriptor(_LAYER_TYPES[packing], digest, member.size)
        self._layers[member.position, diff_id] = layer
        return layer

    def _member(self, name: str) -> Member:
        member = self._tar.members.find(name)
        if member is None:
            raise ArchiveInvalid(shown_member(name), "is missing")
        return member


def _hashed(tar: PlainTar, member: Member) -> Digest:
    reader = tar.reader(member)
    content_hash = hashlib.sha256()
    buffer = memoryview(bytearray(PIECE))
    try:
        while count := reader.readinto(buffer):
            content_hash.update(buffer[:count])
    finally:
        reader.close()
    return Digest(Algorithm.SHA256, content_hash.hexdigest())
