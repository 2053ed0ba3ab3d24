"""What is done to the images of an environment, as those see it who may see the images.

A Docker host tells it itself, whoever did it. Of our own engine the audit trail tells, by whatever door it was done:
the deeds that were done. What was missed can be asked for again, as the trail is kept.

    trail                 event     of
    pull, push            the same  the name that was pulled or pushed
    tag                   tag       the name that was given
    remove, prune         untag     each name that went
                          delete    each image that went
                          prune     after those of a prune, with the bytes that came free
    import                tag       the name that was given, where one was, and then
                          import    or, of each image that an archive brought along,
                          load
    export                save      each image
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import zip_longest
from typing import Protocol

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, Refused
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Result
from lading.services.audit.records import AuditFilter, AuditRecords, AuditRow
from lading.services.audit.trail import AuditTrail
from lading.services.environment_images import ImageEvent, Summary
from lading.services.environments.environment import Events
from lading.services.environments.shared_looks import SharedLooks
from lading.services.lookup import may_be_id
from lading.wire.message import Cancel

PRUNE = "prune"

_BY_NAME = frozenset({"pull", "push"})

ARCHIVE = "archive"
"""What the trail calls an archive that was loaded, whose names nobody knew before."""

PIECE = 200
"""Rows read at once."""

LOOKS = 16
"""Of the latest events, the images are remembered for all who follow."""

QUIET_SECONDS = 0.5
"""After so long without an event the one who follows is told that there was none: wake-ups may be lost, and clients go
away unseen."""


MOST_FOLLOWERS = 32
"""Of one Docker host at a time: each is a stream there, and an agent has room for a hundred or so of all kinds."""


class TooManyFollow(Refused):
    """A Docker host whose events as many follow already as may."""

    hint = "End some of those that follow its events."

    def __init__(self, environment: int) -> None:
        super().__init__(environment)
        self.environment = environment

    def __str__(self) -> str:
        return f"{MOST_FOLLOWERS} follow this host's events already, and no more may"


class Followed(Protocol):
    """What is followed; services.environments.guarded_environment.GuardedEnvironment fulfils it."""

    @property
    def id(self) -> int:
        """Of its row."""

    def events(self, since: float | None, until: float | None, cancel: Cancel) -> Events | None:
        """What it tells itself of its images; None: nobody does but the trail. Raises Denied, NotLoggedIn, and at once
        Unreachable."""


class ImageEvents:
    """For any number of threads."""

    def __init__(self, records: AuditRecords, trail: AuditTrail, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since 1970."""
        self._records, self._trail, self._clock = records, trail, clock
        self._looks = SharedLooks[Summary | None](LOOKS)
        self._lock = threading.Lock()
        self._followers = Counter[int]()

    def once(self, environment: int, event: ImageEvent, look: Callable[[], Summary | None]) -> Summary | None:
        """The image of an event, as the first who follows saw it: many may follow, and it is looked up once."""
        return self._looks.get((environment, event.image, event.at), look)

    def follow(
        self, actor: Actor, environment: Followed, since: float | None, until: float | None, cancel: Cancel
    ) -> Events:
        """From `since` on, or from now; to `until`, or until the process stops. None: nothing for a while.

        To be closed. Asks at once, not when the first event is taken. Raises Denied, NotLoggedIn, StorageFailed; of a
        Docker host Unreachable, TooManyFollow.
        """
        ending = Cancellation()
        with cancel.closing(ending.cancel):
            told = environment.events(since, until, ending)
        if told is None:
            return self._of_trail(actor, environment.id, since, until)
        self._check_room(environment.id)
        return self._of_host(actor, environment.id, told, ending, cancel)

    def _of_host(self, actor: Actor, environment: int, told: Events, ending: Cancellation, cancel: Cancel) -> Events:
        """It may be silent for long: a process that stops does not wait for it."""
        with self._following(environment), cancel.closing(ending.cancel), self._ending(ending), closing(told):
            try:
                for event in told:
                    if event is None or _may_see(actor, environment, event):
                        yield event
            except Cancelled:
                if not self._trail.over:
                    raise

    @contextmanager
    def _following(self, environment: int) -> Iterator[None]:
        """Raises TooManyFollow."""
        with self._lock:
            self._check_room(environment)
            self._followers[environment] += 1
        try:
            yield
        finally:
            with self._lock:
                self._followers[environment] -= 1

    def _check_room(self, environment: int) -> None:
        if self._followers[environment] >= MOST_FOLLOWERS:
            raise TooManyFollow(environment)

    @contextmanager
    def _ending(self, ending: Cancellation) -> Iterator[None]:
        """While inside, the end of the process cancels this."""

        def told() -> None:
            if self._trail.over:
                ending.cancel()

        end = self._trail.subscribe(told)
        try:
            told()
            yield
        finally:
            end()

    def _of_trail(self, actor: Actor, environment: int, since: float | None, until: float | None) -> Events:
        wanted = AuditFilter(entity_type="image", environment=environment, result=Result.DONE, since=since, until=until)
        return self._seen(actor, environment, self._rows(wanted, self._records.newest()))

    def _seen(self, actor: Actor, environment: int, rows: Generator[AuditRow | None, None, None]) -> Events:
        with closing(rows):
            for row in rows:
                if row is None:
                    yield None
                    continue
                for event in events_of(row):
                    if _may_see(actor, environment, event):
                        yield event

    def _rows(self, wanted: AuditFilter, newest: int) -> Generator[AuditRow | None, None, None]:
        """What is wanted, told again and then new, after the `newest` where nothing is told again; none is missed."""
        news, until = threading.Event(), wanted.until
        end = self._trail.subscribe(news.set)
        try:
            if wanted.since is not None:
                for row in self._records.each(wanted):
                    newest = max(newest, row.id)
                    yield row
            while not self._trail.over:
                news.clear()
                now = self._clock()
                rows = self._records.after(newest, PIECE, wanted)
                for row in rows:
                    newest = row.id
                    yield row
                if rows:
                    continue
                if until is not None and now >= until:
                    return
                if not news.wait(_pause(until, now)):
                    yield None
        finally:
            end()


