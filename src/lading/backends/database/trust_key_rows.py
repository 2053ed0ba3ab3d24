"""Accepted public keys: services.trust.key_records.TrustKeyRecords."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any  # what a column holds, its statement says

from sqlalchemy import Connection, Row, delete, insert, select

from lading.backends.database.named_rows import next_id, refuse_taken
from lading.backends.database.tables import repository
from lading.backends.database.transactions import Transactions, Turn
from lading.backends.database.trust_tables import trust_key
from lading.services.repositories.trust import read_trust
from lading.services.trust.key_records import TrustKeyInUse, TrustKeyRow

_RULES = (
    select(repository.c.name, repository.c.trust).where(repository.c.trust.is_not(None)).order_by(repository.c.name)
)


class DatabaseTrustKeys:
    """Fulfils TrustKeyRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def all_keys(self) -> Sequence[TrustKeyRow]:
        with self._transactions.reading() as connection:
            return [_key(row) for row in connection.execute(select(trust_key).order_by(trust_key.c.id))]

    def key(self, id: int) -> TrustKeyRow | None:  # noqa: A002  the protocol's word
        with self._transactions.reading() as connection:
            return _one(connection, id)

    def add_key(self, make: Callable[[int], TrustKeyRow]) -> TrustKeyRow:
        def work(connection: Connection) -> TrustKeyRow:
            made = make(next_id(connection, trust_key))
            refuse_taken(connection, trust_key, made.id, made.name)
            connection.execute(insert(trust_key), asdict(made))
            return made

        return self._transactions.written(work, Turn.REPOSITORIES)

    def remove_key(self, id: int) -> bool:  # noqa: A002  the protocol's word
        def work(connection: Connection) -> bool:
            row = _one(connection, id)
            if row is None:
                return False
            rules = [(name, read_trust(rule)) for name, rule in connection.execute(_RULES)]
            naming = [name for name, rule in rules if rule is not None and row.name in rule.keys]
            if naming:
                raise TrustKeyInUse(row.name, naming)
            connection.execute(delete(trust_key).where(trust_key.c.id == id))
            return True

        # A rule that comes to name the key is kept before this, or sees that the key is gone: all changes wait.
        return self._transactions.written(work, Turn.REPOSITORIES)


def _one(connection: Connection, id: int) -> TrustKeyRow | None:  # noqa: A002  a row's own word
    row = connection.execute(select(trust_key).where(trust_key.c.id == id)).one_or_none()
    return None if row is None else _key(row)


def _key(row: Row[Any]) -> TrustKeyRow:
    return TrustKeyRow(row.id, row.name, row.public, row.key_id, row.created, row.created_by)
