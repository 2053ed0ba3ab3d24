"""An image for several platforms as an archive brings it: two that are there, one that is not, one attested."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Manifest, parse_manifest
from tests.fakes.images import AMD64, ARM64, S390X, attestation_of, put_image, put_index
from tests.fakes.memory import MemoryStore
from tests.fakes.oci_archives import called, oci_archive
from tests.fakes.root_images import layer_tars, put_root_image


@dataclass(frozen=True)
class Several:
    """`arm64` shares its first layer with `amd64`, which `attestation` speaks of; `absent` is in no archive."""

    store: MemoryStore
    root: Descriptor
    amd64: Descriptor
    arm64: Descriptor
    absent: Descriptor
    attestation: Descriptor

    def archive(self, *names: str, without: Collection[Digest] = ()) -> bytes:
        entries = [called(self.root, name) for name in names] or [self.root]
        return oci_archive(self.store, entries, [self.absent.digest, *without])

    def manifest(self, descriptor: Descriptor) -> Manifest:
        parsed = parse_manifest(self.store.blobs[descriptor.digest])
        assert isinstance(parsed, Manifest)
        return parsed

    def content(self, descriptor: Descriptor) -> int:
        """Bytes of a manifest, its config and its layers."""
        manifest = self.manifest(descriptor)
        return descriptor.size + sum(child.size for child in manifest.children)


def several(label: str = "") -> Several:
    """`label` makes another of the same layers."""
    store = MemoryStore(complete=False)
    tars = layer_tars(3)
    amd64 = put_root_image(store, tars[:2], platform=AMD64, label=label)
    arm64 = put_root_image(store, [tars[0], tars[2]], platform=ARM64, label=label)
    absent = put_image(store, [b"absent"], platform=S390X)
    attestation = attestation_of(store, amd64)
    root = put_index(store, [amd64, arm64, absent, attestation])
    return Several(store, root, amd64, arm64, absent, attestation)
