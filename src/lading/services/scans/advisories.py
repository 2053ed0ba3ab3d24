"""Advisories, the data that our own scanner holds packages against: of what time it is, and bringing it up to date.

Nothing is fetched unless somebody asks, or a setting says how often; and nothing is ever sent but requests for files.
Both ways in are jobs like any other. Files and folders of a machine are imported by its owner's command line alone: at
the API only what a URL names, so that nobody learns there what files a server has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from lading.errors import InputInvalid, LadingError, PartlyDone
from lading.oci.instants import instant, moment_text
from lading.services.access import LADING, Actor, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.audit.trail import admit, admit_somewhere
from lading.services.jobs.fields import JobFields
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JsonObject, Telling
from lading.services.running.jobs import Jobs
from lading.services.schedules import Chore
from lading.wire.message import Cancel

ADVISORIES = "advisories"
"""The kind of these jobs."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What is known of one ecosystem from one source. Times are seconds since 1970.

    `records` are advisories about it; `ecosystem` is empty for those that name no package, which lend others their
    ratings. `newest` is when the last one was modified, where they say. `built` is of what time the data is as a whole:
    when the source last said so, and never later than `imported`. `location` is where it came from.
    """

    ecosystem: str
    source: str
    location: str
    records: int
    newest: float | None
    built: float | None
    imported: float


@dataclass(frozen=True, slots=True)
class Origin:
    """Where advisories are brought from: a path on this machine, or an http(s) URL of a zip. `branch` is for a git
    repository. What was imported under the same `name` before is replaced; without one the place is the name."""

    place: str
    branch: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of one source: how many advisories it has now, and of them how many are `new` or `changed`. `gone` are
    those that the source had before. `unread` files looked like advisories and were none that can be used."""

    source: str
    records: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    unread: int = 0
    built: float | None = None


@dataclass(frozen=True, slots=True)
class Updated:
    """What came of bringing all up to date: each ecosystem's source, and why others could not be."""

    imported: tuple[Imported, ...] = ()
    failed: tuple[tuple[str, LadingError], ...] = ()


class UpdatedPartly(PartlyDone):
    """Some ecosystems are up to date, and others are as they were."""

    hint = "Try it again later; what was brought stays."

    def __init__(self, failed: Sequence[str]) -> None:
        super().__init__(failed)
        self.failed = tuple(failed)

    def __str__(self) -> str:
        return f"not up to date: {', '.join(self.failed)}"


class SourceNeeded(InputInvalid):
    """Letting go of advisories is letting go of one source."""

    hint = "Name one as the list of advisories does."

    def __str__(self) -> str:
        return "source is required"


class UrlNeeded(InputInvalid):
    """Something else than a URL was named where only URLs are taken."""

    hint = "Files and folders are imported on the server's machine."
    command = "lading advisories import PATH   (on the server's machine)"

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place

    def __str__(self) -> str:
        return f"{self.place[:200]!r} is no http:// or https:// URL"


class UrlSecret(InputInvalid):
    """A URL with a login or a query: a job is kept, and shown to others, with all that it was asked."""

    hint = "Use a URL without a login, a query and a fragment."
    command = "lading advisories import URL   (on the server's machine, where no job is kept)"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url

    def __str__(self) -> str:
        return f"the URL of {self.url} may hold a secret"


Report = Callable[[str], None]
"""Takes a sentence about how far it is."""


class AdvisoryKeeping(Protocol):
    """Advisories as they are kept. Whoever reads them meanwhile goes on with what was there before; whatever breaks in
    the middle leaves that as it was."""

    def feeds(self) -> Sequence[Feed]:
        """By ecosystem and source. Raises StorageFailed."""

    def bring(self, origin: Origin, report: Report, cancel: Cancel) -> Imported:
        """Raises InputInvalid, NotFound, Refused (another import runs), NetworkFailed, StorageFailed, Cancelled."""

    def update(self, ecosystems: Sequence[str], report: Report, cancel: Cancel) -> Updated:
        """Those ecosystems, or with none named all that the settings say. Raises Refused, StorageFailed, Cancelled,
        and what failed where nothing could be brought."""

    def forget(self, source: str) -> int:
        """Let go of a source and all it brought; how many advisories that were. Raises NotFound, Refused (an import
        runs), StorageFailed."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the settings say: from where (`url`) and how often; None is never."""

    url: str
    every: float | None = None
    ecosystems: tuple[str, ...] = field(default=())


