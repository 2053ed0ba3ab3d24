"""Where the audit trail ended when Lading last sealed it: kept beside the trail, and sealed with the secret key.

The chain alone (services.audit.seal) shows what was changed inside the trail. Who can write to the database can also
cut rows off its end, take seals away there, or make a whole new chain; the head shows that, as it cannot be made
without the key. It is written in the transaction that seals, so it is never behind; and what was found wrong when it
was written stays in it, so nothing is healed by what is sealed afterwards.

What it cannot show: rows that have no seal yet, which were written a moment ago; a whole database put back to what it
was earlier, trail and head; and whatever is done by who has the key. `since` is the first row that was sealed beside a
head: an older trail, or one whose head was reset by hand, says so by it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from lading.services.audit.records import AuditRecords, AuditRow
from lading.services.secrets import OF_AUDIT_HEAD, SealBroken, SecretBox

log = logging.getLogger("lading.audit")

NONE_YET = "none yet"
"""What stands in the place of the head of a trail that an earlier version sealed: the migration puts it there."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first row that is not as it was sealed: `reason` says in what way."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class Head:
    """The last sealed row's id and seal; the first row that was sealed beside a head; what was wrong by then."""

    id: int
    seal: str
    since: int
    broken: Broken | None = None


class NoHead(Enum):
    """Why there is none."""

    NOTHING = "nothing is kept"
    NONE_YET = "an earlier version kept none"
    UNREADABLE = "what is kept does not open"


Kept = Head | NoHead


class Heads:
    """The head of one database's trail. Every method may raise StorageFailed."""

    def __init__(self, records: AuditRecords, box: SecretBox) -> None:
        self._records, self._box = records, box

    def kept(self) -> Kept:
        """As it stands now."""
        return self._read(self._records.head())

    def seal(self, last: AuditRow | None, held: object, seals: Sequence[tuple[int, str]]) -> bool:
        """Write these seals, which follow the `last` sealed row, and the head beside them. False where another was
        faster: `held` was read from the records before `last` was."""
        kept = self._read(held)
        id, seal = seals[-1]  # noqa: A001  a row's own word
        since = kept.since if isinstance(kept, Head) else seals[0][0]
        head = Head(id, seal, since, fault(kept, last))
        written = self._records.seal(seals, held, self._box.seal(OF_AUDIT_HEAD, _text(head)))
        if written:
            _log(kept, head)
        return written

    def _read(self, held: object) -> Kept:
        if held is None or held == NONE_YET:
            return NoHead.NOTHING if held is None else NoHead.NONE_YET
        try:
            return _head(self._box.open(OF_AUDIT_HEAD, str(held)))
        except (SealBroken, ValueError, KeyError, TypeError):
            return NoHead.UNREADABLE


def fault(kept: Kept, last: AuditRow | None) -> Broken | None:
    """What is wrong with the end of a trail whose `last` sealed row is this, when that was `kept`."""
    if isinstance(kept, Head):
        return kept.broken or _beyond(kept, last)
    if kept is NoHead.NOTHING and last is not None:
        return Broken(last.id, "what Lading keeps of the trail's end was taken away; rows may be missing after it")
    if kept is NoHead.UNREADABLE:
        number = 0 if last is None else last.id
        return Broken(number, "what Lading keeps of the trail's end was changed, or another key sealed it")
    return None


def _beyond(head: Head, last: AuditRow | None) -> Broken | None:
    if last is None or last.id < head.id:
        return Broken(head.id, "it was the last one that was sealed, and it or its seal was taken away")
    if last.id > head.id:
        return Broken(last.id, "what Lading keeps of the trail's end knows nothing of its seal")
    return None if last.seal == head.seal else Broken(last.id, "its seal is not the one that Lading gave it")


def _log(before: Kept, head: Head) -> None:
    """What is new about it."""
    known = isinstance(before, Head) and before.broken is not None
    if head.broken is not None and not known:
        log.error("the audit trail was changed behind our back, row %d: %s", head.broken.row, head.broken.reason)
    elif before is NoHead.NONE_YET:
        log.warning("the end of the audit trail is known from row %d on: an earlier version kept none", head.since)


def _text(head: Head) -> str:
    broken = None if head.broken is None else [head.broken.row, head.broken.reason]
    return json.dumps({"id": head.id, "seal": head.seal, "since": head.since, "broken": broken})


def _head(text: str) -> Head:
    """Raises ValueError, KeyError, TypeError."""
    held = json.loads(text)
    broken = held["broken"]
    broken = None if broken is None else Broken(int(broken[0]), str(broken[1]))
    return Head(int(held["id"]), str(held["seal"]), int(held["since"]), broken)