def events_of(row: AuditRow) -> Iterator[ImageEvent]:
    """What a record that was done says in Docker's words: nothing, or several things."""
    deed, at = row.entry.deed, row.entry.created
    known = deed.entity_id if deed.action == "push" else deed.details.get("imageId")
    whole = known if isinstance(known, str) else ""
    for action, name, given in _happened(deed):
        image = given or whole
        shown = "" if may_be_id(name) and image else _familiar(name)
        id = "" if action in _BY_NAME else image  # noqa: A001  the image's own word
        told = {"reclaimed": str(deed.details.get("reclaimed", 0))} if action == PRUNE else {}
        yield ImageEvent(action, id or shown or name, shown, at, told, image)


def _happened(deed: Deed) -> Sequence[tuple[str, str, str]]:
    """Docker's word, the name or id that was given, and the image's id where it is known by itself."""
    match deed.action:
        case "pull" | "push":
            return [(deed.action, deed.entity_name, "")]
        case "tag":
            return [("tag", str(deed.details.get("target", deed.entity_name)), "")]
        case "remove" | "prune":
            names = [("untag", name, "") for name in _given(_texts(deed, "untagged"))]
            gone = [("delete", "", image) for image in _texts(deed, "deleted")]
            return [*names, *gone, *([(PRUNE, "", "")] if deed.action == PRUNE else [])]
        case "import":
            return _brought(deed)
        case "export":
            return [("save", name, "") for name in _texts(deed, "images") or deed.entity_name.split(",")]
    return []


def _brought(deed: Deed) -> Sequence[tuple[str, str, str]]:
    """As `_happened`, of an image that was made or of those that an archive held."""
    if deed.entity_name == ARCHIVE:
        images = zip_longest(_texts(deed, "images") or [""], _texts(deed, "imageIds"), fillvalue="")
        return [("load", name, given) for name, given in images]
    return [(action, deed.entity_name, "") for action in (("tag", "import") if deed.entity_name else ("import",))]


def _given(names: Sequence[str]) -> Iterator[str]:
    """Those that somebody gave: `repository@digest` goes by itself with the repository's last tag."""
    read = {name: _read(name) for name in names}
    tagged = {each.repository for each in read.values() if each is not None and each.digest is None}
    yield from (name for name, each in read.items() if each is None or not each.digest or each.repository not in tagged)


def _texts(deed: Deed, name: str) -> list[str]:
    told = deed.details.get(name)
    return [each for each in told if isinstance(each, str)] if isinstance(told, list | tuple) else []


def _familiar(name: str) -> str:
    reference = _read(name)
    return "" if reference is None else reference.or_latest.familiar


def _read(name: str) -> Reference | None:
    """None for what is no name: a Docker host may spell them as it likes."""
    try:
        return Reference.parse(name)
    except ReferenceInvalid:
        return None


def _may_see(actor: Actor, environment: int, event: ImageEvent) -> bool:
    """By its name; what has none, by who sees everything here."""
    if actor.may(Permission.IMAGES_VIEW, environment):
        return True
    if not event.name:
        return False
    return actor.may(Permission.IMAGES_VIEW, environment, Reference.parse(event.name).repository)


def _pause(until: float | None, now: float) -> float:
    return QUIET_SECONDS if until is None else min(QUIET_SECONDS, max(until - now, 0.0))
