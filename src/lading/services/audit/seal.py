"""The chain over the audit trail, by which a change made behind Lading's back shows.

    seal of a row = sha256(the seal before it + the row as canonical JSON)        the first row's: before it is ""

One sealer chains the rows in the order of their ids, a moment after they were written. So the last few rows may have no
seal yet: they are the unsealed tail. Ids may leave gaps where a database gave one out for a row that was never written;
a row that was removed breaks the chain, a gap that was always there does not.

Whoever can write to the database can make a whole new chain, or cut rows off its end: what shows that is the head,
which is kept beside it (services.audit.head).
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from lading.errors import StorageFailed
from lading.services.audit.head import Broken, Head, Heads, Kept, NoHead, fault
from lading.services.audit.records import AuditRecords, AuditRow

log = logging.getLogger("lading.audit")

ROWS_AT_ONCE = 500
"""Rows sealed in one transaction."""

GATHER_SECONDS = 0.5
"""How long rows gather after the first of them, so that many are sealed in one transaction."""

BEHIND = 6
"""How many times as long they gather at who was not the first to seal the last ones."""

LOOK_SECONDS = 30.0
"""How often the sealer looks without being told: for rows that other processes wrote."""

MOST_GAPS = 100
"""Gaps that a verification lists."""


def canonical(row: AuditRow) -> bytes:
    """The row as the one JSON text that it has: every field but the seal, sorted names, no spaces, ASCII."""
    entry = row.entry
    fields = {
        "id": row.id,
        "created": entry.created,
        "actor": entry.actor,
        "user": entry.user,
        "token": entry.token,
        "action": entry.deed.action,
        "entityType": entry.deed.entity_type,
        "entityId": entry.deed.entity_id,
        "entityName": entry.deed.entity_name,
        "environment": entry.deed.environment,
        "details": dict(entry.deed.details),
        "result": entry.result.value,
        "address": entry.address,
        "request": entry.request,
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def seal_of(previous: str, row: AuditRow) -> str:
    """In hex."""
    return hashlib.sha256(previous.encode() + canonical(row)).hexdigest()


def chain(previous: str, rows: Iterable[AuditRow]) -> Iterator[tuple[int, str]]:
    """Id and seal of each row, in order, going on from `previous`."""
    for row in rows:
        previous = seal_of(previous, row)
        yield row.id, previous


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk along the trail found.

    `rows` there are, `head` is the last sealed one's id and seal. `gaps` are ids between which others are missing, at
    most MOST_GAPS of them. `tail` are the rows not sealed yet, the first and the last of them in `tail_ids`. `since` is
    the first row from which on the end of the trail is known; None where nothing tells it.
    """

    rows: int
    head: tuple[int, str] | None = None
    broken: Broken | None = None
    gaps: tuple[tuple[int, int], ...] = ()
    tail: int = 0
    tail_ids: tuple[int, int] | None = None
    since: int | None = None

    @property
    def sound(self) -> bool:
        """Whether every sealed row is as it was. A gap alone breaks nothing."""
        return self.broken is None


def verify(rows: Iterable[AuditRow], kept: Callable[[], Kept] = lambda: NoHead.NONE_YET) -> Verification:
    """Walk along all rows, oldest first. `kept` tells what is kept of their end now: asked before and after, as rows
    are sealed meanwhile."""
    walk = _Walk(kept())
    for row in rows:
        walk.take(row)
    return walk.found(kept())


