"""Who users are at providers of single sign-on: services.identity.identity_records."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, insert, select, update

from lading.backends.database.identity_tables import user_identity
from lading.backends.database.transactions import Transactions, Turn
from lading.backends.database.user_rows import added_user
from lading.services.identity.identity_records import SignedOn, Subject
from lading.services.identity.user_records import UserRow


class DatabaseIdentities:
    """Fulfils IdentityRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def user_of(self, subject: Subject) -> int | None:
        with self._transactions.reading() as connection:
            return _user_of(connection, subject)

    def signed_on(self, user: int | None = None) -> Mapping[int, SignedOn]:
        wanted = select(user_identity).order_by(user_identity.c.created.desc())
        if user is not None:
            wanted = wanted.where(user_identity.c.user == user)
        with self._transactions.reading() as connection:
            rows = connection.execute(wanted).all()
        return {row.user: SignedOn(row.issuer, row.last_login) for row in rows}

    def came(self, subject: Subject, at: float) -> None:
        whose = (user_identity.c.issuer == subject.issuer, user_identity.c.subject == subject.subject)
        written = update(user_identity).where(*whose).values(last_login=at)
        self._transactions.written(lambda connection: connection.execute(written), Turn.PEOPLE)

    def add_identified(self, make: Callable[[int], UserRow], subject: Subject) -> UserRow | None:
        def work(connection: Connection) -> UserRow | None:
            if _user_of(connection, subject) is not None:
                return None
            made = added_user(connection, make)
            known = {"issuer": subject.issuer, "subject": subject.subject, "user": made.id, "created": made.created}
            connection.execute(insert(user_identity), known)
            return made

        return self._transactions.written(work, Turn.PEOPLE)


def _user_of(connection: Connection, subject: Subject) -> int | None:
    wanted = select(user_identity.c.user).where(
        user_identity.c.issuer == subject.issuer, user_identity.c.subject == subject.subject
    )
    found: int | None = connection.execute(wanted).scalar_one_or_none()
    return found
