"""Until when minted logins are good: Validity of services.registries.minting."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from lading.backends.database.minted_tables import minted_login
from lading.backends.database.named_rows import there
from lading.backends.database.service_tables import registry as registries
from lading.backends.database.transactions import Transactions, Turn
from lading.backends.database.upsert import put


class DatabaseMintedLogins:
    """Fulfils Validity; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def validities(self) -> Mapping[int, float]:
        with self._transactions.reading() as connection:
            rows = connection.execute(select(minted_login).order_by(minted_login.c.registry)).all()
        return {row.registry: row.expires for row in rows}

    def minted(self, registry: int, expires: float) -> None:
        def work(connection: Connection) -> None:
            if there(connection, registries, registry):
                connection.execute(put(connection, minted_login), {"registry": registry, "expires": expires})

        self._transactions.written(work, Turn.REGISTRIES)

    def forgotten(self, registry: int) -> None:
        gone = delete(minted_login).where(minted_login.c.registry == registry)
        self._transactions.written(lambda connection: connection.execute(gone), Turn.REGISTRIES)
