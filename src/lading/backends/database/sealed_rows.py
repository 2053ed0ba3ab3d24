"""Every sealed field of the database, for a change of keys: services.secrets.SealedRecords."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, Table, select, update

from lading.backends.database.service_tables import environment, registry, setting
from lading.backends.database.setting_rows import held_setting, put_setting
from lading.backends.database.transactions import Transactions, Turn
from lading.backends.database.trust_tables import trust_server_key
from lading.services.audit.head import NONE_YET
from lading.services.audit.records import HEAD_SETTING
from lading.services.registries.providers import OF_PROVIDER
from lading.services.secrets import (
    AUTHORITY_SETTING,
    OF_AUDIT_HEAD,
    OF_AUTHORITY,
    OF_ENVIRONMENT,
    OF_REGISTRY,
    OF_STANDARD_AGENT,
    OF_TRUST_KEY,
    Reseal,
    SealBroken,
)

SEALED: tuple[tuple[Table, str, str], ...] = (
    (environment, "tls_key_sealed", OF_ENVIRONMENT),
    (environment, "hawser_token_sealed", OF_STANDARD_AGENT),
    (registry, "password_sealed", OF_REGISTRY),
    (registry, "provider_sealed", OF_PROVIDER),
)
"""Each with the place for which its services seal it."""


class DatabaseSeals:
    """Fulfils SealedRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def reseal(self, change: Reseal) -> int:
        def work(connection: Connection) -> int:
            self._transactions.take_turn(connection, Turn.REGISTRIES)
            self._transactions.take_turn(connection, Turn.TRUST)
            _reseal_audit_head(connection, change)
            fields = sum(_reseal(connection, *field, change) for field in SEALED)
            return fields + _reseal_authority(connection, change) + _reseal_trust_keys(connection, change)

        return self._transactions.written(work, Turn.ENVIRONMENTS)


def _reseal(connection: Connection, table: Table, name: str, place: str, change: Reseal) -> int:
    held = select(table.c.id, table.c[name].label("seal")).where(table.c[name].is_not(None))
    rows = connection.execute(held.order_by(table.c.id)).all()
    for row in rows:
        renewed = change(place.format(row.id), row.seal)
        connection.execute(update(table).where(table.c.id == row.id).values({name: renewed}))
    return len(rows)


def _reseal_authority(connection: Connection, change: Reseal) -> int:
    """The one setting that holds a secret; made once, and never changed but for this."""
    mine = setting.c.key == AUTHORITY_SETTING
    held = connection.scalar(select(setting.c.value).where(mine))
    if not isinstance(held, dict):
        return 0
    renewed = held | {"key": change(OF_AUTHORITY, str(held.get("key")))}
    connection.execute(update(setting).where(mine).values(value=renewed))
    return 1


def _reseal_trust_keys(connection: Connection, change: Reseal) -> int:
    """The trust server's keys, which no number names but what they are for."""
    rows = connection.execute(select(trust_server_key).order_by(*trust_server_key.primary_key)).all()
    for row in rows:
        renewed = change(OF_TRUST_KEY.format(row.gun, row.role, row.key_id), row.private_sealed)
        mine = (each == row._mapping[each.name] for each in trust_server_key.primary_key)
        connection.execute(update(trust_server_key).where(*mine).values(private_sealed=renewed))
    return len(rows)


def _reseal_audit_head(connection: Connection, change: Reseal) -> None:
    """What cannot be opened stays as it is, and is told by every verification of the trail: that keeps no secret from
    getting a new key."""
    held = held_setting(connection, HEAD_SETTING)
    if isinstance(held, str) and held != NONE_YET:
        with suppress(SealBroken):
            put_setting(connection, HEAD_SETTING, change(OF_AUDIT_HEAD, held))
