"""The rows of the embedded registry, by SQLAlchemy: services.repository_records.RepositoryRecords."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path

from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, select, union

from lading.backends.database.engine import open_engine
from lading.backends.database.prepare import prepare
from lading.backends.database.repository_view import RepositoryRows, batches, descriptor_of, own
from lading.backends.database.tables import child, held_blob, held_manifest, repository, tag, upload_session
from lading.backends.database.transactions import Transactions, Turn
from lading.backends.database.upsert import add, put
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repository_records import (
    Decide,
    DropBlob,
    DropManifest,
    DropTag,
    Edit,
    HeldManifest,
    HoldBlob,
    HoldManifest,
    PointTag,
    RepositoryView,
    UploadSession,
)

_LOCKED = select(repository.c.id).where(repository.c.name == bindparam("name")).with_for_update()
_NAMES = (
    select(repository.c.name)
    .where(repository.c.name > bindparam("after"))
    .order_by(repository.c.name)
    .limit(bindparam("limit"))
)
_TAGS = (
    select(tag.c.name)
    .where(tag.c.repository == own(), tag.c.name > bindparam("after"))
    .order_by(tag.c.name)
    .limit(bindparam("limit"))
)
_REFERRERS = (
    select(held_manifest)
    .where(held_manifest.c.repository == own(), held_manifest.c.subject == bindparam("subject"))
    .order_by(held_manifest.c.digest)
)
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


def open_records(path: Path) -> DatabaseRecords:
    """The registry's rows in the database at `path`, which is made or migrated first where it has to be.

    Raises as prepare.prepare does.
    """
    prepare(path)
    return DatabaseRecords(Transactions(open_engine(path), path))


class DatabaseRecords:
    """Fulfils RepositoryRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._reading = transactions.reading

    def change(self, repository: str, decide: Decide) -> Sequence[Edit]:
        def work(connection: Connection) -> Sequence[Edit]:
            key = _lock(connection, repository)
            edits = decide(RepositoryRows(lambda: nullcontext(connection), repository))
            for edit in edits:
                _apply(connection, key, edit)
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

    def tags(self, repository: str, after: str, limit: int) -> Sequence[str]:
        with self._reading() as connection:
            return connection.scalars(_TAGS, {"name": repository, "after": after, "limit": limit}).all()

    def referrers(self, repository: str, subject: Digest) -> Sequence[Descriptor]:
        with self._reading() as connection:
            rows = connection.execute(_REFERRERS, {"name": repository, "subject": subject}).all()
        return [descriptor_of(row) for row in rows]

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

    def begin_upload(self, session: UploadSession) -> None:
        row = {"id": session.id, "repository": session.repository, "begun": session.begun}
        self._transactions.written(lambda connection: connection.execute(insert(upload_session), row))

    def upload(self, session: str) -> UploadSession | None:
        with self._reading() as connection:
            row = connection.execute(select(upload_session).where(upload_session.c.id == session)).one_or_none()
        return None if row is None else UploadSession(row.id, row.repository, row.begun)

    def end_upload(self, session: str) -> None:
        ended = delete(upload_session).where(upload_session.c.id == session)
        self._transactions.written(lambda connection: connection.execute(ended))

    def uploads(self, begun_before: float = float("inf")) -> Sequence[UploadSession]:
        rows = select(upload_session).where(upload_session.c.begun < begun_before)
        with self._reading() as connection:
            found = connection.execute(rows.order_by(upload_session.c.begun, upload_session.c.id)).all()
        return [UploadSession(row.id, row.repository, row.begun) for row in found]

    def close(self) -> None:
        """Closes every connection; harmless twice."""
        self._transactions.close()


def _lock(connection: Connection, name: str) -> int:
    """The id of the repository's row, which nobody else changes before our transaction ends; made where missing."""
    key: int | None = connection.scalar(_LOCKED, {"name": name})
    if key is None:
        connection.execute(add(connection, repository), {"name": name})
        key = connection.execute(_LOCKED, {"name": name}).scalar_one()
    return key


def _apply(connection: Connection, key: int, edit: Edit) -> None:
    match edit:
        case HoldBlob(digest, size):
            connection.execute(put(connection, held_blob), {"repository": key, "digest": digest, "size": size})
        case HoldManifest(manifest):
            _hold_manifest(connection, key, manifest)
        case PointTag(name, digest):
            connection.execute(put(connection, tag), {"repository": key, "name": name, "digest": digest})
        case DropTag(name):
            connection.execute(delete(tag).where(tag.c.repository == key, tag.c.name == name))
        case DropManifest(digest):
            rows = held_manifest.c
            connection.execute(delete(held_manifest).where(rows.repository == key, rows.digest == digest))
        case DropBlob(digest):
            blobs = held_blob.c
            connection.execute(delete(held_blob).where(blobs.repository == key, blobs.digest == digest))


def _hold_manifest(connection: Connection, key: int, manifest: HeldManifest) -> None:
    descriptor = manifest.descriptor
    row = {
        "repository": key,
        "digest": descriptor.digest,
        "media_type": descriptor.media_type,
        "size": descriptor.size,
        "subject": manifest.subject,
        "artifact_type": descriptor.artifact_type,
        "annotations": dict(descriptor.annotations) or None,
    }
    connection.execute(put(connection, held_manifest), row)
    connection.execute(delete(child).where(child.c.repository == key, child.c.manifest == descriptor.digest))
    children = [
        {"repository": key, "manifest": descriptor.digest, "position": position, "digest": digest}
        for position, digest in enumerate(manifest.children)
    ]
    if children:
        connection.execute(insert(child), children)