class _Walk:
    """Where a verification has got to; memory does not grow with the trail."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._kept_row: AuditRow | None = None
        self._last_sealed: AuditRow | None = None
        self._rows = 0
        self._last = 0
        self._seal = ""
        self._head: tuple[int, str] | None = None
        self._broken: Broken | None = None
        self._gaps: list[tuple[int, int]] = []
        self._tail: list[int] = []  # the first and the last unsealed row since the last sealed one
        self._unsealed = 0

    def take(self, row: AuditRow) -> None:
        if row.id < 1:
            self._rows += 1
            self._break(row.id, "it was put in: the first record is number 1")
            return
        gap = row.id != self._last + 1
        if gap and len(self._gaps) < MOST_GAPS:
            self._gaps.append((self._last, row.id))
        self._rows, self._last = self._rows + 1, row.id
        if row.unreadable:
            self._break(row.id, "it was changed, and cannot be read any more")
        if row.seal is None:
            self._tail, self._unsealed = [*self._tail[:1], row.id], self._unsealed + 1
            return
        self._check(row, row.seal, gap=gap)
        self._head, self._seal = (row.id, row.seal), row.seal
        self._last_sealed = row
        if isinstance(self._kept, Head) and row.id <= self._kept.id:
            self._kept_row = row

    def _check(self, row: AuditRow, seal: str, *, gap: bool) -> None:
        if self._tail:  # the sealer leaves none out
            self._break(self._tail[0], "its seal was taken away, or it was put in later")
            self._tail, self._unsealed = [], 0
        elif seal != seal_of(self._seal, row):
            missing = "rows before it were removed, or it was changed"
            self._break(row.id, missing if gap else "it or its seal was changed, or the one before it")

    def _break(self, row: int, reason: str) -> None:
        self._broken = self._broken or Broken(row, reason)

    def found(self, kept: Kept) -> Verification:
        """`kept` by now: rows may have been sealed since the walk began, and none beyond this."""
        ends = (self._tail[0], self._tail[-1]) if self._tail else None
        broken = self._broken
        if isinstance(self._kept, Head):
            broken = broken or fault(self._kept, self._kept_row)
        if not isinstance(kept, Head) or (self._last_sealed is not None and self._last_sealed.id > kept.id):
            broken = broken or fault(kept, self._last_sealed)
        since = kept.since if isinstance(kept, Head) else None
        return Verification(self._rows, self._head, broken, tuple(self._gaps), self._unsealed, ends, since)


class Sealer:
    """The one that chains: `begin` gives it a thread until `stop`; `seal_all` does what there is to do, at once.

    Of several processes each may have one: a batch is written as a whole or, where another was faster, not at all. Who
    came too late lets others go first, until nobody seals any more: so what one record takes does not grow with them.
    """

    def __init__(
        self, records: AuditRecords, heads: Heads, *, gather: float = GATHER_SECONDS, look: float = LOOK_SECONDS
    ) -> None:
        """Rows gather for `gather` seconds; every `look` seconds it looks unasked."""
        self._records, self._heads, self._gather, self._look = records, heads, gather, look
        self._woken = threading.Event()
        self._over = threading.Event()
        self._leads = True
        self._end: int | None = None
        self._thread: threading.Thread | None = None

    @property
    def gathers(self) -> float:
        """For how many seconds it lets rows gather now."""
        return self._gather if self._leads else BEHIND * self._gather

    def begin(self) -> None:
        """What an earlier process left unsealed comes first."""
        self._thread = threading.Thread(target=self._run, name="audit sealer")
        self._thread.start()

    def woken(self) -> None:
        """There is a new row. Returns at once; for any thread."""
        self._woken.set()

    def stop(self) -> None:
        """Returns when everything recorded by now is sealed, or cannot be."""
        self._over.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def seal_all(self) -> int:
        """How many rows it has sealed. Raises StorageFailed."""
        total, more = 0, True
        while more:
            rows = self._records.unsealed(ROWS_AT_ONCE)
            sealed = self._sealed(rows) if rows else 0
            total += sealed
            more = bool(rows) and (sealed == 0 or len(rows) == ROWS_AT_ONCE)  # who comes now wakes us
        return total

    def _sealed(self, rows: Sequence[AuditRow]) -> int:
        """0 where another sealer was faster."""
        held = self._records.head()
        last = self._records.last_sealed()
        if last is not None and last.id >= rows[0].id:
            return 0
        previous = "" if last is None or last.seal is None else last.seal
        if not self._heads.seal(last, held, list(chain(previous, rows))):
            return 0
        self._end = rows[-1].id
        return len(rows)

    def look(self, *, told: bool) -> None:
        """`told`: somebody recorded something, so there are rows, unless a sealer was faster: another, or this one a
        moment ago. Raises StorageFailed."""
        if self.seal_all():
            self._leads = True
            return
        last = self._records.last_sealed()
        end = None if last is None else last.id
        if told and end != self._end:
            self._leads = False
        self._end = end

    def _run(self) -> None:
        ending = told = False
        while not ending:
            self._over.wait(self.gathers)
            self._woken.clear()
            ending = self._over.is_set()  # asked before the rows are read: none recorded before `stop` is missed
            try:
                self.look(told=told)
            except StorageFailed as error:
                log.error("the audit trail cannot be sealed now, and is when the next row comes: %s", error)  # noqa: TRY400
            except Exception:  # whatever it is, what comes later is to be sealed
                log.exception("the audit trail cannot be sealed now, and is when the next row comes")
            told = not ending and self._woken.wait(self._look)
