"""What the trust server keeps: TrustRecords of services.trust.records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, and_, delete, exists, func, insert, select, union_all, update

from lading.backends.database.columns import among, counted
from lading.backends.database.transactions import Transactions, Turn
from lading.backends.database.trust_tables import trust_change as changes
from lading.backends.database.trust_tables import trust_file as files
from lading.backends.database.trust_tables import trust_server_key as keys
from lading.backends.database.upsert import put
from lading.proof.tuf_roles import ROOT, TIMESTAMP
from lading.services.trust.records import ChangeKind, Gun, ServerKeyRow, TrustChange, TrustFile

_FILE = (files.c.role, files.c.version, files.c.sha256, files.c.content, files.c.created)


class DatabaseTrust:
    """Fulfils TrustRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def newest(self, gun: str) -> Mapping[str, TrustFile]:
        found = select(*_FILE).where(files.c.gun == gun, files.c.newest)
        with self._transactions.reading() as connection:
            return {row["role"]: TrustFile(**row) for row in connection.execute(found).mappings()}

    def newest_of(self, gun: str, role: str) -> TrustFile | None:
        return self._one(gun, role, files.c.newest)

    def of_version(self, gun: str, role: str, version: int) -> TrustFile | None:
        return self._one(gun, role, files.c.version == version)

    def of_checksum(self, gun: str, role: str, sha256: str) -> TrustFile | None:
        return self._one(gun, role, files.c.sha256 == sha256)

    def publish(self, gun: Gun, seen: str | None, new: Sequence[TrustFile], current: Sequence[str]) -> bool:
        def work(connection: Connection) -> bool:
            stamp = select(files.c.sha256).where(files.c.gun == gun.name, files.c.role == TIMESTAMP, files.c.newest)
            if connection.scalar(stamp) != seen:
                return False
            staying = set(current) - {file.role for file in new}
            past = update(files).where(files.c.gun == gun.name, files.c.newest, files.c.role.not_in(staying))
            connection.execute(past.values(newest=False))
            connection.execute(put(connection, files), [_columns(gun, file) for file in new])
            for file in new:
                if file.role == TIMESTAMP:
                    _tell(connection, gun.name, file)
            return True

        return self._transactions.written(work, Turn.TRUST)

    def remove(self, gun: str, now: float) -> bool:
        def work(connection: Connection) -> bool:
            connection.execute(delete(keys).where(keys.c.gun == gun))
            gone = connection.execute(delete(files).where(files.c.gun == gun)).rowcount > 0
            if gone:
                _tell_end(connection, gun, now)
            return gone

        return self._transactions.written(work, Turn.TRUST)

    def guns(self, repository: str) -> Sequence[str]:
        here = (files.c.repository == repository, files.c.role == TIMESTAMP, files.c.newest)
        with self._transactions.reading() as connection:
            return list(connection.scalars(select(files.c.gun).where(*here).order_by(_begun(), files.c.gun)))

    def signed_before(self, moment: float) -> Sequence[Gun]:
        old = (files.c.role == TIMESTAMP, files.c.newest, files.c.created < moment)
        found = select(files.c.gun, files.c.repository).where(*old).order_by(files.c.created)
        with self._transactions.reading() as connection:
            return [Gun(row.gun, row.repository) for row in connection.execute(found)]

    def thin(self, made: float, read: float) -> int:
        stamps = files.alias()
        quiet = exists().where(
            and_(stamps.c.gun == files.c.gun, stamps.c.role == TIMESTAMP, stamps.c.newest, stamps.c.created < read)
        )
        past = delete(files).where(~files.c.newest, files.c.role != ROOT, files.c.created < made, quiet)
        unused = delete(keys).where(keys.c.created < made, ~exists().where(files.c.gun == keys.c.gun))

        def work(connection: Connection) -> int:
            return connection.execute(past).rowcount + connection.execute(unused).rowcount

        return self._transactions.written(work, Turn.TRUST)

    def thin_changes(self, made: float) -> int:
        older, latest = changes.alias(), changes.alias()
        last = select(func.max(older.c.id)).where(older.c.created < made).scalar_subquery()
        newest = select(func.max(latest.c.id)).where(latest.c.gun == files.c.gun).correlate(files).scalar_subquery()
        there = (files.c.role == TIMESTAMP, files.c.newest)
        staying = union_all(*(select(func.coalesce(each, 0)).where(*there) for each in (_begun(), newest)))
        gone = delete(changes).where(changes.c.id <= last, changes.c.id.not_in(staying))
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount, Turn.TRUST)

    def keys(self, gun: str) -> Sequence[ServerKeyRow]:
        latest = select(keys).where(keys.c.gun == gun).order_by(keys.c.created.desc(), keys.c.key_id)
        with self._transactions.reading() as connection:
            return [ServerKeyRow(**row) for row in connection.execute(latest).mappings()]

    def add_key(self, key: ServerKeyRow, *, only: bool = False) -> None:
        def work(connection: Connection) -> None:
            same = exists().where(keys.c.gun == key.gun, keys.c.role == key.role)
            if not only or not connection.scalar(select(same)):
                connection.execute(insert(keys), {column.name: getattr(key, column.name) for column in keys.columns})

        self._transactions.written(work, Turn.TRUST)

    def forget_keys(self, gun: str, key_ids: Sequence[str]) -> None:
        gone = delete(keys).where(keys.c.gun == gun, keys.c.key_id.in_(key_ids))
        self._transactions.written(lambda connection: connection.execute(gone), Turn.TRUST)

    def changed(self) -> Sequence[str]:
        with self._transactions.reading() as connection:
            return list(connection.scalars(select(changes.c.gun).distinct()))

    def changes(
        self, guns: Collection[str], after: int | None, count: int, *, backwards: bool
    ) -> Sequence[TrustChange]:
        found = select(changes).where(among(changes.c.gun, guns)).limit(counted(count))
        if after is not None:
            found = found.where(changes.c.id < after if backwards else changes.c.id > after)
        found = found.order_by(changes.c.id.desc() if backwards else changes.c.id)
        with self._transactions.reading() as connection:
            told = [_change(row) for row in connection.execute(found)]
        return told[::-1] if backwards else told

    def _one(self, gun: str, role: str, which: Any) -> TrustFile | None:  # Any: SQLAlchemy's columns and comparisons
        found = select(*_FILE).where(files.c.gun == gun, files.c.role == role, which)
        with self._transactions.reading() as connection:
            row = connection.execute(found.order_by(files.c.created.desc()).limit(1)).mappings().one_or_none()
        return None if row is None else TrustFile(**row)


