"""Scans and findings as lists, one scan whole, two compared: each actor sees those of the images that may be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lading.errors import InputInvalid
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit_somewhere, refuse
from lading.services.environments.environments import Environments
from lading.services.findings.records import ScanRecords
from lading.services.findings.rows import FindingQuery, FoundIn, ScanQuery, ScanRow, ScanSubject
from lading.services.findings.scan_comparison import ScanComparison, compare_scans
from lading.services.lookup import may_be_id
from lading.services.named_rows import RowUnknown
from lading.services.scans.jobs import ScanIncomplete

MOST_PLATFORMS = 100
"""Scans of one image that are looked through for its platforms: the newest."""


class ScansUnlike(InputInvalid):
    """Scans of two scanners tell of the scanners, not of the images."""

    hint = "Compare two scans by the same scanner."

    def __init__(self, before: str, after: str) -> None:
        super().__init__(before, after)
        self.before, self.after = before, after

    def __str__(self) -> str:
        return f"a scan by {self.before} and one by {self.after} are not compared"


@dataclass(frozen=True, slots=True)
class ScanPage:
    """Some scans, and how many there are in all."""

    rows: Sequence[ScanRow]
    total: int


@dataclass(frozen=True, slots=True)
class FindingPage:
    """Some findings, and how many there are in all of each severity: their sum is the length of the whole list."""

    found: Sequence[FoundIn]
    counts: Mapping[Severity, int]

    @property
    def total(self) -> int:
        """Of the whole list."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class _Seen:
    """What somebody may see, in the words of ScanQuery."""

    environments: frozenset[int] | None
    limited: Mapping[int, frozenset[str]]


class ScanLists:
    """For any number of threads. Every method raises Denied, NotLoggedIn, StorageFailed."""

    def __init__(self, records: ScanRecords, environments: Environments, trail: Trail) -> None:
        self._records, self._environments, self._trail = records, environments, trail

    def scans(self, actor: Actor, wanted: ScanQuery, first: int, count: int) -> ScanPage:
        """The newest first, without findings."""
        seen = self._seen(actor, wanted.environments)
        asked = replace(wanted, environments=seen.environments, limited=seen.limited)
        return ScanPage(self._records.scans(asked, first, count), self._records.count_scans(asked))

    def findings(self, actor: Actor, wanted: FindingQuery, first: int, count: int) -> FindingPage:
        """Of the newest sound scans of all images that are there, the worst first."""
        seen = self._seen(actor, wanted.environments)
        asked = replace(wanted, environments=seen.environments, limited=seen.limited)
        return FindingPage(self._records.findings(asked, first, count), self._records.count_findings(asked))

    def of_image(self, actor: Actor, environment: int | None, image: str | None) -> Sequence[ScanRow]:
        """The newest scan of each platform by each scanner, with findings, of what had this name or id last; None: the
        default one. Raises ScanIncomplete, ReferenceInvalid."""
        self._admit(actor)
        if not image:
            raise ScanIncomplete
        number = self._environments.default().id if environment is None else environment
        called = image if may_be_id(image) else Reference.parse(image).or_latest.familiar
        found = self.scans(actor, ScanQuery(frozenset({number}), image=called), 0, MOST_PLATFORMS).rows
        newest = [row for row in found if row.subject.image == found[0].subject.image]
        contents = dict.fromkeys(row.subject.config for row in newest)
        rows = [row for config in contents for row in self._records.latest(number, config)]
        return [row for row in (self._shown(actor, row, newest) for row in rows) if row is not None]

    def _shown(self, actor: Actor, row: ScanRow, seen: Sequence[ScanRow]) -> ScanRow | None:
        """The same; or where it was scanned under a name that may not be seen, the newest by this scanner that was
        `seen` or that stands, under the name that was."""
        subject = row.subject
        if _may_see(actor, subject.environment, subject.name):
            return row
        standing = self._records.standing(subject.environment, subject.config)
        same = [each.id for each in (*seen, *standing) if _content(each) == _content(row)]
        found = self._records.scan(max(same)) if same else None
        called = next(each.subject for each in seen if each.subject.config == subject.config)
        return None if found is None else _told(actor, found, called)

    def get(self, actor: Actor, id: int) -> ScanRow:  # noqa: A002  a row's own word
        """With its findings; the standing one of content that has a name which may be seen, under the newest of these.
        Raises RowUnknown, also where it may not be seen."""
        self._admit(actor)
        row = self._records.scan(id)
        if row is not None and not _may_see(actor, row.subject.environment, row.subject.name):
            row = self._named(actor, row) if row.standing else None
        if row is None:
            raise RowUnknown("scan", id)
        return row

    def _named(self, actor: Actor, row: ScanRow) -> ScanRow | None:
        """A scan whose own name may not be seen, under the newest name of its content that may."""
        environment = row.subject.environment
        limited = {environment: self._names(actor, environment)}
        same = ScanQuery(frozenset({environment}), limited, config=row.subject.config)
        found = next(iter(self._records.scans(same, 0, 1)), None)
        return None if found is None else _told(actor, row, found.subject)

    def compare(self, actor: Actor, before: int, after: int) -> ScanComparison:
        """What came and went from one to the other. Raises RowUnknown, ScansUnlike."""
        earlier, later = self.get(actor, before).result, self.get(actor, after).result
        if earlier.scanner != later.scanner:
            raise ScansUnlike(earlier.scanner, later.scanner)
        return compare_scans(earlier, later)

    def _seen(self, actor: Actor, wanted: frozenset[int] | None) -> _Seen:
        """Whoever may see all images of all environments is asked nothing more; for who may not, the names that there
        are say which may be seen. Raises Denied where that is none of what was asked for by number."""
        self._admit(actor)
        there = frozenset(row.id for row in self._environments.rows())
        asked = there if wanted is None else there & wanted
        if actor.may(Permission.SCANS_VIEW):
            return _Seen(asked, {})
        whole = {each for each in asked if actor.may(Permission.SCANS_VIEW, each)}
        some = {each for each in asked - whole if actor.may_somewhere(Permission.SCANS_VIEW, each)}
        if wanted is not None and not whole | some:
            refuse(self._trail, actor, Permission.SCANS_VIEW, Deed("list", "scan", "", "", min(wanted, default=None)))
        return _Seen(frozenset(whole | some), {each: self._names(actor, each) for each in some})

    def _names(self, actor: Actor, environment: int) -> frozenset[str]:
        """Those of all scanned images that may be seen there."""
        return frozenset(name for name in self._records.names() if _may_see(actor, environment, name))

    def _admit(self, actor: Actor) -> None:
        admit_somewhere(self._trail, actor, Permission.SCANS_VIEW, Deed("list", "scan", "", ""))


def _content(row: ScanRow) -> tuple[Digest, str]:
    """Of what content it is, and by which scanner."""
    return row.subject.config, row.result.scanner


def _told(actor: Actor, row: ScanRow, called: ScanSubject) -> ScanRow:
    """The same; where its own name may not be seen, as a scan of `called`, and without the scanner's words on what it
    could not do, which may speak of that name."""
    if _may_see(actor, row.subject.environment, row.subject.name):
        return row
    return replace(row, subject=called, result=replace(row.result, error=""))


def _may_see(actor: Actor, environment: int, name: str) -> bool:
    if actor.may(Permission.SCANS_VIEW, environment):
        return True
    try:
        repository = Reference.parse(name).repository
    except ReferenceInvalid:
        return False
    return actor.may(Permission.SCANS_VIEW, environment, repository)
