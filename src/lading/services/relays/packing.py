"""An image as a Docker host hands it out, made one that registries take well: plain layers are compressed.

What is compressed already stays byte for byte, and so do the documents that name nothing else. A layer that is known by
its diffID is not read again, and every other one is found out to be what its image says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

from lading.engine.arrival import SourceCorrupt
from lading.engine.content import SourceContent
from lading.engine.stores import Source, Target, untold
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.image_config import ConfigInvalid
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import (
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    is_document,
    is_foreign_layer,
    is_image_config,
)
from lading.oci.platform import attesting, subject_of_attestation
from lading.services.content.stores import PackedLayer
from lading.services.reading import read_config, read_manifest
from lading.wire.message import BytesContent, Cancel, Reader

_PLAIN = frozenset({OCI_LAYER, DOCKER_LAYER})
_GZIP = frozenset({OCI_LAYER_GZIP, DOCKER_LAYER_GZIP})


class Pack(Protocol):
    """Compresses a layer; main fulfils it."""

    def __call__(self, layer: Reader, cancel: Cancel) -> AbstractContextManager[PackedLayer]:
        """While inside, the blob can be read. Raises StorageFailed, Cancelled, and what the reader raises."""


@dataclass(slots=True)
class Packing:
    """Brings what one source holds to a target, for one thread. `known` are blobs that the target holds, by diffID;
    `learned` are all that it holds in the end."""

    source: Source
    target: Target
    known: Mapping[Digest, Descriptor]
    pack: Pack
    cancel: Cancel
    learned: dict[Digest, Descriptor] = field(default_factory=dict, init=False)
    _done: dict[Digest, Descriptor] = field(default_factory=dict, init=False)

    def bring(self, descriptor: Descriptor) -> Descriptor:
        """This document and all below it: what it is at the target. Raises SourceCorrupt, ContentUnknown,
        ManifestInvalid, StorageFailed, Cancelled."""
        if descriptor.digest not in self._done:
            self._done[descriptor.digest] = self._brought(descriptor)
        done = self._done[descriptor.digest]
        return replace(descriptor, digest=done.digest, size=done.size)

    def _brought(self, descriptor: Descriptor) -> Descriptor:
        if not is_document(descriptor.media_type):
            self.target.push(descriptor, SourceContent(self.source, descriptor), untold, self.cancel)
            return descriptor
        document = read_manifest(self.source, descriptor)
        new = self._index(document) if isinstance(document, Index) else self._manifest(document)
        made = descriptor if new is document else new.descriptor(descriptor.digest.algorithm)
        self.target.push(made, BytesContent(new.raw), untold, self.cancel)
        return made

    def _index(self, index: Index) -> Index:
        brought = tuple(map(self.bring, index.manifests))
        children = tuple(map(self._still_attesting, brought))
        if children == index.manifests:
            return index
        return Index.build(
            children,
            media_type=index.media_type,
            artifact_type=index.artifact_type,
            subject=index.subject,
            annotations=index.annotations,
        )

    def _still_attesting(self, child: Descriptor) -> Descriptor:
        """An attestation names its image as that is now."""
        subject = subject_of_attestation(child)
        now = self._done.get(subject) if subject is not None else None
        if now is None or now.digest == subject:
            return child
        return replace(child, annotations=attesting(child, now.digest))

    def _manifest(self, manifest: Manifest) -> Manifest:
        self.bring(manifest.config)
        gzip = DOCKER_LAYER_GZIP if manifest.media_type == DOCKER_MANIFEST else OCI_LAYER_GZIP
        layers = tuple(self._layer(layer, gzip) for layer in manifest.layers)
        self.learned.update(layers_of(self.source, manifest, layers))
        if layers == manifest.layers:
            return manifest
        return Manifest.build(
            manifest.config,
            layers,
            media_type=manifest.media_type,
            artifact_type=manifest.artifact_type,
            subject=manifest.subject,
            annotations=manifest.annotations,
        )

    def _layer(self, layer: Descriptor, gzip: str) -> Descriptor:
        if is_foreign_layer(layer.media_type):
            return layer
        if layer.media_type not in _PLAIN:
            return self.bring(layer) if not self.target.has(layer) else layer
        blob = self._done.get(layer.digest) or self.known.get(layer.digest) or self._packed(layer)
        self._done[layer.digest] = blob
        media_type = gzip if blob.media_type in _GZIP else blob.media_type
        return replace(layer, media_type=media_type, digest=blob.digest, size=blob.size)

    def _packed(self, layer: Descriptor) -> Descriptor:
        reader = self.source.open(layer)
        try:
            with self.pack(reader, self.cancel) as packed:
                if packed.diff_id != layer.digest:
                    raise SourceCorrupt(layer.digest, self.source.name, f"the content is {packed.diff_id}")
                self.target.push(packed.blob, packed.content, untold, self.cancel)
                return packed.blob
        finally:
            reader.close()


def layers_of(source: Source, manifest: Manifest, layers: Collection[Descriptor]) -> Mapping[Digest, Descriptor]:
    """The blobs of an image by diffID, where it has a config that names them one by one: `layers` are what lies where
    the manifest's own do. Raises ContentUnknown, ContentCorrupt."""
    if not is_image_config(manifest.config.media_type):
        return {}
    try:
        diff_ids = read_config(source, manifest).diff_ids
    except ConfigInvalid:
        return {}
    if len(diff_ids) != len(layers):
        return {}
    return {
        diff_id: Descriptor(layer.media_type, layer.digest, layer.size)
        for diff_id, layer in zip(diff_ids, layers, strict=True)
        if layer.media_type not in _PLAIN and not is_foreign_layer(layer.media_type)
    }
