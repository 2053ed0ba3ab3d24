"""Policies, exceptions and verdicts: services.gates.records.GateRecords."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any  # what a column holds, its statement says

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from lading.backends.database.columns import counted, holding
from lading.backends.database.gate_tables import policy, policy_exception, policy_verdict
from lading.backends.database.named_rows import next_id, refuse_taken
from lading.backends.database.transactions import Transactions, Turn
from lading.services.gates.policy import Action, Mode
from lading.services.gates.policy_forms import limits_json, read_limits, read_scope, scope_json
from lading.services.gates.records import ExceptionRow, PolicyRow, VerdictQuery, VerdictRow
from lading.services.gates.statements import Justification, Status


class DatabaseGates:
    """Fulfils GateRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    # ── policies

    def policies(self) -> Sequence[PolicyRow]:
        with self._transactions.reading() as connection:
            return [_policy(row) for row in connection.execute(select(policy).order_by(policy.c.id))]

    def policy(self, id: int) -> PolicyRow | None:  # noqa: A002  the protocol's word
        with self._transactions.reading() as connection:
            return _one_policy(connection, id)

    def add_policy(self, make: Callable[[int], PolicyRow]) -> PolicyRow:
        def work(connection: Connection) -> PolicyRow:
            made = make(next_id(connection, policy))
            refuse_taken(connection, policy, made.id, made.name)
            connection.execute(insert(policy), _policy_columns(made))
            return made

        return self._transactions.written(work, Turn.GATES)

    def change_policy(self, before: PolicyRow, after: PolicyRow) -> bool:
        def work(connection: Connection) -> bool:
            if _one_policy(connection, before.id) != before:
                return False
            refuse_taken(connection, policy, after.id, after.name)
            connection.execute(update(policy).where(policy.c.id == before.id), _policy_columns(after))
            return True

        return self._transactions.written(work, Turn.GATES)

    def remove_policy(self, id: int) -> bool:  # noqa: A002  the protocol's word
        gone = delete(policy).where(policy.c.id == id)
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount > 0, Turn.GATES)

    # ── exceptions

    def exceptions(self) -> Sequence[ExceptionRow]:
        with self._transactions.reading() as connection:
            found = connection.execute(select(policy_exception).order_by(policy_exception.c.id))
            return [_exception(row) for row in found]

    def exception(self, id: int) -> ExceptionRow | None:  # noqa: A002  the protocol's word
        with self._transactions.reading() as connection:
            return _one_exception(connection, id)

    def add_exceptions(self, rows: Sequence[ExceptionRow], replacing: str = "") -> Sequence[ExceptionRow]:
        def work(connection: Connection) -> Sequence[ExceptionRow]:
            if replacing:
                connection.execute(delete(policy_exception).where(policy_exception.c.origin == replacing))
            kept = []
            for row in rows:
                kept.append(replace(row, id=next_id(connection, policy_exception)))
                connection.execute(insert(policy_exception), _exception_columns(kept[-1]))
            return kept

        return self._transactions.written(work, Turn.GATES)

    def change_exception(self, before: ExceptionRow, after: ExceptionRow) -> bool:
        def work(connection: Connection) -> bool:
            if _one_exception(connection, before.id) != before:
                return False
            one = policy_exception.c.id == before.id
            connection.execute(update(policy_exception).where(one), _exception_columns(after))
            return True

        return self._transactions.written(work, Turn.GATES)

    def remove_exception(self, id: int) -> bool:  # noqa: A002  the protocol's word
        gone = delete(policy_exception).where(policy_exception.c.id == id)
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount > 0, Turn.GATES)

    # ── verdicts

    def add_verdict(self, verdict: VerdictRow) -> VerdictRow:
        adding = insert(policy_verdict).returning(policy_verdict.c.id)

        def work(connection: Connection) -> int:
            given: int = connection.execute(adding, _verdict_columns(verdict)).scalar_one()
            return given

        return replace(verdict, id=self._transactions.written(work))

    def verdicts(self, wanted: VerdictQuery, first: int, count: int) -> Sequence[VerdictRow]:
        found = select(policy_verdict).where(*_conditions(wanted)).order_by(policy_verdict.c.id.desc())
        with self._transactions.reading() as connection:
            rows = connection.execute(found.offset(counted(first)).limit(counted(count)))
            return [_verdict(row) for row in rows]

    def count_verdicts(self, wanted: VerdictQuery) -> int:
        found = select(func.count()).select_from(policy_verdict).where(*_conditions(wanted))
        with self._transactions.reading() as connection:
            return int(connection.execute(found).scalar_one())

    def forget_verdicts(self, before: float) -> int:
        gone = delete(policy_verdict).where(policy_verdict.c.at < before)
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount)


