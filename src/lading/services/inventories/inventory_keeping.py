"""Which layers are worth remembering: those of images that somebody has. The rest is forgotten with the blobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lading.engine.records import ImageNames
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.content.stores import OwnStore
from lading.services.descriptions import describe
from lading.services.findings.records import ScanRecords
from lading.services.inventories.inventories import Inventories


class InventoryKeeping:
    """`forget` after garbage has been collected. What is forgotten too early is read again, and nothing is lost."""

    def __init__(
        self,
        own: Callable[[], OwnStore],
        names: Callable[[], ImageNames],
        records: ScanRecords,
        inventories: Inventories,
    ) -> None:
        self._own, self._names, self._records, self._inventories = own, names, records, inventories

    def forget(self) -> None:
        """Raises StorageFailed."""
        self._inventories.forget({*self._of_own(), *self._of_scans()})

    def _of_own(self) -> Iterator[Digest]:
        """Layers and configs of our own engine's images."""
        own = self._own()
        roots: dict[Digest, Descriptor] = {image.root.digest: image.root for image in self._names().all()}
        for root in roots.values():
            for variant in describe(str(root.digest), own, root, own.present).variants:
                if variant.manifest is not None and variant.config is not None:
                    yield variant.manifest.config.digest
                    yield from variant.config.diff_ids

    def _of_scans(self) -> Iterator[Digest]:
        """Of Docker hosts' images as they were scanned: the list of what is in them, and the layers that it names."""
        for row in self._records.standing(None):
            yield row.subject.config
            kept = self._inventories.kept(row.subject.config)
            for installed in kept.packages if kept is not None else ():
                yield installed.layer
