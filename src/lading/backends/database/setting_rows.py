"""Settings and the times of chores: services.setting_records, and ScheduleRecords of services.schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select, update

from lading.backends.database.service_tables import schedule as schedules
from lading.backends.database.service_tables import setting
from lading.backends.database.transactions import Transactions, Turn
from lading.backends.database.upsert import add, put
from lading.services.schedules import Schedule
from lading.wire.plain_json import plain_object


class DatabaseSettings:
    """Fulfils SettingRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def settings(self) -> Mapping[str, object]:
        with self._transactions.reading() as connection:
            return {row.key: row.value for row in connection.execute(select(setting).order_by(setting.c.key))}

    def setting(self, key: str) -> object:
        with self._transactions.reading() as connection:
            return held_setting(connection, key)

    def put_setting(self, key: str, value: object) -> None:
        self._transactions.written(lambda connection: put_setting(connection, key, value))

    def add_setting(self, key: str, value: object) -> object:
        def work(connection: Connection) -> object:
            connection.execute(add(connection, setting), _row(key, value))
            return held_setting(connection, key)

        return self._transactions.written(work, Turn.SETTINGS)

    def remove_setting(self, key: str) -> bool:
        gone = delete(setting).where(setting.c.key == key)
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount > 0)


class DatabaseSchedules:
    """Fulfils ScheduleRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def schedules(self) -> Sequence[Schedule]:
        with self._transactions.reading() as connection:
            rows = connection.execute(select(schedules).order_by(schedules.c.name)).all()
        return [Schedule(row.name, row.every, row.next, row.last) for row in rows]

    def ensure_schedule(self, schedule: Schedule) -> None:
        def work(connection: Connection) -> None:
            mine = schedules.c.name == schedule.name
            held = connection.execute(select(schedules).where(mine)).one_or_none()
            if held is None:
                row = {"name": schedule.name, "every": schedule.every, "next": schedule.next, "last": schedule.last}
                connection.execute(insert(schedules), row)
                return
            nearer = min(held.next, schedule.next)
            connection.execute(update(schedules).where(mine).values(every=schedule.every, next=nearer))

        self._transactions.written(work, Turn.SETTINGS)

    def take_schedule(self, name: str, due: float, next: float, last: float) -> bool:  # noqa: A002  the protocol's word
        still = update(schedules).where(schedules.c.name == name, schedules.c.next == due)
        taken = still.values(next=next, last=last)
        return self._transactions.written(lambda connection: connection.execute(taken).rowcount > 0)


def held_setting(connection: Connection, key: str) -> object:
    """What it is, within a transaction of others."""
    value: object = connection.scalar(select(setting.c.value).where(setting.c.key == key))
    return value


def put_setting(connection: Connection, key: str, value: object) -> None:
    """Set it, within a transaction of others."""
    connection.execute(put(connection, setting), _row(key, value))


def _row(key: str, value: object) -> dict[str, object]:
    return {"key": key, **plain_object({"value": value})}
