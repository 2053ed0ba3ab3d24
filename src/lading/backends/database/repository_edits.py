"""One edit of a repository's rows, as statements of the transaction that decided it."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from lading.backends.database.tables import (
    child,
    held_blob,
    held_manifest,
    repository,
    tag,
    tag_release,
    upload_session,
)
from lading.backends.database.upsert import put
from lading.services.repositories.edits import (
    DropBlob,
    DropManifest,
    DropRelease,
    DropRepository,
    DropTag,
    Edit,
    EndUpload,
    HoldBlob,
    HoldManifest,
    PointTag,
    ReleaseTag,
    RenameRepository,
    SetRetention,
    SetRules,
    SetTrust,
    SetVisibility,
)
from lading.services.repositories.retention_rules import retention_json
from lading.services.repositories.rows import HeldManifest
from lading.services.repositories.rules import TagRelease, rule_json
from lading.services.repositories.trust import trust_json

_LOST = (
    update(held_manifest)
    .where(
        held_manifest.c.repository == bindparam("key"),
        held_manifest.c.digest.in_(
            select(tag.c.digest).where(tag.c.repository == bindparam("key"), tag.c.name == bindparam("tag"))
        ),
    )
    .values(untagged=bindparam("now"))
)
"""What a tag that is about to move or go names now."""

_PUSHED = update(repository).where(repository.c.id == bindparam("key")).values(pushed=bindparam("now"))


def apply(connection: Connection, key: int, edit: Edit, now: float) -> None:
    """To the repository whose row has this id, at `now`."""
    match edit:
        case HoldBlob(digest, size):
            connection.execute(put(connection, held_blob), {"repository": key, "digest": digest, "size": size})
        case HoldManifest(manifest):
            _hold_manifest(connection, key, manifest, now)
        case PointTag(name, digest):
            _point_tag(connection, key, name, digest, now)
        case ReleaseTag(release):
            _release_tag(connection, key, release)
        case _:
            _drop_or_set(connection, key, edit, now)


def _drop_or_set(connection: Connection, key: int, edit: Edit, now: float) -> None:
    match edit:
        case DropTag(name):
            connection.execute(_LOST, {"key": key, "tag": name, "now": now})
            connection.execute(delete(tag).where(tag.c.repository == key, tag.c.name == name))
            _drop_release(connection, key, name)
        case DropManifest(digest):
            rows = held_manifest.c
            connection.execute(delete(held_manifest).where(rows.repository == key, rows.digest == digest))
        case DropBlob(digest):
            blobs = held_blob.c
            connection.execute(delete(held_blob).where(blobs.repository == key, blobs.digest == digest))
        case DropRelease(name):
            _drop_release(connection, key, name)
        case EndUpload(session):
            connection.execute(delete(upload_session).where(upload_session.c.id == session))
        case DropRepository():
            for table in (tag, held_manifest, held_blob):
                connection.execute(delete(table).where(table.c.repository == key))
            connection.execute(delete(repository).where(repository.c.id == key))
        case _:
            _set_column(connection, key, edit)


def _set_column(connection: Connection, key: int, edit: Edit) -> None:
    match edit:
        case SetVisibility(visibility):
            _set(connection, key, visibility=visibility.value)
        case SetRules(rules):
            _set(connection, key, rules=[rule_json(rule) for rule in rules] or None)
        case SetRetention(retained):
            _set(connection, key, retention=[retention_json(rule) for rule in retained] or None)
        case SetTrust(trust):
            _set(connection, key, trust=None if trust is None else trust_json(trust))
        case RenameRepository(name):
            _set(connection, key, name=name)


def _set(connection: Connection, key: int, **columns: object) -> None:
    connection.execute(update(repository).where(repository.c.id == key).values(**columns))


def _hold_manifest(connection: Connection, key: int, manifest: HeldManifest, now: float) -> None:
    descriptor = manifest.descriptor
    row = {
        "repository": key,
        "digest": descriptor.digest,
        "media_type": descriptor.media_type,
        "size": descriptor.size,
        "subject": manifest.subject,
        "artifact_type": descriptor.artifact_type,
        "annotations": dict(descriptor.annotations) or None,
        "pushed": now,
    }
    connection.execute(put(connection, held_manifest, row), row)
    connection.execute(delete(child).where(child.c.repository == key, child.c.manifest == descriptor.digest))
    children = [
        {"repository": key, "manifest": descriptor.digest, "position": position, "digest": digest}
        for position, digest in enumerate(manifest.children)
    ]
    if children:
        connection.execute(insert(child), children)
    connection.execute(_PUSHED, {"key": key, "now": now})


def _point_tag(connection: Connection, key: int, name: str, digest: object, now: float) -> None:
    """What was asked of the tag before it moved was asked of something else; only when it was made stays."""
    connection.execute(_LOST, {"key": key, "tag": name, "now": now})
    row = {"repository": key, "name": name, "digest": digest, "pointed": now, "pulled": None, "pulls": 0}
    connection.execute(put(connection, tag, row), {**row, "created": now})
    connection.execute(_PUSHED, {"key": key, "now": now})


def _release_tag(connection: Connection, key: int, release: TagRelease) -> None:
    row = {
        "repository": key,
        "name": release.tag,
        "until": release.until,
        "reason": release.reason,
        "actor": release.actor,
        "at": release.at,
    }
    connection.execute(put(connection, tag_release), row)


def _drop_release(connection: Connection, key: int, name: str) -> None:
    released = tag_release.c
    connection.execute(delete(tag_release).where(released.repository == key, released.name == name))
