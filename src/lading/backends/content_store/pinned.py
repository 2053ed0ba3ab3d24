"""Content held still for whoever reads it long: a second name for each blob, so that removing the first takes nothing
away, and no space is used unless it is removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.locks import exclusive_in_turn
from lading.backends.content_store.storage import storing
from lading.engine.reach import reach
from lading.oci.digest import Digest
from lading.services.backups.backups import Placed
from lading.services.backups.index import Piece
from lading.wire.message import Cancel


class PinnedContent:
    """`pins` is a folder of ours alone, on the same file system if that can be; it goes with whoever made it."""

    def __init__(self, folder: ContentFolder, pins: Path) -> None:
        self._folder, self._pins = folder, pins
        self.blobs: Sequence[Placed] = ()
        self.referrers: Sequence[tuple[Digest, Digest]] = ()
        self.missing: Sequence[Digest] = ()

    def unchanged(self, cancel: Cancel) -> AbstractContextManager[None]:
        """Inside, which is short, no garbage is collected: what is named stays. Raises Cancelled."""
        return exclusive_in_turn(self._folder.tree.collecting, cancel)

    def pin(self, names: Iterable[Digest], cancel: Cancel) -> None:
        """Everything that these reach and that is here; inside `unchanged`. Raises StorageUnusable, DiskFull,
        Cancelled."""
        wanted = set(names)
        reached = reach(self._folder, wanted, self._folder.referrers, cancel)
        held = {digest: placed for digest in sorted(reached) if (placed := self._pinned(digest)) is not None}
        self.blobs = tuple(held.values())
        self.missing = sorted(digest for digest in wanted if digest not in held)
        self.referrers = [
            (subject, referrer) for subject in held for referrer in sorted(self._folder.referrers(subject))
        ]

    def _pinned(self, digest: Digest) -> Placed | None:
        """Where a file can have one name only, it is leased instead, for as long as a client's upload is."""
        blob, pin = self._folder.tree.blob(digest), self._pins / f"{digest.algorithm}-{digest.encoded}"
        with storing(blob):
            try:
                os.link(blob, pin)
            except FileNotFoundError:
                return None
            except OSError:
                if self._folder.keep((digest,)):
                    return None
                pin = blob
            return Placed(Piece(digest, pin.stat().st_size), pin)
