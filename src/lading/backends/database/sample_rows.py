"""Samples of what storage took: SampleRecords of services.content.storage_samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, func, select

from lading.backends.database.sample_tables import storage_sample as samples
from lading.backends.database.transactions import Transactions
from lading.backends.database.upsert import put
from lading.services.content.storage_samples import DAY, StorageSample

_LAST_OF_DAYS = select(func.max(samples.c.at)).group_by(samples.c.at // DAY)


class DatabaseSamples:
    """Fulfils SampleRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def add_sample(self, sample: StorageSample) -> None:
        row = asdict(sample)
        self._transactions.written(lambda connection: connection.execute(put(connection, samples), row))

    def samples(self, since: float) -> Sequence[StorageSample]:
        taken = select(samples).where(samples.c.at >= int(since)).order_by(samples.c.at)
        with self._transactions.reading() as connection:
            return [StorageSample(**row) for row in connection.execute(taken).mappings()]

    def thin_samples(self, before: float) -> int:
        thin = delete(samples).where(samples.c.at < int(before), samples.c.at.not_in(_LAST_OF_DAYS))
        return self._transactions.written(lambda connection: connection.execute(thin).rowcount)

    def forget_samples(self, before: float) -> int:
        gone = delete(samples).where(samples.c.at < int(before))
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount)
