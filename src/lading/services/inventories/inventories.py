"""What is inside layers and images, read once and kept: what our own scanner and the SBOM stand on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from lading.inventory.layer import ImageInventory, LayerInventory
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.findings.scanner import ImageView
from lading.wire.message import Cancel, Reader

SCANNER = "osv"
"""Whose failure it is where a layer cannot be read: the inventory is the first half of our own scanner."""

ReadReport = Callable[[int, int], None]
"""Takes (bytes read, bytes in all) of the layers that nobody had read before, as they are kept, compressed or not. It
is called by the thread that asked, returns at once and never raises. Both are 0 where nothing had to be read; the
second leaves out layers whose length nobody knows."""


class Inventories(Protocol):
    """For any number of threads. Layers are known by diffID, images by the digest of their config; what was read under
    an older CATALOGER_VERSION counts as not known."""

    def image(self, view: ImageView, report: ReadReport, cancel: Cancel) -> ImageInventory:
        """All that is installed in the image; only layers that are not known are opened, several at a time.

        Raises ScanFailed where a layer cannot be read whole, or is not what the config names; Cancelled.
        """

    def kept(self, config: Digest) -> ImageInventory | None:
        """What `image` found of the image with this config, None where that is not known: no blob is touched."""

    def layer(self, diff_id: Digest | None, reader: Reader, cancel: Cancel, size: int | None = None) -> LayerInventory:
        """One layer from an open stream, which stays its owner's to close; not read at all where `diff_id` is known.

        `size` is the stream's length in bytes: with it, a FileReader's file is read where it lies. Raises ScanFailed
        also where the content's diffID is another than `diff_id`; Cancelled.
        """

    def ahead(self, descriptor: Descriptor, diff_id: Digest | None, open: Callable[[], Reader]) -> None:  # noqa: A002 - the house's word
        """Has a layer read soon that has just been committed, while others still come. Returns at once, never raises:
        whoever needs it and finds it unread reads it then."""

    def known(self, diff_ids: Iterable[Digest]) -> frozenset[Digest]:
        """Those of these layers that need not be read again."""

    def forget(self, keep: Collection[Digest]) -> None:
        """Forgets every layer and image but those whose diffID or config is in `keep`. For garbage collection."""
