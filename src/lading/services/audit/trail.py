"""Writing the audit trail, and asking for permission in a way that leaves a record of every refusal.

    admit ── may ──▶ the caller goes on, and records what came of it
        └── may not ─▶ `denied` is on the trail, then Denied

This is how services ask, and no front does; what an actor may is asked of it without `admit` only to choose what a list
shows.

Nobody in particular is turned away without a record: strangers are not to fill the disk.

No secret goes on record. Services put none into a deed; what looks like one all the same, because somebody wrote it
where a name belongs, is blotted out here.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from lading.oci.reference import Repository
from lading.services.access import Actor, Denied, NotLoggedIn, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.audit.records import TOPIC, AuditEntry, AuditRecords
from lading.services.blotting import without_secrets
from lading.wire.plain_json import plain_object

log = logging.getLogger("lading.audit")

LONGEST_TEXT = 1000
"""Characters of one text of a record: what strangers send is quoted, but not at any length."""


def admit(
    trail: Trail, actor: Actor, permission: Permission, deed: Deed, repository: Repository | str | None = None
) -> None:
    """Whether the actor may do this in the deed's environment, for the repository. Raises Denied, NotLoggedIn."""
    if not actor.may(permission, deed.environment, repository):
        refuse(trail, actor, permission, deed)


def admit_somewhere(trail: Trail, actor: Actor, permission: Permission, deed: Deed) -> None:
    """Whether there is a repository for which the actor may in the deed's environment, or, where that is None, an
    environment: for lists, which show what it may see. Raises Denied, NotLoggedIn."""
    if not actor.may_somewhere(permission, deed.environment):
        refuse(trail, actor, permission, deed)


def refuse(trail: Trail, actor: Actor, permission: Permission, deed: Deed) -> NoReturn:
    """Puts it on the trail that somebody tried. Raises Denied; NotLoggedIn, unrecorded, for nobody in particular."""
    if actor.user is None and actor.token is None:
        raise NotLoggedIn
    trail.record(actor, deed, Result.DENIED)
    raise Denied(permission, deed.environment)


class AuditTrail:
    """Fulfils EntryTrail. For any number of threads."""

    def __init__(self, records: AuditRecords, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since 1970."""
        self._records, self._clock = records, clock
        self._lock = threading.Lock()
        self._told: tuple[Callable[[], None], ...] = ()
        self.over = False
        """Whether the process stops: who follows the trail goes away, and comes again."""

    def send_away(self) -> None:
        """The process stops. Records are written all the same, as long as anything goes on."""
        self.over = True
        self._tell()

    def record(self, actor: Actor, deed: Deed, result: Result) -> None:
        """Raises StorageFailed: what cannot be recorded is not done."""
        self._records.append(self.entry(actor, deed, result))
        self.appended()

    def entry(self, actor: Actor, deed: Deed, result: Result) -> AuditEntry:
        return AuditEntry(
            self._clock(),
            _clean(actor.name),
            actor.user,
            actor.token,
            _cleaned(deed),
            result,
            _clean(actor.address),
            actor.request,
        )

    def appended(self) -> None:
        self._tell()

    def woken(self, topic: str | None) -> None:
        """For `Wakes.listening`: some process recorded something; None: perhaps."""
        if topic is None or topic == TOPIC:
            self._tell()

    def subscribe(self, told: Callable[[], None]) -> Callable[[], None]:
        """`told` is called after each commit of this process or another, perhaps more than once, on any thread, and
        returns soon; what is new it reads from the records. Gives what ends it."""
        with self._lock:
            self._told = (*self._told, told)

        def end() -> None:
            with self._lock:
                self._told = tuple(each for each in self._told if each is not told)

        return end

    def _tell(self) -> None:
        for told in self._told:
            try:
                told()
            except Exception:
                log.exception("somebody who follows the audit trail failed; the record stands")


def _cleaned(deed: Deed) -> Deed:
    return Deed(
        _clean(deed.action),
        _clean(deed.entity_type),
        _clean(deed.entity_id),
        _clean(deed.entity_name),
        deed.environment,
        {_clean(name): _clean_value(value) for name, value in plain_object(deed.details).items()},
    )


def _clean_value(value: object) -> object:
    match value:
        case str():
            return _clean(value)
        case Mapping():
            return {_clean(str(name)): _clean_value(each) for name, each in value.items()}
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            return [_clean_value(each) for each in value]
    return value


def _clean(text: str) -> str:
    """Storable by every database, without what looks like a secret, and not too long."""
    blotted = without_secrets(text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode())
    return blotted if len(blotted) <= LONGEST_TEXT else f"{blotted[: LONGEST_TEXT - 1]}…"
