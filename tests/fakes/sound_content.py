"""Content for the doctor: sound, unless a test says otherwise. Fulfils
lading.services.server.diagnosis.LocalContent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lading.oci.digest import Digest
from lading.services.content.check import Checked
from lading.wire.message import Cancel


@dataclass
class SoundContent:
    """`broken` is found by whoever reads."""

    broken: Sequence[Digest] = ()
    missing: tuple[Digest, ...] = ()
    aside: list[Digest] = field(default_factory=list)

    def damaged(self) -> Sequence[Digest]:
        return self.aside

    def check(self, cancel: Cancel) -> Checked:
        cancel.check()
        self.aside += self.broken
        return Checked(7, 3_000_000_000, tuple(self.broken), self.missing)
