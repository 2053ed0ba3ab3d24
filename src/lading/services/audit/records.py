"""What is kept of the audit trail: AuditRecords, the protocol that the database fulfils, and its row.

Rows are appended and never changed, but for the seal that the sealer adds once. Ids grow in the order in which rows
become visible: who has read up to an id never misses one below it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.services.access import Actor
from lading.services.audit.audit import Deed, Result, Trail


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What is appended. `created` is seconds since 1970; `actor` is a name, as it was then."""

    created: float
    actor: str
    user: int | None
    token: int | None
    deed: Deed
    result: Result
    address: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry with its number on the trail, and the sealer's seal, if it has come by.

    `unreadable`: somebody wrote there what Lading never does; what could not be read of its entry is empty."""

    id: int
    entry: AuditEntry
    seal: str | None = None
    unreadable: bool = False

    @property
    def result(self) -> str:
        """As it is shown."""
        return "unreadable" if self.unreadable else self.entry.result.value


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows are wanted; None leaves that question open. `since` is in, `until` is out: seconds since 1970.
    `text` is part of an actor's name, an action, or the entity's type, id or name, in capitals or not.

    `environments` are the only ones whose rows may be seen: rows of no environment are not among them."""

    actor: str | None = None
    user: int | None = None
    action: str | None = None
    entity_type: str | None = None
    entity_id: str | None = None
    entity_name: str | None = None
    environment: int | None = None
    result: Result | None = None
    since: float | None = None
    until: float | None = None
    environments: frozenset[int] | None = None
    text: str = ""


EVERYTHING = AuditFilter()

HEAD_SETTING = "audit-head"
"""The setting in which the head of the trail is kept."""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page of a list, the newest row first, and how many there are in all."""

    rows: tuple[AuditRow, ...]
    total: int


class EntryTrail(Trail, Protocol):
    """A trail whose entries others may keep, in the transaction that makes them true."""

    def entry(self, actor: Actor, deed: Deed, result: Result) -> AuditEntry:
        """What `record` would append now."""

    def appended(self) -> None:
        """Entries were appended: tell those who follow in this process. Never raises."""


TOPIC = "audit"
"""What those who listen (services.wakes) are told with the commit of every entry, whoever keeps it."""


class AuditRecords(Protocol):
    """For any number of threads and processes. Every method may raise StorageFailed."""

    def append(self, entry: AuditEntry) -> int:
        """Its id. Durable when this returns."""

    def find(self, id: int) -> AuditRow | None:  # noqa: A002  the row's own word
        """None where there is none."""

    def newest(self) -> int:
        """The greatest id there is, 0 where there is no row."""

    def page(self, wanted: AuditFilter, offset: int, limit: int) -> AuditPage:
        """Newest first."""

    def after(self, id: int, limit: int, wanted: AuditFilter = EVERYTHING) -> Sequence[AuditRow]:  # noqa: A002
        """Those with a greater id, oldest first: for who follows the trail."""

    def each(self, wanted: AuditFilter = EVERYTHING) -> Iterator[AuditRow]:
        """All there are now, oldest first, for export and verification: in pieces, so that memory stays small and
        nobody is held up. May raise between rows."""

    def last_removal(self, environment: int, names: Collection[str], mention: str | None) -> AuditRow | None:
        """The newest row that tells of an image there that was removed: by one of these names, or whose details hold
        the text `mention`; that is looked for among the newest rows alone, so that it costs as much however long the
        trail is."""

    def unsealed(self, limit: int) -> Sequence[AuditRow]:
        """Those that follow the last sealed one, oldest first."""

    def last_sealed(self) -> AuditRow | None:
        """The one that the chain goes on from; None before the first."""

    def head(self) -> object:
        """What is kept of the trail's end (services.audit.head); None where nothing is."""

    def seal(self, seals: Sequence[tuple[int, str]], held: object, head: str) -> bool:
        """Write seals of rows by their ids, and `head`: all of it, or nothing and False where a row has a seal already,
        or what is kept is not what was `held`."""
