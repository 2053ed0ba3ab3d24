"""Layers that hosts sent through us: services.relays.records.LayerRecords."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, delete, select

from lading.backends.database.layer_tables import layer_blob
from lading.backends.database.repository_view import batches
from lading.backends.database.transactions import Transactions
from lading.backends.database.upsert import put
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest

_KNOWN = select(layer_blob).where(
    layer_blob.c.place == bindparam("of"), layer_blob.c.diff_id.in_(bindparam("diff_ids", expanding=True))
)


class DatabaseLayers:
    """Every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def blobs(self, place: str, diff_ids: Collection[Digest]) -> Mapping[Digest, Descriptor]:
        found: dict[Digest, Descriptor] = {}
        with self._transactions.reading() as connection:
            for batch in batches(diff_ids):
                rows = connection.execute(_KNOWN, {"of": place, "diff_ids": batch})
                found.update((row.diff_id, Descriptor(row.media_type, row.digest, row.size)) for row in rows)
        return found

    def learn(self, place: str, blobs: Mapping[Digest, Descriptor], at: float) -> None:
        rows = [
            {
                "place": place,
                "diff_id": diff_id,
                "digest": blob.digest,
                "size": blob.size,
                "media_type": blob.media_type,
                "used": at,
            }
            for diff_id, blob in blobs.items()
        ]
        if rows:
            self._transactions.written(lambda connection: connection.execute(put(connection, layer_blob), rows))

    def forget(self, before: float) -> None:
        old = delete(layer_blob).where(layer_blob.c.used < before)
        self._transactions.written(lambda connection: connection.execute(old))
