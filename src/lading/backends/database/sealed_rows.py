"""Every sealed field of the database, for a change of keys: services.secrets.SealedRecords."""

from __future__ import annotations

from sqlalchemy import Connection, Table, select, update

from lading.backends.database.service_tables import environment, registry
from lading.backends.database.transactions import Transactions, Turn
from lading.services.secrets import OF_ENVIRONMENT, OF_REGISTRY, Reseal

SEALED: tuple[tuple[Table, str, str], ...] = (
    (environment, "tls_key_sealed", OF_ENVIRONMENT),
    (registry, "password_sealed", OF_REGISTRY),
)
"""Each with the place for which its services seal it."""


class DatabaseSeals:
    """Fulfils SealedRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def reseal(self, change: Reseal) -> int:
        def work(connection: Connection) -> int:
            self._transactions.take_turn(connection, Turn.REGISTRIES)
            return sum(_reseal(connection, *field, change) for field in SEALED)

        return self._transactions.written(work, Turn.ENVIRONMENTS)


def _reseal(connection: Connection, table: Table, name: str, place: str, change: Reseal) -> int:
    held = select(table.c.id, table.c[name].label("seal")).where(table.c[name].is_not(None))
    rows = connection.execute(held.order_by(table.c.id)).all()
    for row in rows:
        renewed = change(place.format(row.id), row.seal)
        connection.execute(update(table).where(table.c.id == row.id).values({name: renewed}))
    return len(rows)
