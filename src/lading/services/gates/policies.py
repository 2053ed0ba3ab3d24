"""Policies and their verdicts, for every door: each method asks for permission and keeps the trail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lading.oci.instants import instant
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Result, Trail, row_deed
from lading.services.audit.trail import admit
from lading.services.gates.policy_forms import PolicyForm, policy_json
from lading.services.gates.records import GateRecords, PolicyRow, VerdictQuery, VerdictRow
from lading.services.named_rows import RowUnknown, known
from lading.services.schedules import Chore

KEPT_SECONDS = 90 * 24 * 60 * 60.0
"""How long verdicts are kept; the trail keeps what it has."""

DAY = 24 * 60 * 60.0


@dataclass(frozen=True, slots=True)
class VerdictPage:
    """Some verdicts, and how many there are in all."""

    rows: Sequence[VerdictRow]
    total: int


class Policies:
    """For any number of threads."""

    def __init__(self, records: GateRecords, trail: Trail, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since 1970."""
        self._records, self._trail, self._clock = records, trail, clock

    def list(self, actor: Actor) -> Sequence[PolicyRow]:
        """In order of id."""
        self._admit(actor, Permission.POLICIES_VIEW, "list")
        return self._records.policies()

    def get(self, actor: Actor, id: int) -> PolicyRow:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        self._admit(actor, Permission.POLICIES_VIEW, "view", id)
        return self._row(id)

    def add(self, actor: Actor, form: PolicyForm) -> PolicyRow:
        """Raises PolicyInvalid, NameTaken."""
        self._admit(actor, Permission.POLICIES_EDIT, "create", name=form.name)
        form.row(0)
        row = self._records.add_policy(form.row)
        self._record(actor, "create", row)
        return row

    def change(self, actor: Actor, id: int, form: PolicyForm) -> PolicyRow:  # noqa: A002  a row's own word
        """The whole of it, in place of what it was. Raises RowUnknown, PolicyInvalid, NameTaken."""
        self._admit(actor, Permission.POLICIES_EDIT, "update", id)
        after = form.row(id)
        while True:  # again where somebody else changed it in between: the trail says what was replaced
            before = self._row(id)
            if self._records.change_policy(before, after):
                break
        self._record(actor, "update", after, before)
        return after

    def remove(self, actor: Actor, id: int) -> None:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        self._admit(actor, Permission.POLICIES_EDIT, "delete", id)
        row = self._row(id)
        if not self._records.remove_policy(id):
            raise RowUnknown("policy", id)
        self._record(actor, "delete", row)

    def verdicts(self, actor: Actor, wanted: VerdictQuery, first: int, count: int) -> VerdictPage:
        """The newest first."""
        self._admit(actor, Permission.POLICIES_VIEW, "list", wanted.policy)
        return VerdictPage(self._records.verdicts(wanted, first, count), self._records.count_verdicts(wanted))

    def chores(self) -> Sequence[Chore]:
        """Verdicts are forgotten when nobody asks for them any more."""
        return [Chore("verdict expiry", DAY, lambda: self._records.forget_verdicts(self._clock() - KEPT_SECONDS))]

    def _row(self, id: int) -> PolicyRow:  # noqa: A002  a row's own word
        return known(self._records.policy(id), "policy", id)

    def _admit(
        self,
        actor: Actor,
        permission: Permission,
        action: str,
        id: int | None = None,  # noqa: A002  a row's own word
        name: str = "",
    ) -> None:
        admit(self._trail, actor, permission, row_deed(action, "policy", id, name))

    def _record(self, actor: Actor, action: str, row: PolicyRow, before: PolicyRow | None = None) -> None:
        details: dict[str, object] = {"policy": policy_json(row)}
        if before is not None:
            details["before"] = policy_json(before)
        self._trail.record(actor, row_deed(action, "policy", row.id, row.name, details), Result.DONE)


def verdict_row_json(row: VerdictRow) -> dict[str, object]:
    """A kept verdict, for others."""
    return {
        "id": row.id,
        "at": instant(row.at),
        "policyId": row.policy,
        "policy": row.name,
        "action": row.action.value,
        "mode": row.mode.value,
        "environmentId": row.environment,
        "image": row.image,
        "imageId": row.image_id,
        "config": str(row.config) if row.config else None,
        "platform": row.platform,
        "username": row.actor,
        "allowed": row.allowed,
        "blocking": [dict(finding) for finding in row.blocking],
        "blocked": row.blocked,
        "suppressed": row.suppressed,
        "doubts": list(row.doubts),
    }
