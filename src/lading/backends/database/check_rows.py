"""What re-reading blobs found: services.content.check.CheckRecords."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, delete, select

from lading.backends.database.repository_view import batches
from lading.backends.database.tables import blob_check
from lading.backends.database.transactions import Transactions
from lading.backends.database.upsert import put
from lading.oci.digest import Digest
from lading.services.content.check import Found

_CHECKED = select(blob_check.c.digest, blob_check.c.checked).where(
    blob_check.c.digest.in_(bindparam("digests", expanding=True))
)


class DatabaseChecks:
    """Every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def checked(self, digests: Collection[Digest]) -> Mapping[Digest, float]:
        found: dict[Digest, float] = {}
        with self._transactions.reading() as connection:
            for batch in batches(digests):
                rows = connection.execute(_CHECKED, {"digests": batch})
                found.update((row.digest, row.checked) for row in rows)
        return found

    def note(self, found: Mapping[Digest, Found], at: float) -> None:
        rows = [{"digest": digest, "checked": at, "found": each.value} for digest, each in found.items()]
        if rows:
            self._transactions.written(lambda connection: connection.execute(put(connection, blob_check), rows))

    def forget(self, before: float) -> None:
        old = delete(blob_check).where(blob_check.c.checked < before)
        self._transactions.written(lambda connection: connection.execute(old))
