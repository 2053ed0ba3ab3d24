"""Sessions and API tokens: services.identity.login_records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any  # what a row holds, its statement says

from sqlalchemy import Connection, Delete, Row, Select, Update, bindparam, delete, insert, select, update

from lading.backends.database.named_rows import next_id, there
from lading.backends.database.service_tables import session as sessions
from lading.backends.database.service_tables import token as tokens
from lading.backends.database.service_tables import user as users
from lading.backends.database.transactions import Transactions, Turn
from lading.services.identity.login_records import SessionRow, TokenRow

# Looked up at nearly every request: made once, as to put one together takes longer than to ask it.
_SESSION = select(sessions).where(sessions.c.hash == bindparam("asked", type_=sessions.c.hash.type))
_TOKEN = select(tokens).where(tokens.c.id == bindparam("asked", type_=tokens.c.id.type))
_TOKEN_HASHED = select(tokens).where(tokens.c.hash == bindparam("asked", type_=tokens.c.hash.type))


class DatabaseSessions:
    """Fulfils SessionRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def add_session(self, session: SessionRow) -> bool:
        def work(connection: Connection) -> bool:
            if not there(connection, users, session.user):
                return False
            values = {name: getattr(session, name) for name in sessions.c.keys()}  # noqa: SIM118  columns, not a mapping
            connection.execute(insert(sessions), values)
            return True

        return self._transactions.written(work, Turn.PEOPLE)

    def session(self, hash: str) -> SessionRow | None:  # noqa: A002  the protocol's word
        with self._transactions.reading() as connection:
            row = connection.execute(_SESSION, {"asked": hash}).one_or_none()
        return None if row is None else _session(row)

    def sessions_of(self, user: int) -> Sequence[SessionRow]:
        wanted = select(sessions).where(sessions.c.user == user).order_by(sessions.c.seen.desc(), sessions.c.hash)
        with self._transactions.reading() as connection:
            return [_session(row) for row in connection.execute(wanted)]

    def touch_session(self, hash: str, seen: float, expires: float) -> bool:  # noqa: A002  the protocol's word
        touched = update(sessions).where(sessions.c.hash == hash).values(seen=seen, expires=expires)
        return _count(self._transactions, touched) > 0

    def remove_session(self, hash: str) -> bool:  # noqa: A002  the protocol's word
        return _ended(self._transactions, delete(sessions).where(sessions.c.hash == hash)) > 0

    def remove_sessions(self, user: int, but: str | None = None) -> int:
        gone = delete(sessions).where(sessions.c.user == user)
        return _ended(self._transactions, gone if but is None else gone.where(sessions.c.hash != but))

    def forget_sessions(self, before: float) -> int:
        return _count(self._transactions, delete(sessions).where(sessions.c.expires < before))


class DatabaseTokens:
    """Fulfils TokenRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def tokens(self, user: int | None = None) -> Sequence[TokenRow]:
        wanted = select(tokens).order_by(tokens.c.id)
        with self._transactions.reading() as connection:
            found = connection.execute(wanted if user is None else wanted.where(tokens.c.user == user))
            return [_token(row) for row in found]

    def token(self, id: int) -> TokenRow | None:  # noqa: A002  the protocol's word
        return self._one(_TOKEN, id)

    def token_hashed(self, hash: str) -> TokenRow | None:  # noqa: A002  the protocol's word
        return self._one(_TOKEN_HASHED, hash)

    def add_token(self, make: Callable[[int], TokenRow]) -> TokenRow | None:
        def work(connection: Connection) -> TokenRow | None:
            made = make(next_id(connection, tokens))
            if not there(connection, users, made.user):
                return None
            values = {name: getattr(made, name) for name in tokens.c.keys()}  # noqa: SIM118  columns, not a mapping
            scopes = None if made.scopes is None else sorted(made.scopes)
            connection.execute(insert(tokens), values | {"scopes": scopes})
            return made

        return self._transactions.written(work, Turn.PEOPLE)

    def use_token(self, id: int, used: float) -> None:  # noqa: A002  the protocol's word
        later = tokens.c.used.is_(None) | (tokens.c.used < used)
        _count(self._transactions, update(tokens).where(tokens.c.id == id, later).values(used=used))

    def remove_token(self, id: int) -> bool:  # noqa: A002  the protocol's word
        return _ended(self._transactions, delete(tokens).where(tokens.c.id == id)) > 0

    def forget_tokens(self, before: float) -> int:
        return _count(self._transactions, delete(tokens).where(tokens.c.expires < before))

    def _one(self, wanted: Select[Any], asked: int | str) -> TokenRow | None:
        with self._transactions.reading() as connection:
            row = connection.execute(wanted, {"asked": asked}).one_or_none()
        return None if row is None else _token(row)


def _count(transactions: Transactions, statement: Update | Delete) -> int:
    """How many rows it was."""
    return transactions.written(lambda connection: connection.execute(statement).rowcount)


def _ended(transactions: Transactions, statement: Delete) -> int:
    """As `_count`, in the turn of people, of whose changes every process is told with the commit."""
    return transactions.written(lambda connection: connection.execute(statement).rowcount, Turn.PEOPLE)


def _session(row: Row[Any]) -> SessionRow:
    return SessionRow(row.hash, row.user, row.created, row.seen, row.expires, row.address)


def _token(row: Row[Any]) -> TokenRow:
    scopes = None if row.scopes is None else frozenset(row.scopes)
    return TokenRow(row.id, row.user, row.name, row.hash, row.created, scopes, row.expires, row.used, row.prefix)
