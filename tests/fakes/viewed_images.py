"""Images as a scanner of our own reads them: layers in memory or in files, and which of them were opened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from lading.backends.content_store.file_reader import PlainFileReader
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_LAYER
from lading.oci.platform import Platform
from lading.services.findings.scanner import ViewedLayer
from lading.wire.message import BytesReader, Reader
from tests.fakes.images import AMD64
from tests.fakes.root_images import Pack, as_it_is


@dataclass(frozen=True)
class KeptLayer:
    """A layer as a store or a daemon keeps it."""

    viewed: ViewedLayer
    open: Callable[[], Reader]


def kept(tar: bytes, pack: Pack = as_it_is, *, diff_id: Digest | None = None) -> KeptLayer:
    """In memory, so it is fed to whoever reads it; `diff_id` is what a lying config says of it."""
    packed = pack(tar)
    descriptor = Descriptor(OCI_LAYER, Digest.of(packed), len(packed))
    return KeptLayer(ViewedLayer(diff_id or Digest.of(tar), descriptor), lambda: BytesReader(packed))


def filed(path: Path, tar: bytes, pack: Pack = as_it_is) -> KeptLayer:
    """In a file, as our own store has it."""
    packed = pack(tar)
    path.write_bytes(packed)
    return filed_as(path, Digest.of(tar), Digest.of(packed))


def filed_as(path: Path, diff_id: Digest, blob: Digest) -> KeptLayer:
    """A file that is there already."""
    descriptor = Descriptor(OCI_LAYER, blob, path.stat().st_size)
    return KeptLayer(ViewedLayer(diff_id, descriptor), lambda: PlainFileReader(path))


def streamed(tar: bytes) -> KeptLayer:
    """At a daemon, which has no descriptors."""
    return KeptLayer(ViewedLayer(Digest.of(tar), None), lambda: BytesReader(tar))


class ViewedImage:
    """Fulfils services.findings.scanner.ImageView over these layers; `opened` is what was read of it."""

    platform: Platform = AMD64
    manifest: Digest | None = None

    def __init__(self, *layers: KeptLayer, name: str = "image:1") -> None:
        self.kept = layers
        self._lock = threading.Lock()
        self.opened: list[Digest] = []
        self.id = self.name = name
        self.config = Digest.of(" ".join([name, *(str(layer.viewed.diff_id) for layer in layers)]).encode())

    @property
    def layers(self) -> Sequence[ViewedLayer]:
        return [layer.viewed for layer in self.kept]

    def open(self, layer: ViewedLayer) -> Reader:
        with self._lock:
            self.opened.append(layer.diff_id)
        return next(each for each in self.kept if each.viewed == layer).open()

    def layout(self) -> AbstractContextManager[Path]:
        raise AssertionError("our own scanner needs none")
