"""What an archive holds while it is being written, and the documents that say so in the end."""

from __future__ import annotations

from collections.abc import Sequence

from lading.oci.archive import DockerImage, blob_member
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.layout_index import named, whole_reference
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import is_image_config
from lading.oci.platform import Platform, choose
from lading.oci.reference import Reference


class ArchiveContents:
    """Filled piece by piece; not thread-safe."""

    def __init__(self) -> None:
        self._held: set[Digest] = set()
        self._manifests: dict[Digest, Manifest | Index] = {}
        self.names: dict[str, Descriptor] = {}

    def holds(self, digest: Digest) -> bool:
        """Whether it is in the archive."""
        return digest in self._held

    def add(self, digest: Digest, manifest: Manifest | Index | None) -> None:
        """It is in the archive now; `manifest` is what it is, if it is one."""
        self._held.add(digest)
        if manifest is not None:
            self._manifests[digest] = manifest

    def manifest(self, digest: Digest) -> Manifest | Index | None:
        """The manifest of this digest, where it is in the archive."""
        return self._manifests.get(digest)

    def index(self) -> Index:
        """`index.json`: what has a name, and what refers to something that is here."""
        entries = [named(descriptor, name) for name, descriptor in self.names.items()]
        named_digests = {entry.digest for entry in entries}
        for digest, manifest in self._manifests.items():
            refers = manifest.subject is not None and self.holds(manifest.subject.digest)
            if refers and digest not in named_digests:
                entries.append(manifest.descriptor(digest.algorithm))
        return Index.build(entries)

    def docker_images(self, platform: Platform) -> tuple[DockerImage, ...]:
        """For `manifest.json`, which knows no platforms: of an index the child for `platform`, else the first here.

        Artifacts and images that lack a layer here are nothing that Docker loads.
        """
        references: dict[Digest, list[Reference]] = {}
        for name, descriptor in self.names.items():
            image = self._image(descriptor.digest, platform)
            if image is not None:
                reference = whole_reference(name)
                references.setdefault(image, []).extend([reference] if reference else [])
        return tuple(self._docker_image(image, called) for image, called in references.items())

    def _docker_image(self, digest: Digest, references: Sequence[Reference]) -> DockerImage:
        manifest = self._manifests[digest]
        assert isinstance(manifest, Manifest)
        layers = tuple(blob_member(layer.digest) for layer in manifest.layers)
        return DockerImage(blob_member(manifest.config.digest), layers, tuple(references))

    def _image(self, digest: Digest, platform: Platform) -> Digest | None:
        manifest = self._manifests.get(digest)
        if isinstance(manifest, Index):
            here = [child for child in manifest.manifests if self._is_image(child.digest)]
            chosen = choose(here, platform) or next(iter(here), None)
            return chosen.digest if chosen else None
        return digest if self._is_image(digest) else None

    def _is_image(self, digest: Digest) -> bool:
        manifest = self._manifests.get(digest)
        if not isinstance(manifest, Manifest) or not is_image_config(manifest.config.media_type):
            return False
        return all(self.holds(child.digest) for child in manifest.children)
