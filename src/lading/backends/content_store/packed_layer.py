"""A layer compressed once, into a nameless file in the scratch folder: only then are the blob's digest and size known.

The same bytes always give the same blob, so a layer that is packed again somewhere is no other one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lading.backends.content_store.file_reader import PlainFileReader
from lading.backends.content_store.isal_streams import gzip_packer
from lading.backends.content_store.pieces import PIECE, fill
from lading.backends.content_store.scratch import Spool, nameless
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.oci.media_types import OCI_LAYER_GZIP
from lading.services.content.stores import PackedLayer
from lading.wire.message import Cancel, Reader


@dataclass(frozen=True, slots=True)
class _Spooled:
    """Fulfils Content."""

    spool: Spool
    name: str

    @property
    def size(self) -> int:
        return self.spool.size

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        return PlainFileReader(Path(self.name), offset, length, self.spool.kept())


@contextmanager
def packed_layer(layer: Reader, cancel: Cancel, *, scratch: Path) -> Iterator[PackedLayer]:
    """Fulfils services.relays.archives.Pack. Raises DiskFull, StorageUnusable, Cancelled, and what the layer's reader
    raises."""
    with nameless(scratch) as spool:
        blob, diff_id = packed(layer, spool, cancel, _nobody)
        yield PackedLayer(diff_id, blob, _Spooled(spool, "a packed layer"))


def packed(
    source: Reader, spool: Spool, cancel: Cancel, look: Callable[[memoryview], object]
) -> tuple[Descriptor, Digest]:
    """Hashes and packs a plain tar into the spool in one pass: the blob, and the tar's own digest. `look` sees it too.
    Raises as `packed_layer`, and what `look` raises."""
    packer = gzip_packer()
    plain, blob = hashlib.sha256(), hashlib.sha256()

    def keep(piece: bytes) -> None:
        blob.update(piece)
        spool.write(memoryview(piece))

    buffer = memoryview(bytearray(PIECE))
    while count := fill(source, buffer):
        cancel.check()
        look(buffer[:count])
        plain.update(buffer[:count])
        keep(packer.compress(buffer[:count]))
    keep(packer.flush())
    descriptor = Descriptor(OCI_LAYER_GZIP, Digest(Algorithm.SHA256, blob.hexdigest()), spool.size)
    return descriptor, Digest(Algorithm.SHA256, plain.hexdigest())


def _nobody(_piece: memoryview) -> None:
    """Whose tar it is has made sure of it."""
