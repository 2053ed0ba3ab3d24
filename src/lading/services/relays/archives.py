"""Images of Docker hosts brought into our own store as archives, for a while: what a host that cannot reach our
registry is relayed by.

The archive is read as it comes; layers that we have already take no room and no time. What has come is leased while it
is on its way, and stays a day for the next push, as what work left behind does (services.content.stores.OwnStore.work).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.content.stores import FullStore, OwnStore
from lading.services.environments.orders import PushOrder
from lading.services.inventories.host_views import AtHost, OpenArchive
from lading.services.lookup import only_name
from lading.services.platforms import UNSAID
from lading.services.relays.packing import Pack, Packing
from lading.services.relays.records import LayerRecords, place_of
from lading.services.relays.relays import Brought
from lading.services.transfers.selection import choose_to_send, whole
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Advanced, Report, State

TOLD_BYTES = 1024 * 1024
"""Progress is told of as often."""


class Archived:
    """Fulfils services.relays.relays.Bring, for any number of threads."""

    def __init__(
        self,
        opened: OpenArchive,
        pack: Pack,
        own: Callable[[], OwnStore],
        layers: LayerRecords,
        clock: Callable[[], float],
    ) -> None:
        """`clock` tells seconds since 1970."""
        self._opened, self._pack, self._own, self._layers, self._clock = opened, pack, own, layers, clock

    @contextmanager
    def __call__(self, host: AtHost, order: PushOrder, report: Report, cancel: Cancel) -> Iterator[Brought]:
        """Raises ImageUnknown, PlatformMissing, PlatformsIncomplete, Unreachable, ContentCorrupt, StorageFailed."""
        place = place_of(host.number)
        details = host.environment.image(host.image, cancel, host.platform)
        with self._own().work() as work:
            known = self._known(work, place, tuple(map(Digest.parse, details.diff_ids)))
            unread = {*known, *(blob.digest for blob in known.values())}
            with ExitStack() as stack:
                archive = stack.enter_context(host.environment.export([host.image], cancel, host.platform))
                counted = _Counted(archive, host.image, report)
                store = stack.enter_context(self._opened(counted, unread, cancel))
                root = store.resolve(only_name(store, None))
                chosen = choose_to_send(store, root, order.wanted or UNSAID, whole(store))
                packing = Packing(chosen.source, work, known, self._pack, cancel)
                root = packing.bring(chosen.root)
            self._layers.learn(place, packing.learned, self._clock())
            yield Brought(work, root, chosen.note)

    def _known(self, work: FullStore, place: str, diff_ids: tuple[Digest, ...]) -> dict[Digest, Descriptor]:
        """What is still here of what was known, leased."""
        return {diff_id: blob for diff_id, blob in self._layers.blobs(place, diff_ids).items() if work.has(blob)}


class _Counted:
    """A Reader that tells how much has come."""

    def __init__(self, reader: Reader, image: str, report: Report) -> None:
        self._reader, self._image, self._report = reader, image, report
        self._count = self._told = 0

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._reader.readinto(buffer)
        self._count += count
        if self._count - self._told >= TOLD_BYTES or (count == 0 and self._told < self._count):
            self._told = self._count
            self._report(Advanced(self._image, self._image, State.MOVING, self._count))
        return count

    def close(self) -> None:
        self._reader.close()