def _one_policy(connection: Connection, id: int) -> PolicyRow | None:  # noqa: A002  a row's own word
    row = connection.execute(select(policy).where(policy.c.id == id)).one_or_none()
    return None if row is None else _policy(row)


def _policy(row: Row[Any]) -> PolicyRow:
    scope = read_scope(row.environments, row.repositories, row.registries)
    return PolicyRow(row.id, row.name, Action(row.action), scope, read_limits(row.limits), Mode(row.mode))


def _policy_columns(row: PolicyRow) -> Mapping[str, object]:
    named = {"id": row.id, "name": row.name, "action": row.action.value, "mode": row.mode.value}
    return {**named, **scope_json(row.scope), "limits": limits_json(row.limits)}


def _one_exception(connection: Connection, id: int) -> ExceptionRow | None:  # noqa: A002  a row's own word
    row = connection.execute(select(policy_exception).where(policy_exception.c.id == id)).one_or_none()
    return None if row is None else _exception(row)


def _exception(row: Row[Any]) -> ExceptionRow:
    return ExceptionRow(
        row.id,
        row.vulnerability,
        Status(row.status),
        row.reason,
        row.author,
        row.created,
        row.package_url,
        row.image,
        None if row.justification is None else Justification(row.justification),
        row.expires,
        row.origin,
    )


def _exception_columns(row: ExceptionRow) -> Mapping[str, object]:
    return {
        "id": row.id,
        "vulnerability": row.vulnerability,
        "package_url": row.package_url,
        "image": row.image,
        "status": row.status.value,
        "justification": None if row.justification is None else row.justification.value,
        "reason": row.reason,
        "author": row.author,
        "created": row.created,
        "expires": row.expires,
        "origin": row.origin,
    }


def _conditions(wanted: VerdictQuery) -> Sequence[ColumnElement[bool]]:
    verdict, conditions = policy_verdict.c, []
    if wanted.policy is not None:
        conditions.append(verdict.policy == wanted.policy)
    if wanted.environments is not None:
        conditions.append(verdict.environment.in_(wanted.environments))
    if wanted.allowed is not None:
        conditions.append(verdict.allowed.is_(wanted.allowed))
    if wanted.text:
        conditions.append(holding(wanted.text, (verdict.image, verdict.image_id)))
    return conditions


def _verdict(row: Row[Any]) -> VerdictRow:
    return VerdictRow(
        row.id,
        row.at,
        row.policy,
        row.policy_name,
        Action(row.action),
        Mode(row.mode),
        row.environment,
        row.image,
        row.image_id,
        row.config,
        row.platform,
        row.actor,
        row.allowed,
        tuple(row.blocking),
        row.blocked,
        row.suppressed,
        tuple(row.doubts),
    )


def _verdict_columns(row: VerdictRow) -> Mapping[str, object]:
    return {
        "at": row.at,
        "policy": row.policy,
        "policy_name": row.name,
        "action": row.action.value,
        "mode": row.mode.value,
        "environment": row.environment,
        "image": row.image,
        "image_id": row.image_id,
        "config": row.config,
        "platform": row.platform,
        "actor": row.actor,
        "allowed": row.allowed,
        "blocking": [dict(finding) for finding in row.blocking],
        "blocked": row.blocked,
        "suppressed": row.suppressed,
        "doubts": list(row.doubts),
    }
