"""The databases of scanners that are programs: brought up to date as a job of its own, apart from every scan.

Nothing is fetched unless somebody asks, or a setting says how often. A scan never waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from lading.errors import Cancelled, InputInvalid, LadingError, PartlyDone, TimedOut
from lading.oci.instants import moment_text
from lading.services.access import LADING, Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit, admit_somewhere
from lading.services.findings.scanner import Probe, ScanProgress, ScanReport
from lading.services.jobs.fields import JobFields
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JsonObject, Telling
from lading.services.running.jobs import Jobs
from lading.services.scans.scanner_choice import ScannerChoice
from lading.services.schedules import Chore
from lading.wire.message import Cancel

UPDATE = "scanner-update"
"""The kind of these jobs."""


class Updatable(Protocol):
    """A scanner with a database that its makers publish. One update at a time runs, of all processes."""

    def probe(self, cancel: Cancel) -> Probe:
        """Raises Cancelled."""

    def update(self, report: ScanReport, cancel: Cancel) -> bool:
        """Fetches the newest; False where it is here. What breaks in the middle leaves all as it was, and scans that
        run go on with what they began with. Raises ScanFailed, StorageFailed, Cancelled."""


class NotUpdatable(InputInvalid):
    """A scanner that has no database of its own here."""

    def __init__(self, scanner: str, known: Sequence[str]) -> None:
        super().__init__(scanner, tuple(known))
        self.scanner, self.known = scanner, tuple(known)
        self.hint = f"Choose {' or '.join(known)}, or none for all that are installed."

    def __str__(self) -> str:
        return f"there is no scanner {self.scanner[:200]!r} that is updated"


class NoneInstalled(InputInvalid):
    """An update of all scanners, where none is."""

    hint = "Install grype or trivy on the server's machine, or name their paths in its settings."

    def __str__(self) -> str:
        return "no scanner that could be updated is installed"


class UpdatedPartly(PartlyDone):
    """Some databases are up to date, others are as they were."""

    def __init__(self, failed: Sequence[str]) -> None:
        super().__init__(tuple(failed))
        self.failed = tuple(failed)

    def __str__(self) -> str:
        return f"not up to date: {', '.join(self.failed)}"


class ScannerUpdates:
    """Makes jobs that bring databases up to date, and does their work; by itself `every` so many seconds, or never."""

    def __init__(
        self,
        updatable: Mapping[str, Updatable],
        choice: ScannerChoice,
        jobs: Jobs,
        trail: Trail,
        every: float | None = None,
    ) -> None:
        self._updatable, self._choice = dict(updatable), choice
        self._jobs, self._trail, self._every = jobs, trail, every

    def probes(self, actor: Actor, cancel: Cancel) -> Mapping[str, Probe]:
        """Whether each scanner can work now: for whoever may see any scan. Raises Denied, NotLoggedIn, Cancelled."""
        admit_somewhere(self._trail, actor, Permission.SCANS_VIEW, Deed("view", "scanner", "", ""))
        return self._choice.probes(cancel)

    def start(self, actor: Actor, scanner: str | None = None, key: RequestKey | None = None) -> Job:
        """Of one; None: of all that are installed. Raises Denied, NotLoggedIn, NotUpdatable."""
        fields: JsonObject = {"scanner": scanner}
        self.admit(actor, fields)
        if scanner is not None and scanner not in self._updatable:
            raise NotUpdatable(scanner, sorted(self._updatable))
        request = JobRequest(UPDATE, fields, sharing=f"{UPDATE} {scanner or '*'}", deed=_deed(fields))
        return self._jobs.start(actor, request, key)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied, NotLoggedIn."""
        admit(self._trail, actor, Permission.SETTINGS_EDIT, _deed(fields))

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What such a job does. Raises Denied, NoneInstalled, UpdatedPartly, ScanFailed, StorageFailed, Cancelled."""
        self.admit(actor, fields)
        one = JobFields(fields).text_or_none("scanner")
        names = [one] if one is not None else self._installed(cancel)
        if not names:
            raise NoneInstalled
        updated: dict[str, object] = {}
        failed: dict[str, LadingError] = {}
        for name in names:
            try:
                updated[name] = self._update(name, telling, cancel)
            except (Cancelled, TimedOut):
                raise
            except LadingError as error:
                failed[name] = error
                telling.line({"status": "updating-db", "scanner": name, "message": f"Stays as it was: {error.afar}"})
        if failed and not updated:
            raise next(iter(failed.values()))
        if failed:
            raise UpdatedPartly(sorted(failed))
        return {"scanners": updated}

    def chores(self) -> Sequence[Chore]:
        """As often as the settings say, as a job like any other; nothing where no such scanner is installed."""
        return () if self._every is None else (Chore(UPDATE, self._every, lambda: self.start(LADING)),)

    def _installed(self, cancel: Cancel) -> list[str]:
        """Those that say their version: one without a database is unavailable, and the first to be updated."""
        return [name for name in sorted(self._updatable) if self._updatable[name].probe(cancel).version]

    def _update(self, name: str, telling: Telling, cancel: Cancel) -> JsonObject:
        def report(progress: ScanProgress) -> None:
            telling.line({"status": "updating-db", "scanner": name, "message": progress.message})

        changed = self._updatable[name].update(report, cancel)
        built = self._updatable[name].probe(cancel).built
        return {"updated": changed, "dbVersion": moment_text(built)}


def _deed(fields: JsonObject) -> Deed:
    scanner = JobFields(fields).text_or_none("scanner") or ""
    return Deed("update", "scanner", scanner, scanner)
