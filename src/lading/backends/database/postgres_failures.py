"""The one place where PostgreSQL's errors become ours: by their SQLSTATE, never by their words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError

from lading.backends.database.failures import (
    DatabaseAway,
    DatabaseBusy,
    DatabaseContended,
    DatabaseCorrupt,
    DatabaseFailed,
    DatabaseFull,
    DatabaseUnreachable,
    DatabaseUnwritable,
    Place,
)

_LEAVES: dict[str, type[DatabaseFailed]] = {
    "40001": DatabaseContended,  # serialization_failure
    "40P01": DatabaseContended,  # deadlock_detected
    "55P03": DatabaseBusy,  # lock_not_available
    "25006": DatabaseUnwritable,  # read_only_sql_transaction: a replica
    "42501": DatabaseUnwritable,  # insufficient_privilege
    "53100": DatabaseFull,
    "XX001": DatabaseCorrupt,
    "XX002": DatabaseCorrupt,
}

_CLASSES: dict[str, type[DatabaseFailed]] = {
    "08": DatabaseAway,  # connection exceptions
    "28": DatabaseUnreachable,  # login refused
    "3D": DatabaseUnreachable,  # no such database
    "53": DatabaseAway,  # no connection is left, no memory
    "57": DatabaseAway,  # it is shut down, or starts
}
"""By the first two characters (PostgreSQL, appendix A)."""


def leaf_of(state: str) -> type[DatabaseFailed] | None:
    """The class for an SQLSTATE; None where it has none of its own."""
    return _LEAVES.get(state) or _CLASSES.get(state[:2])


def translated_postgres(error: psycopg.Error, place: Place) -> DatabaseFailed | None:
    """Ours for what PostgreSQL said. None for a broken constraint or a statement that does not fit: our own mistake."""
    state = error.sqlstate
    leaf = leaf_of(state or "")
    if leaf is None and isinstance(error, psycopg.IntegrityError | psycopg.ProgrammingError | psycopg.DataError):
        return None
    if leaf is None:
        leaf = DatabaseFailed if state else DatabaseAway  # without a state no server said it
    return leaf(place, first_line(error))


def of_postgres(error: DBAPIError, place: Place) -> DatabaseFailed | None:
    """As `translated_postgres`, for what SQLAlchemy wraps it in."""
    return translated_postgres(error.orig, place) if isinstance(error.orig, psycopg.Error) else None


@contextmanager
def translating_psycopg(place: Place) -> Iterator[None]:
    """Inside, its errors come out as ours."""
    try:
        yield
    except psycopg.Error as error:
        ours = translated_postgres(error, place)
        if ours is None:
            raise
        raise ours from error


def first_line(error: Exception) -> str:
    """What it says, without the statement and the advice on further lines."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
