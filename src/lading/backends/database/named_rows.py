"""What tables share whose rows have an id and a name: adding, replacing, and the one that is the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection, Row, Table, delete, func, insert, select, text, update

from lading.backends.database.transactions import Transactions, Turn
from lading.services.named_rows import NameTaken


class Named(Protocol):
    """A row that has a name, and may be the default."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def is_default(self) -> bool: ...


N = TypeVar("N", bound=Named)


class NamedRows(Generic[N]):
    """The rows of one table with a default. `read` and `columns` are the way from a row to a value and back."""

    def __init__(
        self,
        transactions: Transactions,
        table: Table,
        turn: Turn,
        read: Callable[[Row[Any]], N],
        columns: Callable[[N], Mapping[str, object]],
    ) -> None:
        self._transactions, self._table, self._turn = transactions, table, turn
        self._read, self._columns = read, columns

    def all(self) -> Sequence[N]:
        """In order of id."""
        with self._transactions.reading() as connection:
            return [self._read(row) for row in connection.execute(select(self._table).order_by(self._table.c.id))]

    def one(self, id: int) -> N | None:  # noqa: A002  a row's own word
        """None where there is none."""
        with self._transactions.reading() as connection:
            row = connection.execute(select(self._table).where(self._table.c.id == id)).one_or_none()
        return None if row is None else self._read(row)

    def add(self, make: Callable[[int], N]) -> N:
        """Raises NameTaken."""

        def work(connection: Connection) -> N:
            made = make(next_id(connection, self._table))
            self._make_room(connection, made)
            connection.execute(insert(self._table), self._columns(made))
            return made

        return self._transactions.written(work, self._turn)

    def change(self, before: N, after: N) -> bool:
        """Only where the row still is as it was `before`. Raises NameTaken."""
        one = self._table.c.id == before.id

        def work(connection: Connection) -> bool:
            row = connection.execute(select(self._table).where(one)).one_or_none()
            if row is None or self._read(row) != before:
                return False
            self._make_room(connection, after)
            connection.execute(update(self._table).where(one), self._columns(after))
            return True

        return self._transactions.written(work, self._turn)

    def remove(self, id: int) -> bool:  # noqa: A002  a row's own word
        """Whether there was one."""
        gone = delete(self._table).where(self._table.c.id == id)
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount > 0, self._turn)

    def remove_unchanged(self, row: N) -> bool:
        """Only where it still is as in `row`."""
        one = self._table.c.id == row.id

        def work(connection: Connection) -> bool:
            found = connection.execute(select(self._table).where(one)).one_or_none()
            if found is None or self._read(found) != row:
                return False
            connection.execute(delete(self._table).where(one))
            return True

        return self._transactions.written(work, self._turn)

    def make_default(self, id: int) -> bool:  # noqa: A002  a row's own word
        """This one and no other."""

        def work(connection: Connection) -> bool:
            if not there(connection, self._table, id):
                return False
            self._clear_default(connection)
            connection.execute(update(self._table).where(self._table.c.id == id).values(is_default=True))
            return True

        return self._transactions.written(work, self._turn)

    def _make_room(self, connection: Connection, row: N) -> None:
        refuse_taken(connection, self._table, row.id, row.name)
        if row.is_default:
            self._clear_default(connection)

    def _clear_default(self, connection: Connection) -> None:
        connection.execute(update(self._table).where(self._table.c.is_default).values(is_default=False))


def next_id(connection: Connection, table: Table) -> int:
    """The next row's id, which no row ever had. The caller has the table to itself until it has inserted the row."""
    if connection.dialect.name == "postgresql":
        named = connection.dialect.identifier_preparer.format_table(table)
        sequence = text("SELECT nextval(pg_get_serial_sequence(:named, 'id'))")
        return int(connection.execute(sequence, {"named": named}).scalar_one())
    given = text("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = :named")
    return int(connection.execute(given, {"named": table.name}).scalar_one())


def refuse_taken(connection: Connection, table: Table, id: int, name: str) -> None:  # noqa: A002  a row's own word
    """Raises NameTaken where another row has the name."""
    if connection.scalar(select(table.c.id).where(table.c.name == name, table.c.id != id)) is not None:
        raise NameTaken(table.name.replace("_", " "), name)


def there(connection: Connection, table: Table, id: int) -> bool:  # noqa: A002  a row's own word
    """Whether it has such a row."""
    return bool(connection.scalar(select(func.count()).select_from(table).where(table.c.id == id)))
