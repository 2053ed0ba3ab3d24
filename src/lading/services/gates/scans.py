"""What is known of an image when a gate asks: its newest scans, platform by platform, and by all its names.

An environment's choice of a scanner says whose word counts: of `both`, grype's and trivy's; of one, its own, and while
it has none, the newest; else the newest. So what a scanner once could not do is no reproach after another was chosen.

Our own engine's content is what its digests say. What a Docker host calls an image is its own word, so that what was
scanned there counts for what comes or goes there, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lading.oci.digest import Digest
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.findings.records import ScanRecords
from lading.services.findings.rows import ScanQuery, ScanRow, ScanSubject
from lading.services.findings.scanner import Finding, ScannerName, ScanResult, ScanStatus
from lading.services.gates.exception_matching import Judged

MOST_ROWS = 200
"""Scans of one image that are looked through: the newest, of all its platforms and scanners."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One platform's image: `name` as people call it, `id` as its environment does, and the results that count, none
    where nobody looked. `manifest` is None where only a daemon has it."""

    image: Judged
    name: str
    id: str
    config: Digest | None = None
    manifest: Digest | None = None
    platform: str = ""
    results: tuple[ScanResult, ...] = ()


class KnownScans:
    """For any number of threads."""

    def __init__(self, records: ScanRecords, choice: Callable[[int], ScannerName]) -> None:
        """`choice` tells whose word counts in an environment."""
        self._records, self._choice = records, choice

    def of_image(self, id: str, environment: int | None) -> Sequence[ScanRow]:  # noqa: A002  an image's own word
        """By its id: what counts in an environment, with findings; None: in none of them. Raises StorageFailed."""
        return self._read(ScanQuery(image=id), environment)

    def findings_of(self, digest: Digest, platform: str, environment: int | None) -> Sequence[Finding] | None:
        """Of the image with this id or config, of this platform where there are several; suppressed ones too. None
        where no scan of it came to a result. Raises StorageFailed."""
        rows = self.of_image(str(digest), environment) or self._read(ScanQuery(config=digest), environment)
        sound = [row for row in rows if row.result.status.sound]
        same = [row for row in sound if row.subject.platform == platform] or sound
        return [finding for row in same for finding in row.result.findings] if same else None

    def _read(self, query: ScanQuery, environment: int | None) -> Sequence[ScanRow]:
        newest = self._records.scans(query, 0, MOST_ROWS)
        there = [row for row in newest if row.subject.manifest is not None or row.subject.environment == environment]
        found = counting(there, self._choice)
        read = (self._records.scan(row.id) for row in found)
        return [row for row in read if row is not None]


def counting(rows: Iterable[ScanRow], choice: Callable[[int], ScannerName]) -> Sequence[ScanRow]:
    """Of scans of one image, the newest first, those whose word counts."""
    contents: dict[Digest, dict[str, ScanRow]] = {}
    for row in rows:
        if row.result.status is not ScanStatus.SKIPPED:
            contents.setdefault(row.subject.config, {}).setdefault(row.result.scanner, row)
    return [row for newest in contents.values() for row in _chosen(list(newest.values()), choice)]


def _chosen(newest: Sequence[ScanRow], choice: Callable[[int], ScannerName]) -> Sequence[ScanRow]:
    wanted = choice(newest[0].subject.environment)
    scanners = {ScannerName.GRYPE.value, ScannerName.TRIVY.value} if wanted is ScannerName.BOTH else {wanted.value}
    return [row for row in newest if row.result.scanner in scanners] or newest[:1]


def examined(rows: Iterable[ScanRow], name: str, names: Iterable[str] = ()) -> Sequence[Examined]:
    """What scans say, one for each platform's image; `names` are further ones of the image."""
    contents: dict[Digest, list[ScanRow]] = {}
    for row in rows:
        contents.setdefault(row.subject.config, []).append(row)
    return [_examined(found, name, names) for found in contents.values()]


def _examined(rows: Sequence[ScanRow], name: str, names: Iterable[str]) -> Examined:
    subject = rows[0].subject
    return Examined(
        subject_names(subject, (name, *names)),
        name,
        subject.image,
        subject.config,
        subject.manifest,
        subject.platform,
        tuple(row.result for row in rows),
    )


def unexamined(name: str, id: str, names: Iterable[str] = (), platform: str = "") -> Examined:  # noqa: A002
    """An image that nobody looked at."""
    return Examined(judged((name, *names), (id,)), name, id, platform=platform)


def subject_names(subject: ScanSubject, further: Iterable[str] = ()) -> Judged:
    """By what exceptions may name what was scanned; `further` is what else it is called."""
    return judged((subject.name, *further), (subject.image, str(subject.config), str(subject.manifest or "")))


def judged(names: Iterable[str], digests: Iterable[str]) -> Judged:
    """All spellings of the names: whole, as docker writes them, without the tag; and the digests, alone and behind each
    repository."""
    ids = [digest for digest in digests if digest]
    spelled: list[str] = []
    for name in filter(None, names):
        spelled += _spellings(name, ids)
    return Judged(tuple(dict.fromkeys((*spelled, *ids))))


def _spellings(name: str, ids: Sequence[str]) -> Iterable[str]:
    yield name
    try:
        reference = Reference.parse(name)
    except ReferenceInvalid:
        return
    repository = reference.repository
    yield from (str(reference), reference.familiar, str(repository), repository.familiar)
    yield from (f"{each}@{digest}" for each in (str(repository), repository.familiar) for digest in ids)
