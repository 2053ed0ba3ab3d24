"""Why a scan does not satisfy whoever asked for it: what was found is too bad, or nothing could be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lading.errors import LadingError, NotAccepted

if TYPE_CHECKING:  # every command knows these errors, and few need what they speak of
    from lading.inventory.severity import Severity
    from lading.services.findings.scanner import Finding

MOST_NAMED = 5
"""Findings in a sentence."""


class FindingsStand(NotAccepted):
    """A scan came to findings that whoever asked for it does not want: `standing`, the worst first, all of which are as
    bad as `bar`."""

    code = "findings"
    why = "The image has them."

    def __init__(self, bar: Severity, standing: Sequence[Finding]) -> None:
        super().__init__(bar, tuple(standing))
        self.bar, self.standing = bar, tuple(standing)
        mended = sum(each.fixed_version is not None for each in standing)
        self.hint = (
            f"Build it again with newer packages: that mends {mended} of {len(standing)}."
            if mended
            else "None of them is mended yet: choose another base, or another bar."
        )

    def __str__(self) -> str:
        count = len(self.standing)
        named = [f"{each.id} in {each.package} {each.version}" for each in self.standing[:MOST_NAMED]]
        worst = ", ".join(named) + (", …" if count > MOST_NAMED else "")
        return f"{count} {'finding' if count == 1 else 'findings'} at {self.bar} or above: {worst}"


class NothingAssessed(LadingError):
    """A scan that held nothing against anything is no proof that nothing is wrong."""

    code = "not_assessed"
    why = "No package of it could be held against data."
    hint = "Bring advisories that speak of it, by an update or an import, or take a scanner that has some."
    command = "lading advisories update, or import; or --scanner grype or trivy where one is installed"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"nothing is known of {self.name}: {self.reason}"


class NothingRecognised(NothingAssessed):
    """An image in which no package was found: no data would change that."""

    why = "It has no package of a kind that is read."
    hint = "Take another scanner, which may read other kinds."
    command = "--scanner grype or trivy, where one is installed"
