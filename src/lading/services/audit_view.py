"""Reading the audit trail, for whoever has `audit:view`: everywhere, or in the environments it was given for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lading.services.access import Actor, Permission, matches
from lading.services.audit import Deed, Trail
from lading.services.audit_export import Format, export
from lading.services.audit_records import AuditFilter, AuditPage, AuditRecords, AuditRow
from lading.services.audit_seal import Verification, verify
from lading.services.audit_trail import admit

NO_FILTER = AuditFilter()


class Audit:
    """For every door. Every method raises Denied, NotLoggedIn, StorageFailed."""

    def __init__(self, records: AuditRecords, trail: Trail) -> None:
        self._records, self._trail = records, trail

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

    def export(self, actor: Actor, wanted: AuditFilter, format: Format) -> Iterator[str]:  # noqa: A002  the query's own word
        """Text in pieces, the oldest row first. Asks for permission at once, not when the first piece is taken."""
        return export(self._records.each(self._seen(actor, wanted, "export")), format)

    def verify(self, actor: Actor) -> Verification:
        """Whether the chain is whole; it is one for all environments, so it takes permission for all."""
        admit(self._trail, actor, Permission.AUDIT_VIEW, _deed("verify"))
        return verify(self._records.each())

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
