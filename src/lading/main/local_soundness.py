"""Our own content as `lading doctor` sees it."""
# ruff: noqa: PLC0415  every room is imported where it is opened: a command pays for what it uses

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lading.main.local_store import LocalStore

if TYPE_CHECKING:
    from lading.oci.digest import Digest
    from lading.services.content.check import Checked
    from lading.wire.message import Cancel


@dataclass(frozen=True, slots=True)
class LocalSoundness:
    """Fulfils services.server.diagnosis.LocalContent."""

    store: LocalStore

    def damaged(self) -> Sequence[Digest]:
        from lading.backends.content_store.soundness import CheckedFolder

        return CheckedFolder(self.store.folder).damaged()

    def check(self, cancel: Cancel) -> Checked:
        from lading.backends.content_store.soundness import CheckedFolder
        from lading.services.content.check import ContentCheck

        database = self.store.service
        content = CheckedFolder(self.store.folder)
        check = ContentCheck(
            content, database.checks, database.repositories.reached, every=self.store.check_every, clock=time.time
        )
        return check.all(lambda _: None, cancel)
