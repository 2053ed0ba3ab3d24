"""What processes tell each other of registries: which are to be left alone, and who moves layers there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, literal, or_, select, true

from lading.backends.database.database_clock import DatabaseNow
from lading.backends.database.hold_tables import registry_hold as holds
from lading.backends.database.hold_tables import registry_share as shares
from lading.backends.database.transactions import Transactions
from lading.backends.database.upsert import put_where
from lading.services.registries.holds import Hold

_LEFT = (holds.c.until - DatabaseNow()).label("seconds")
_STANDING = select(holds.c.host, _LEFT, holds.c.reason).where(holds.c.until > DatabaseNow()).order_by(holds.c.host)
_OVER = delete(holds).where(holds.c.until <= DatabaseNow())


class DatabaseHolds:
    """Fulfils services.registries.shared_holds.HoldRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def put_hold(self, hold: Hold) -> None:
        """What is over goes first: anybody may name any host."""
        until = DatabaseNow() + literal(hold.seconds)

        def work(connection: Connection) -> None:
            connection.execute(_OVER)
            row = {"host": hold.host, "until": until, "reason": hold.reason}
            connection.execute(put_where(connection, holds, row, holds.c.until < until))

        self._transactions.written(work)

    def holds(self) -> Sequence[Hold]:
        with self._transactions.reading() as connection:
            return [Hold(row.host, row.seconds, row.reason) for row in connection.execute(_STANDING)]


class DatabaseShares:
    """Fulfils services.registries.shares.ShareRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def move(self, process: str, hosts: Collection[str], seconds: float) -> Mapping[str, Sequence[str]]:
        """What is over goes too."""
        until = DatabaseNow() + literal(seconds)
        ours = (shares.c.process == process) & shares.c.host.not_in(sorted(hosts))

        def work(connection: Connection) -> Mapping[str, Sequence[str]]:
            connection.execute(delete(shares).where(or_(ours, shares.c.until <= DatabaseNow())))
            for host in sorted(hosts):
                row = {"host": host, "process": process, "until": until}
                connection.execute(put_where(connection, shares, row, true()))
            return _movers(connection, hosts)

        return self._transactions.written(work)

    def movers(self, hosts: Collection[str]) -> Mapping[str, Sequence[str]]:
        with self._transactions.reading() as connection:
            return _movers(connection, hosts)


def _movers(connection: Connection, hosts: Collection[str]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    asked = select(shares.c.host, shares.c.process).where(
        shares.c.host.in_(sorted(hosts)), shares.c.until > DatabaseNow()
    )
    for host, process in connection.execute(asked.order_by(shares.c.host, shares.c.process)):
        found.setdefault(host, []).append(process)
    return found
