"""Verdicts on signatures: services.trust.verdicts.VerdictRecords."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam, delete, select

from lading.backends.database.repository_view import batches
from lading.backends.database.transactions import Transactions
from lading.backends.database.trust_tables import trust_verdict
from lading.backends.database.upsert import put
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.trust.verdicts import VerdictRow
from lading.services.trust_modes import Mode

_OF = (
    select(trust_verdict)
    .where(trust_verdict.c.digest.in_(bindparam("digests", expanding=True)))
    .order_by(trust_verdict.c.reference)
)


class DatabaseTrustVerdicts:
    """Fulfils VerdictRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def put_verdict(self, row: VerdictRow) -> None:
        columns = {
            "reference": str(row.reference),
            "digest": row.digest,
            "environment": row.environment,
            "at": row.at,
            "trusted": row.trusted,
            "mode": row.mode.value,
            "verdict": dict(row.told),
        }
        self._transactions.written(lambda connection: connection.execute(put(connection, trust_verdict), columns))

    def verdicts_of(self, digests: Collection[Digest]) -> Sequence[VerdictRow]:
        found: list[VerdictRow] = []
        with self._transactions.reading() as connection:
            for batch in batches(digests):
                found += (
                    VerdictRow(
                        Reference.parse(row.reference),
                        row.digest,
                        row.environment,
                        row.at,
                        row.trusted,
                        Mode(row.mode),
                        row.verdict if isinstance(row.verdict, dict) else {},
                    )
                    for row in connection.execute(_OF, {"digests": batch})
                )
        return found

    def forget_verdicts(self, before: float) -> None:
        old = delete(trust_verdict).where(trust_verdict.c.at < before)
        self._transactions.written(lambda connection: connection.execute(old))
