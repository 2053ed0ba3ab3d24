"""Inventories of layers and images: what is kept, else what a child reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from lading.backends.inventories.cache import InventoryCache
from lading.backends.inventories.children import IDLE_SECONDS, Children
from lading.backends.inventories.messages import AnswerInvalid
from lading.backends.inventories.readings import Readings, Wanted, algorithm_of
from lading.backends.inventories.talk import Allowance, ChildHung, ChildLost, Handed, LayerRefused, talk
from lading.backends.inventories.told import told_layer
from lading.errors import Cancelled, LadingError, TimedOut
from lading.inventory.layer import ImageInventory, LayerInventory
from lading.inventory.overlay import image_inventory
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.findings.scanner import ImageView, ScanFailed, ViewedLayer
from lading.services.inventories.inventories import SCANNER, ReadReport
from lading.wire.message import Cancel, Reader

CACHE = "inventory.db"
"""Its file in the data folder."""

_OPENED_AHEAD = 4
"""Layers that are opened for each child: where a Docker host sends them first, that takes longer than the reading."""


class InventoryReader:
    """Fulfils services.inventories.inventories.Inventories."""

    def __init__(
        self,
        path: Path,
        command: Sequence[str],
        *,
        children: int | None = None,
        idle_seconds: float = IDLE_SECONDS,
        allowance: Allowance | None = None,
    ) -> None:
        """What was read is kept at `path`; `command` starts a child (messages), at most `children` at a time: as many
        as there are cores where nothing is said."""
        limit = children or os.cpu_count() or 1
        self._cache = InventoryCache(path)
        self._children = Children(command, limit, idle_seconds)
        self._readings = Readings(self._read, limit * _OPENED_AHEAD)
        self._allowance = allowance or Allowance()

    def close(self) -> None:
        """Stops what is being read; every thread and child has ended when it returns. Harmless twice."""
        self._readings.close()
        self._children.close()
        self._cache.close()

    # ── services.inventories.inventories.Inventories

    def image(self, view: ImageView, report: ReadReport, cancel: Cancel) -> ImageInventory:
        cancel.check()
        asked = {layer: _wanted(view, layer) for layer in view.layers}
        certain = [layer for layer, wanted in asked.items() if self._certain(wanted) == layer.diff_id]
        if len(certain) == len(asked) and (kept := self.kept(view.config)) is not None:
            report(0, 0)
            return kept
        known = self._cache.layers({layer.diff_id for layer in certain})
        found = {layer: known[layer.diff_id] for layer in certain if layer.diff_id in known}
        missing = [layer for layer in asked if layer not in found]
        read = self._readings.all([asked[layer] for layer in missing], report, cancel)
        found |= {layer: _named(layer.diff_id, inventory) for layer, inventory in zip(missing, read, strict=True)}
        inventory = image_inventory([found[layer] for layer in view.layers])
        self._cache.keep_image(view.config, inventory)
        return inventory

    def kept(self, config: Digest) -> ImageInventory | None:
        return self._cache.image(config)

    def layer(self, diff_id: Digest | None, reader: Reader, cancel: Cancel, size: int | None = None) -> LayerInventory:
        cancel.check()
        if diff_id is not None and (kept := self._cache.layers([diff_id])):
            return kept[diff_id]
        handed = Handed(reader, size, algorithm_of(diff_id))
        inventory = self._told(_shown(diff_id), handed, lambda _: None, cancel)
        return _named(diff_id or inventory.diff_id, inventory)

    def ahead(self, descriptor: Descriptor, diff_id: Digest | None, open: Callable[[], Reader]) -> None:  # noqa: A002
        self._readings.ahead(Wanted(descriptor.digest, diff_id, descriptor.size, open))

    def known(self, diff_ids: Iterable[Digest]) -> frozenset[Digest]:
        return self._cache.known(diff_ids)

    def forget(self, keep: Collection[Digest]) -> None:
        self._cache.forget(keep)

    # ── one layer

    def _read(self, wanted: Wanted, passed: Callable[[int], None], cancel: Cancel) -> LayerInventory:
        """For Readings: on one of its threads."""
        diff_id = self._certain(wanted)
        if diff_id is not None and (kept := self._cache.layers([diff_id])):
            return kept[diff_id]  # somebody else has read it meanwhile
        name = _shown(wanted.diff_id or wanted.blob)
        try:
            inventory = self._opened(name, wanted, passed, cancel)
        except _Lost:  # perhaps it was none of the layer's fault
            inventory = self._opened(name, wanted, passed, cancel)
        if wanted.blob is not None and wanted.proven:
            self._cache.keep_unpacked(wanted.blob, inventory.diff_id)
        return inventory

    def _certain(self, wanted: Wanted) -> Digest | None:
        """The diffID of a layer, where it need not be taken on trust.

        What an image's config says its layers unpack to, its author wrote: a layer is believed to be one that is known
        only where this very blob was unpacked to that, or is that, uncompressed. A daemon, which shows no blobs, has
        unpacked its layers itself.
        """
        if not wanted.proven:
            return None
        if wanted.blob is None or wanted.blob == wanted.diff_id:
            return wanted.diff_id
        unpacked = self._cache.unpacked(wanted.blob)
        return unpacked if wanted.diff_id in {None, unpacked} else None

    def _opened(self, name: str, wanted: Wanted, passed: Callable[[int], None], cancel: Cancel) -> LayerInventory:
        try:
            with closing(wanted.open()) as reader:
                handed = Handed(reader, wanted.size, wanted.algorithm)
                return self._told(name, handed, passed, cancel)
        except (ScanFailed, Cancelled, TimedOut):
            raise
        except LadingError as error:
            raise _unread(name, str(error)) from error

    def _told(self, name: str, handed: Handed, passed: Callable[[int], None], cancel: Cancel) -> LayerInventory:
        """What a child says of it, kept. Raises ScanFailed, Cancelled, and what the reader raises."""
        with self._children.lent(cancel) as child:
            try:
                content = talk(child, handed, passed, self._allowance, cancel)
                inventory = told_layer(content)
            except LayerRefused as refused:
                raise _unread(name, refused.reason) from refused
            except ChildHung as hung:
                raise _unread(name, f"it takes longer than the {hung.seconds:.0f} s allowed") from hung
            except AnswerInvalid as invalid:
                raise _unread(name, f"its reader makes no sense: {invalid}") from invalid
            except ChildLost as lost:
                raise _Lost(SCANNER, f"{name} cannot be read: the process that read it {child.cause()}") from lost
        self._cache.keep_layer(inventory.diff_id, content)
        return inventory


class _Lost(ScanFailed):
    """The process that read a layer is gone."""


def _unread(layer: str, why: str) -> ScanFailed:
    return ScanFailed(SCANNER, f"{layer} cannot be read: {why}")


def _wanted(view: ImageView, layer: ViewedLayer) -> Wanted:
    blob, size = (layer.descriptor.digest, layer.descriptor.size) if layer.descriptor else (None, None)
    return Wanted(blob, layer.diff_id, size, partial(view.open, layer), layer.proven)


def _named(diff_id: Digest, found: LayerInventory) -> LayerInventory:
    """Raises ScanFailed where what was read turned out to be another layer."""
    if diff_id != found.diff_id:
        raise ScanFailed(
            SCANNER, f"{_shown(diff_id)} is not what the image's config says: it unpacks to something else"
        )
    return found


def _shown(digest: Digest | None) -> str:
    return "a layer" if digest is None else f"layer {digest.short}"
