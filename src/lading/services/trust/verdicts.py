"""What was found of images' signatures when they were last looked at: remembered, for lists that ask nobody.

A verdict is of one name and one digest. One whose name has a tag is about the image as long as it has that name; one
without is about the repository's digest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.environment_images import Summary
from lading.services.jobs.job import JsonObject
from lading.services.schedules import Chore
from lading.services.trust.signature_json import verdict_json
from lading.services.trust_modes import Mode

if TYPE_CHECKING:  # as in signature_json
    from lading.services.trust.trust import Verdict

DAY = 24 * 60 * 60.0

KEPT_SECONDS = 400 * DAY
"""Longer ago is forgotten: by then nobody knows whether it still holds."""


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """`told` is the verdict as `signature_json` tells it; `at` in seconds since 1970. `trusted` None: no rule is about
    it. `environment` is where it was pulled to, None where it was only looked at, or copied."""

    reference: Reference
    digest: Digest
    environment: int | None
    at: float
    trusted: bool | None
    mode: Mode
    told: JsonObject


class VerdictRecords(Protocol):
    """Verdicts by name and digest, the newest of each. Every method raises StorageFailed."""

    def put_verdict(self, row: VerdictRow) -> None:
        """In place of what was known of that name and digest."""

    def verdicts_of(self, digests: Collection[Digest]) -> Sequence[VerdictRow]:
        """Of all names."""

    def forget_verdicts(self, before: float) -> None:
        """Those that are older."""


class TrustVerdicts:
    """For any number of threads. `clock` tells seconds since 1970."""

    def __init__(self, records: VerdictRecords, clock: Callable[[], float]) -> None:
        self._records, self._clock = records, clock

    def remember(self, verdict: Verdict, environment: int | None) -> JsonObject:
        """What it is told as. Raises StorageFailed."""
        at = self._clock()
        told = verdict_json(verdict, at)
        trusted = verdict.trusted if verdict.checked else None
        reference = Reference(verdict.reference.repository, verdict.reference.tag)
        if reference.tag is None:
            reference = Reference(verdict.reference.repository, digest=verdict.digest)
        mode = verdict.rule.mode if verdict.rule else Mode.OFF
        self._records.put_verdict(VerdictRow(reference, verdict.digest, environment, at, trusted, mode, told))
        return told

    def remembered(self, named: Reference) -> JsonObject | None:
        """What was told last of this name and digest, whichever rule it was held against then. Raises StorageFailed."""
        assert named.digest is not None  # a verdict is about one
        name = Reference(named.repository, named.tag)
        told = (row for row in self._records.verdicts_of([named.digest]) if row.reference == name)
        return next((row.told for row in told if row.trusted is not None), None)

    def signed(self, images: Sequence[Summary]) -> Mapping[str, bool]:
        """Of images by their ids: whether each name of theirs that was asked about is trusted. Nothing of those that
        nobody asked about, or that no rule is about. Raises StorageFailed."""
        places = {image.id: _places(image) for image in images}
        digests = {digest for each in places.values() for _, digest in each}
        rows = defaultdict[tuple[str, Digest], list[VerdictRow]](list)
        for row in self._records.verdicts_of(digests) if digests else ():
            rows[str(row.reference.repository), row.digest].append(row)
        found: dict[str, bool] = {}
        for image in images:
            concerned = (row for place in places[image.id] for row in rows.get(place, ()) if _is_about(row, image))
            known = [row.trusted for row in concerned if row.trusted is not None]
            if known:
                found[image.id] = all(known)
        return found

    def chores(self) -> Sequence[Chore]:
        """What is done from time to time."""
        return [Chore("signature verdicts", DAY, lambda: self._records.forget_verdicts(self._clock() - KEPT_SECONDS))]


def _places(image: Summary) -> Sequence[tuple[str, Digest]]:
    """Where registries have it, as far as its names tell."""
    known = (Reference.parse(name) for name in image.digests)
    return [(str(each.repository), each.digest) for each in known if each.digest is not None]


def _is_about(row: VerdictRow, image: Summary) -> bool:
    return row.reference.tag is None or str(row.reference) in image.names
