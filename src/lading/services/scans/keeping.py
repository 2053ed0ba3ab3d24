"""How long scans stay: the newest of each image, and what stands; and which images are still there.

A Docker host is asked what it has when a round goes over it, our own engine also in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from lading.services.environments.environment import ConnectionType
from lading.services.environments.environments import Environments
from lading.services.findings.records import ScanRecords
from lading.services.schedules import Chore
from lading.wire.message import Cancel

KEPT_SCANS = 10
"""Of one image name, environment and scanner, beside those that stand."""

LOOK_SECONDS = 60 * 60.0


class ScanKeeping:
    """`bounded` gives what ends a look that takes too long."""

    def __init__(
        self,
        records: ScanRecords,
        environments: Environments,
        bounded: Callable[[], AbstractContextManager[Cancel]],
    ) -> None:
        self._records, self._environments, self._bounded = records, environments, bounded

    def prune(self) -> int:
        """Forget old scans, and those of environments that are gone; how many went. Raises StorageFailed."""
        return self._records.prune_scans(KEPT_SCANS, [row.id for row in self._environments.rows()])

    def look(self) -> None:
        """Learn what our own engine has still, and forget. Raises StorageFailed, Cancelled."""
        for row in self._environments.rows():
            if row.connection_type is ConnectionType.EMBEDDED:
                with self._bounded() as cancel:
                    images = self._environments.unguarded(row.id).images(cancel)
                self._records.mark_present(row.id, {image.id for image in images})
        self.prune()

    def chores(self) -> Sequence[Chore]:
        """Done from time to time, whether rounds are or not."""
        return (Chore("scan keeping", LOOK_SECONDS, self.look),)
