"""The rows of the embedded registry, by SQLAlchemy: services.repositories.records.RepositoryRecords."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from sqlalchemy import BindParameter, Connection, Select, bindparam, delete, func, insert, select, union
from sqlalchemy.exc import IntegrityError

from lading.backends.database.columns import counted, holding, matching
from lading.backends.database.engine import open_engine
from lading.backends.database.failures import DatabaseContended
from lading.backends.database.prepare import prepare
from lading.backends.database.pull_rows import count_pulls
from lading.backends.database.referrer_rows import referrers
from lading.backends.database.repository_edits import apply
from lading.backends.database.repository_lists import figures, repository_rows, tag_rows
from lading.backends.database.repository_view import (
    WIDE_RETENTION,
    WIDE_RULES,
    RepositoryRows,
    batches,
    own,
    read_wide_retention,
    read_wide_rules,
)
from lading.backends.database.service_tables import setting
from lading.backends.database.tables import child, held_blob, held_manifest, repository, tag, upload_session
from lading.backends.database.totals import Totals, many
from lading.backends.database.transactions import Transactions, Turn
from lading.backends.database.upsert import add, put
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repositories.edits import Edit, RenameRepository
from lading.services.repositories.pull_counts import Pulled, Pulls
from lading.services.repositories.records import Decide, RepositoryView
from lading.services.repositories.retention_rules import RetentionRule, retention_json
from lading.services.repositories.rows import Names, RepositoryRow, TagRow, UploadSession, Visibility
from lading.services.repositories.rules import Rule, rule_json

_LOCKED = select(repository.c.id).where(repository.c.name == bindparam("name")).with_for_update()
_NAMES = (
    select(repository.c.name)
    .where(repository.c.name > bindparam("after"))
    .order_by(repository.c.name)
    .limit(bindparam("limit"))
)
_PUBLIC = select(repository.c.name).where(
    repository.c.name.in_(bindparam("names", expanding=True)), repository.c.visibility == Visibility.PUBLIC.value
)
_TAGS = (
    select(tag.c.name)
    .where(tag.c.repository == own(), tag.c.name > bindparam("after"))
    .order_by(tag.c.name)
    .limit(bindparam("limit"))
)
_ALL_TAGS = select(tag.c.name).where(tag.c.repository == own())
_HOLDERS = (
    select(repository.c.name)
    .join(held_blob)
    .where(held_blob.c.digest == bindparam("digest"))
    .order_by(repository.c.name)
    .limit(bindparam("limit"))
)
_REACHED = union(select(held_manifest.c.digest), select(child.c.digest))
_AMONG: BindParameter[Sequence[Digest]] = bindparam("digests", expanding=True)
_REACHED_AMONG = union(*(select(rows.c.digest).where(rows.c.digest.in_(_AMONG)) for rows in (held_manifest, child)))
_RELEASE = delete(held_blob).where(held_blob.c.digest.in_(_AMONG))
_BEGUN = insert(upload_session)
_UPLOAD = select(upload_session).where(upload_session.c.id == bindparam("session"))
_ENDED = delete(upload_session).where(upload_session.c.id == bindparam("session"))


Wanted = tuple[str | None, str, frozenset[str] | None]
"""A list of names: the repository whose tags they are, None of repositories; the text in them; and their patterns."""


def open_records(path: Path) -> DatabaseRecords:
    """The registry's rows in the database at `path`, which is made or migrated first where it has to be.

    Raises as prepare.prepare does.
    """
    prepare(path)
    return DatabaseRecords(Transactions(open_engine(path), path))


class DatabaseRecords:
    """Fulfils RepositoryRecords and pull_counts.PullRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._reading = transactions.reading
        self._totals = Totals[Wanted, int](many)
        self._figures = figures()

    def change(self, repository: str, decide: Decide, now: float) -> Sequence[Edit]:
        def work(connection: Connection) -> Sequence[Edit]:
            key, made = _lock(connection, repository, now)
            edits = decide(RepositoryRows(lambda: nullcontext(connection), repository, made=made))
            for edit in edits:
                try:
                    apply(connection, key, edit, now)
                except IntegrityError as error:
                    if not isinstance(edit, RenameRepository):
                        raise
                    # taken since it was looked at: the next attempt sees so
                    raise DatabaseContended(self._transactions.place, "a name was taken meanwhile") from error
            if not edits:
                connection.rollback()  # the repository is made with its first edit, not before
            return edits

        return self._transactions.written(work, Turn.REPOSITORIES, together=True)

    def view(self, repository: str) -> RepositoryView:
        return RepositoryRows(self._reading, repository)

    def knows(self, repository: str) -> bool:
        with self._reading() as connection:
            return connection.scalar(select(own()), {"name": repository}) is not None

    def repositories(self, after: str, limit: int) -> Sequence[str]:
        with self._reading() as connection:
            return connection.scalars(_NAMES, {"after": after, "limit": limit}).all()

    def public(self, repositories: Collection[str]) -> Collection[str]:
        found: set[str] = set()
        with self._reading() as connection:
            for batch in batches(repositories):
                found.update(connection.scalars(_PUBLIC, {"names": batch}))
        return found

    def tags(self, repository: str, after: str, limit: int) -> Sequence[str]:
        with self._reading() as connection:
            return connection.scalars(_TAGS, {"name": repository, "after": after, "limit": limit}).all()

    def names(self, text: str, offset: int, limit: int, patterns: Collection[str] | None = None) -> Names:
        asked = select(repository.c.name)
        if patterns is not None:
            asked = asked.where(matching(repository.c.name, sorted(patterns), postgres=self._transactions.postgres))
        return self._page((None, text, None if patterns is None else frozenset(patterns)), asked, offset, limit)

    def tag_names(self, repository: str, text: str, offset: int, limit: int) -> Names:
        return self._page((repository, text, None), _ALL_TAGS, offset, limit)

    def _page(self, wanted: Wanted, names: Select[str], offset: int, limit: int) -> Names:
        within, text, _ = wanted
        (name,) = names.selected_columns
        asked = names.where(holding(text, [name])) if text else names
        page, whole = asked.order_by(name).offset(counted(offset)).limit(counted(limit)), asked.subquery()
        with self._reading() as connection:
            found = connection.scalars(page, {"name": within}).all()
            counting = select(func.count()).select_from(whole)
            total = self._totals.of(wanted, lambda: connection.scalar(counting, {"name": within}) or 0)
        return Names(found, max(total, offset + len(found) if found else 0))

    def wide_rules(self) -> Sequence[Rule]:
        with self._reading() as connection:
            return read_wide_rules(connection)

    def set_wide_rules(self, rules: Sequence[Rule]) -> None:
        self._set_wide(WIDE_RULES, [rule_json(rule) for rule in rules])

    def wide_retention(self) -> Sequence[RetentionRule]:
        with self._reading() as connection:
            return read_wide_retention(connection)

    def set_wide_retention(self, rules: Sequence[RetentionRule]) -> None:
        self._set_wide(WIDE_RETENTION, [retention_json(rule) for rule in rules])

    def _set_wide(self, key: str, rules: Sequence[object]) -> None:
        row = {"key": key, "value": rules}

        def work(connection: Connection) -> None:
            connection.execute(put(connection, setting), row)

        # A change that was decided by the rules of before is kept before these are, or sees these: all changes wait.
        self._transactions.written(work, Turn.REPOSITORIES)

    def rows(self, repositories: Collection[str]) -> Sequence[RepositoryRow]:
        with self._reading() as connection:
            return repository_rows(connection, repositories, self._figures)

    def tag_rows(self, repository: str, tags: Collection[str]) -> Sequence[TagRow]:
        with self._reading() as connection:
            return tag_rows(connection, repository, tags)

    def referrers(
        self, repository: str, subject: Digest, artifact_type: str | None = None, after: str = ""
    ) -> Iterator[Descriptor]:
        return referrers(self._reading, repository, subject, artifact_type, after)

    def holders(self, digest: Digest, limit: int) -> Sequence[str]:
        with self._reading() as connection:
            return connection.scalars(_HOLDERS, {"digest": digest, "limit": limit}).all()

    def reached(self) -> Iterable[Digest]:
        with self._reading() as connection:
            return set(connection.scalars(_REACHED))

    def release(self, digests: Collection[Digest]) -> Collection[Digest]:
        def work(connection: Connection) -> Collection[Digest]:
            free = set(digests)
            for batch in batches(digests):
                free.difference_update(connection.scalars(_REACHED_AMONG, {"digests": batch}))
            for batch in batches(free):
                connection.execute(_RELEASE, {"digests": batch})
            return free

        # A manifest that a change adds meanwhile may need what is free: changes wait, whatever their repository.
        return self._transactions.written(work, Turn.REPOSITORIES)

    def count_pulls(self, pulls: Mapping[Pulled, Pulls]) -> None:
        self._transactions.written(lambda connection: count_pulls(connection, pulls))

    def begin_upload(self, session: UploadSession) -> None:
        row = {"id": session.id, "repository": session.repository, "begun": session.begun}
        self._transactions.written(lambda connection: connection.execute(_BEGUN, row))

    def upload(self, session: str) -> UploadSession | None:
        with self._reading() as connection:
            row = connection.execute(_UPLOAD, {"session": session}).one_or_none()
        return None if row is None else UploadSession(row.id, row.repository, row.begun)

    def end_upload(self, session: str) -> None:
        self._transactions.written(lambda connection: connection.execute(_ENDED, {"session": session}))

    def uploads(self, begun_before: float = float("inf")) -> Sequence[UploadSession]:
        rows = select(upload_session).where(upload_session.c.begun < begun_before)
        with self._reading() as connection:
            found = connection.execute(rows.order_by(upload_session.c.begun, upload_session.c.id)).all()
        return [UploadSession(row.id, row.repository, row.begun) for row in found]

    def close(self) -> None:
        """Closes every connection; harmless twice."""
        self._transactions.close()


def _lock(connection: Connection, name: str, now: float) -> tuple[int, bool]:
    """The id of the repository's row, which nobody else changes before our transaction ends, and whether we made it."""
    key: int | None = connection.scalar(_LOCKED, {"name": name})
    if key is not None:
        return key, False
    key = connection.scalar(add(connection, repository).returning(repository.c.id), {"name": name, "created": now})
    return (connection.execute(_LOCKED, {"name": name}).scalar_one(), False) if key is None else (key, True)