def _begun() -> ScalarSelect[int]:
    """The line of the changefeed with which the file's collection began: the first after it was last removed. Files do
    not tell, as one that is published again is as new as its last time."""
    ends, told = changes.alias(), changes.alias()
    gone = select(func.max(ends.c.id)).where(ends.c.gun == files.c.gun, ends.c.category == ChangeKind.DELETION.value)
    since = told.c.id > func.coalesce(gone.correlate(files).scalar_subquery(), 0)
    return select(func.min(told.c.id)).where(told.c.gun == files.c.gun, since).correlate(files).scalar_subquery()


def _columns(gun: Gun, file: TrustFile) -> dict[str, object]:
    return {
        "gun": gun.name,
        "repository": gun.repository,
        "role": file.role,
        "sha256": file.sha256,
        "version": file.version,
        "content": file.content,
        "created": file.created,
        "newest": True,
    }


def _tell(connection: Connection, gun: str, file: TrustFile) -> None:
    """A new timestamp."""
    told = {"gun": gun, "version": file.version, "sha256": file.sha256, "created": file.created}
    connection.execute(insert(changes), {**told, "category": ChangeKind.UPDATE.value})


def _tell_end(connection: Connection, gun: str, at: float) -> None:
    told = {"gun": gun, "version": 0, "sha256": "", "created": at}
    connection.execute(insert(changes), {**told, "category": ChangeKind.DELETION.value})


def _change(row: Row[Any]) -> TrustChange:  # Any: SQLAlchemy's
    return TrustChange(row.id, row.gun, row.version, row.sha256, ChangeKind(row.category), row.created)
