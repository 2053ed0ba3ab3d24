"""`import`: a tar of a root file system becomes an image of one layer.

The tar is checked while it passes, and compressed once into a nameless file in the scratch folder: only then are the
layer's digest and size known. Its bytes are kept as they are, so the diffID is the digest of the tar that was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lading.backends.content_store.arriving import arriving, name_of
from lading.backends.content_store.file_reader import PlainFileReader
from lading.backends.content_store.packed_layer import packed
from lading.backends.content_store.scratch import Spool, nameless
from lading.engine.stores import ContentUnknown
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.image_config import HistoryStep, ImageConfig
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_CONFIG
from lading.oci.tar import Member, PassingTar
from lading.services.content.stores import Provenance
from lading.wire.message import BytesContent, Cancel, Reader


class ImportedImage:
    """A Source that holds one image: `root` names it. Good while `imported` is entered."""

    verified = True

    def __init__(self, spool: Spool, layer: Descriptor, config: ImageConfig, name: str) -> None:
        self._spool, self._layer, self.name = spool, layer, name
        described = Descriptor(OCI_CONFIG, Digest.of(config.raw), len(config.raw))
        manifest = Manifest.build(described, [layer])
        self.root = manifest.descriptor()
        self._documents = {described.digest: config.raw, self.root.digest: manifest.raw}

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """Raises ContentUnknown."""
        if descriptor.digest == self._layer.digest:
            return PlainFileReader(Path(self.name), offset, length, self._spool.kept())
        if descriptor.digest not in self._documents:
            raise ContentUnknown(descriptor.digest, self.name)
        return BytesContent(self._documents[descriptor.digest]).open(offset, length)


@contextmanager
def imported(place: Path | BinaryIO, provenance: Provenance, scratch: Path, cancel: Cancel) -> Iterator[ImportedImage]:
    """The image made of a root file system's tar, plain or packed by gzip, zstd, xz or bzip2.

    Raises ArchiveMissing, TarInvalid, CompressionInvalid, ArchiveBomb, DiskFull, StorageUnusable, ReadFailed,
    Cancelled; nothing is left behind, whatever ends it.
    """
    with arriving(place, cancel) as reader, nameless(scratch) as spool:
        passing = PassingTar(_any_member)
        layer, diff_id = packed(reader, spool, cancel, passing.update)
        passing.finish()
        origin = place.name if isinstance(place, Path) else name_of(place)
        step = HistoryStep(provenance.created, f"import from {origin}", comment=provenance.message)
        config = ImageConfig.build(provenance.platform, provenance.created, [diff_id], [step], provenance.settings)
        yield ImportedImage(spool, layer, config, name_of(place))


def _any_member(_member: Member) -> None:
    """A root file system may hold anything; only the tar around it must be whole."""
