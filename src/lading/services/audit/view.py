"""Reading the audit trail, for whoever has `audit:view`: everywhere, or in the environments it was given for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from lading.services.access import Actor, Permission, matches
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.export import Format, export
from lading.services.audit.head import Heads
from lading.services.audit.records import AuditFilter, AuditPage, AuditRecords, AuditRow
from lading.services.audit.seal import Verification, verify
from lading.services.audit.trail import admit

NO_FILTER = AuditFilter()

NEWS_AT_ONCE = 200
"""Rows that are looked through for what they say of people; behind more of them anything may have changed."""

_PEOPLE = frozenset({"user", "role", "token"})
"""Types of entities on which it depends who may look."""

LOGIN = "login"
"""The action that takes nothing away from anybody, and that strangers can have recorded."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody wants of the trail, within what it may see."""

    rows: AuditFilter


@dataclass(frozen=True, slots=True)
class News:
    """The trail ends with row `end` now. `doubtful`: who might look before may perhaps not any more."""

    end: int
    doubtful: bool


class Audit:
    """For every door. Every method raises Denied, NotLoggedIn, StorageFailed."""

    def __init__(self, records: AuditRecords, heads: Callable[[], Heads], trail: Trail) -> None:
        """`heads` is asked for by `verify` alone: it takes the secret key."""
        self._records, self._heads, self._trail = records, heads, trail

    def page(self, actor: Actor, wanted: AuditFilter, offset: int, limit: int) -> AuditPage:
        """Newest first."""
        return self._records.page(self._seen(actor, wanted, "view"), offset, limit)

    def newest(self, actor: Actor) -> int:
        """The number of the last row there is: who follows from now on begins after it."""
        self._seen(actor, NO_FILTER, "view")
        return self._records.newest()

    def after(self, actor: Actor, id: int, limit: int, wanted: AuditFilter = NO_FILTER) -> Sequence[AuditRow]:  # noqa: A002
        """Those that came after this row, oldest first: for who follows the trail. None is missed."""
        return self._records.after(id, limit, self._seen(actor, wanted, "view"))

    def sight(self, actor: Actor, wanted: AuditFilter) -> Sight:
        """For who follows the trail, and asks again where there are doubtful `news`."""
        return Sight(self._seen(actor, wanted, "view"))

    def news(self, after: int | None) -> News:
        """Since this row; None: since nobody knows when. Tells nobody anything of what is there."""
        rows = None if after is None else self._records.after(after, NEWS_AT_ONCE)
        if after is None or rows is None or len(rows) == NEWS_AT_ONCE:
            return News(self._records.newest(), doubtful=True)
        deeds = [row.entry.deed for row in rows]
        doubtful = any(deed.entity_type in _PEOPLE and deed.action != LOGIN for deed in deeds)
        return News(rows[-1].id if rows else after, doubtful)

    def seen(self, sight: Sight, after: int, limit: int) -> Sequence[AuditRow]:
        """Those that came after this row, oldest first, of all that may be seen. None is missed."""
        return self._records.after(after, limit, sight.rows)

    def export(self, actor: Actor, wanted: AuditFilter, format: Format) -> Iterator[str]:  # noqa: A002  the query's own word
        """Text in pieces, the oldest row first. Asks for permission at once, not when the first piece is taken."""
        return export(self._records.each(self._seen(actor, wanted, "export")), format)

    def verify(self, actor: Actor) -> Verification:
        """Whether the chain is whole, and ends where Lading sealed last; it is one for all environments, so it takes
        permission for all."""
        admit(self._trail, actor, Permission.AUDIT_VIEW, _deed("verify"))
        return verify(self._records.each(), self._heads().kept)

    def _seen(self, actor: Actor, wanted: AuditFilter, action: str) -> AuditFilter:
        """What is wanted, within what may be seen."""
        if actor.may(Permission.AUDIT_VIEW):
            return wanted
        named = {
            environment
            for grant in actor.grants
            if matches(Permission.AUDIT_VIEW, grant.permissions)
            for environment in grant.environments or ()
            if actor.may(Permission.AUDIT_VIEW, environment)
        }
        if not named:
            admit(self._trail, actor, Permission.AUDIT_VIEW, _deed(action))
        return replace(wanted, environments=frozenset(named))


def _deed(action: str) -> Deed:
    return Deed(action, "audit", "", "")