class Advisories:
    """Makes jobs that bring advisories up to date, and does their work."""

    def __init__(self, keeping: AdvisoryKeeping, jobs: Jobs, trail: Trail, schedule: Schedule) -> None:
        self._keeping, self._jobs, self._trail = keeping, jobs, trail
        self.schedule = schedule

    def feeds(self, actor: Actor) -> Sequence[Feed]:
        """Of what time the data is: for whoever may see any scan. Raises Denied, NotLoggedIn, StorageFailed."""
        admit_somewhere(self._trail, actor, Permission.SCANS_VIEW, Deed("view", "advisories", "", ""))
        return self._keeping.feeds()

    def start_update(self, actor: Actor, ecosystems: Sequence[str] = (), key: RequestKey | None = None) -> Job:
        """Raises Denied, NotLoggedIn."""
        return self._start(actor, {"url": None, "name": None, "ecosystems": list(ecosystems)}, key)

    def start_import(self, actor: Actor, url: str, name: str | None = None, key: RequestKey | None = None) -> Job:
        """Raises Denied, NotLoggedIn, UrlNeeded, UrlSecret."""
        fields: JsonObject = {"url": url, "name": name, "ecosystems": []}
        self.admit(actor, fields)
        if not is_url(url):
            raise UrlNeeded(url)
        if shown_url(url) != url:
            raise UrlSecret(shown_url(url))
        return self._start(actor, fields, key)

    def forget(self, actor: Actor, source: str) -> int:
        """Let go of a source and all it brought; how many advisories that were. Raises Denied, NotLoggedIn,
        SourceNeeded, and what AdvisoryKeeping raises."""
        deed = Deed("delete", "advisories", source, source)
        admit(self._trail, actor, Permission.SETTINGS_EDIT, deed)
        if not source:
            raise SourceNeeded
        gone = self._keeping.forget(source)
        self._trail.record(actor, replace(deed, details={"records": gone}), Result.DONE)
        return gone

    def _start(self, actor: Actor, fields: JsonObject, key: RequestKey | None) -> Job:
        self.admit(actor, fields)
        sharing = f"{ADVISORIES} {fields['url']} {fields['name']} {fields['ecosystems']}"
        return self._jobs.start(actor, JobRequest(ADVISORIES, fields, sharing=sharing, deed=_deed(fields)), key)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied, NotLoggedIn."""
        admit(self._trail, actor, Permission.SETTINGS_EDIT, _deed(fields))

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What such a job does. Raises Denied, UpdatedPartly, and what AdvisoryKeeping raises."""
        self.admit(actor, fields)
        known = JobFields(fields)
        url, name = known.text_or_none("url"), known.text_or_none("name")

        def report(sentence: str) -> None:
            telling.line({"status": "importing", "message": sentence})

        if url is not None:
            return {"sources": [imported_json(self._keeping.bring(Origin(url, name=name), report, cancel))]}
        updated = self._keeping.update(known.texts("ecosystems") if fields.get("ecosystems") else (), report, cancel)
        for ecosystem, error in updated.failed:
            report(f"{ecosystem} stays as it was: {error.afar}")
        if updated.failed:
            raise UpdatedPartly([ecosystem for ecosystem, _ in updated.failed])
        return {"sources": [imported_json(each) for each in updated.imported]}

    def chores(self) -> Sequence[Chore]:
        """As often as the settings say, as a job like any other."""
        every = self.schedule.every
        return () if every is None else (Chore(ADVISORIES, every, lambda: self.start_update(LADING)),)


def is_url(place: str) -> bool:
    """Whether it is fetched, not opened."""
    return place.lower().startswith(("http://", "https://"))


def _deed(fields: JsonObject) -> Deed:
    known = JobFields(fields)
    url = known.text_or_none("url")
    action = "update" if url is None else "import"
    return Deed(action, "advisories", "", known.text_or_none("name") or shown_url(url or ""))


def shown_url(url: str) -> str:
    """A URL as it may be shown and kept: without the login and the query, where secrets stand."""
    scheme, mark, rest = url.partition("#")[0].partition("?")[0].partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"


def feed_json(feed: Feed) -> JsonObject:
    """As the API and the command line tell it."""
    return {
        "ecosystem": feed.ecosystem,
        "source": feed.source,
        "location": feed.location,
        "records": feed.records,
        "newest": moment_text(feed.newest),
        "built": moment_text(feed.built),
        "importedAt": instant(feed.imported),
    }


def imported_json(imported: Imported) -> JsonObject:
    """As a job's result and the command line tell it."""
    return {
        "source": imported.source,
        "records": imported.records,
        "new": imported.new,
        "changed": imported.changed,
        "gone": imported.gone,
        "unread": imported.unread,
        "built": moment_text(imported.built),
    }
