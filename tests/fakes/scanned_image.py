"""An image of a few files, as a scanner reads it: services.findings.scanner.ImageView."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from lading.backends.content_store.file_reader import PlainFileReader
from lading.backends.scanners.layout import image_layout
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER_GZIP
from lading.oci.platform import Platform
from lading.services.findings.scanner import ViewedLayer
from lading.services.image_layouts import LayoutParts
from lading.wire.message import Reader


@dataclass(frozen=True)
class ScannedImage:
    """Its content is in `blobs`, by the hex of its digest; its layouts are made below `rooms`."""

    blobs: Path
    rooms: Path
    parts: LayoutParts = field(repr=False)
    id: str = "sha256:demo"
    name: str = "demo:1"
    platform: Platform = Platform("linux", "amd64")  # noqa: RUF009  frozen

    @classmethod
    def of(cls, folder: Path, layers: tuple[bytes, ...] = (b"first layer", b"second layer")) -> ScannedImage:
        """One with these layers, all of it below `folder`."""
        blobs = folder / "blobs"
        blobs.mkdir(parents=True, exist_ok=True)

        def put(content: bytes, media_type: str) -> Descriptor:
            path = blobs / Digest.of(content).encoded
            if not path.exists():
                path.write_bytes(content)
                path.chmod(0o444)
            return Descriptor(media_type, Digest.of(content), len(content))

        config = put(b'{"os": "linux", "architecture": "amd64"}', OCI_CONFIG)
        pieces = [put(layer, OCI_LAYER_GZIP) for layer in layers]
        manifest = Manifest.build(config, pieces)
        put(manifest.raw, manifest.descriptor().media_type)

        def opened(descriptor: Descriptor) -> Reader:
            return PlainFileReader(blobs / descriptor.digest.encoded)

        return cls(blobs, folder / "rooms", LayoutParts(manifest.descriptor(), (config, *pieces), opened))

    @property
    def manifest(self) -> Digest:
        return self.parts.manifest.digest

    @property
    def config(self) -> Digest:
        return self.parts.content[0].digest

    @property
    def layers(self) -> tuple[ViewedLayer, ...]:
        return tuple(ViewedLayer(each.digest, each) for each in self.parts.content[1:])

    def open(self, layer: ViewedLayer) -> Reader:
        assert layer.descriptor is not None
        return self.parts.open(layer.descriptor)

    def layout(self) -> AbstractContextManager[Path]:
        return image_layout(self.parts, self.rooms)
