"""One repository, read: every question is one statement, inside a change or by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, ScalarSelect, Select, bindparam, select, type_coerce

from lading.backends.database.columns import CodePointText, DigestText
from lading.backends.database.each_of import all_of, any_of, each_of, listed
from lading.backends.database.service_tables import setting
from lading.backends.database.tables import child, held_blob, held_manifest, repository, tag, tag_release
from lading.backends.database.trust_tables import trust_key
from lading.oci.descriptor import NO_ANNOTATIONS, Descriptor
from lading.oci.digest import Digest
from lading.services.repositories import retention_rules
from lading.services.repositories import rules as repository_rules
from lading.services.repositories.retention_rules import RetentionRule
from lading.services.repositories.rows import HeldManifest, ManifestRow, NamedTag, Visibility
from lading.services.repositories.rules import Rule, TagRelease
from lading.services.repositories.trust import RepositoryTrust, read_trust

T = TypeVar("T")

WIDE_RULES = "repository_rules"
"""The setting that holds the rules of the whole registry."""

WIDE_RETENTION = "repository_retention"
"""The setting that holds the whole registry's rules of retention."""

BATCH = 500
"""Values in one statement: SQLite takes 999 parameters at least (sqlite.org/limits.html)."""


def own() -> ScalarSelect[int]:
    """The id of the repository whose name is the parameter `name`."""
    return select(repository.c.id).where(repository.c.name == bindparam("name")).scalar_subquery()


_BLOB = select(held_blob.c.size).where(held_blob.c.repository == own(), held_blob.c.digest == bindparam("digest"))
_MANIFEST = select(held_manifest).where(
    held_manifest.c.repository == own(), held_manifest.c.digest == bindparam("digest")
)
_DESCRIPTOR = _MANIFEST.with_only_columns(held_manifest.c.media_type, held_manifest.c.digest, held_manifest.c.size)
_TAGGED_DESCRIPTOR = (
    select(held_manifest.c.media_type, held_manifest.c.digest, held_manifest.c.size)
    .join(tag, (tag.c.repository == held_manifest.c.repository) & (tag.c.digest == held_manifest.c.digest))
    .where(tag.c.repository == own(), tag.c.name == bindparam("tag"))
)
_MANIFEST_PUSHED = _MANIFEST.with_only_columns(held_manifest.c.pushed)
_CHILDREN = (
    select(child.c.digest)
    .where(child.c.repository == own(), child.c.manifest == bindparam("digest"))
    .order_by(child.c.position)
)
_EACH = each_of("digests")
_DIGEST = type_coerce(_EACH.c.value, DigestText)
_HELD_BLOBS, _HELD_MANIFESTS, _TAGGED = (
    select(_DIGEST).where(
        any_of(select(rows.c.digest).where(rows.c.repository == own(), rows.c.digest == _EACH.c.value))
    )
    for rows in (held_blob, held_manifest, tag)
)
_TAG = select(tag.c.digest).where(tag.c.repository == own(), tag.c.name == bindparam("tag"))
_LAST = "\x7f"
"""Sorts after whatever a digest's text may hold."""

TAGS = (
    select(tag, tag_release.c.until, tag_release.c.reason, tag_release.c.actor, tag_release.c.at)
    .join(
        tag_release,
        (tag_release.c.repository == tag.c.repository) & (tag_release.c.name == tag.c.name),
        isouter=True,
    )
    .where(tag.c.repository == own())
    .order_by(tag.c.name)
)
"""The tags of the repository `name`, with their releases."""

_NAMED = TAGS.where(tag.c.name == bindparam("tag"))
# Asked to sort, SQLite goes through all of a repository in that order, though an index has the few rows that fit: what
# is asked of one digest is sorted here.
_NAMING = TAGS.order_by(None).where(tag.c.digest == bindparam("digest"))
_PARENTS_OF_EACH = select(
    all_of(
        child.c.manifest, select(child.c.manifest).where(child.c.repository == own(), child.c.digest == _EACH.c.value)
    )
).select_from(_EACH)
_SUBJECT_OF_EACH = select(
    select(held_manifest.c.subject)
    .where(held_manifest.c.repository == own(), held_manifest.c.digest == _EACH.c.value)
    .scalar_subquery()
).select_from(_EACH)
_TEXT = type_coerce(held_manifest.c.digest, CodePointText)
_BEGINNING = (
    select(held_manifest.c.digest)
    .where(held_manifest.c.repository == own(), bindparam("prefix") <= _TEXT, bindparam("beyond") > _TEXT)
    .order_by(held_manifest.c.digest)
)
_OWN = select(repository.c.visibility, repository.c.rules, repository.c.retention, repository.c.trust).where(
    repository.c.name == bindparam("name")
)
_KEYS = select(trust_key.c.name, trust_key.c.key_id)
_WIDE = select(setting.c.value).where(setting.c.key == WIDE_RULES)
_WIDE_RETENTION = select(setting.c.value).where(setting.c.key == WIDE_RETENTION)
_MANIFESTS = (
    select(
        held_manifest.c.digest,
        held_manifest.c.subject,
        held_manifest.c.pushed,
        held_manifest.c.pulled,
        held_manifest.c.untagged,
    )
    .where(held_manifest.c.repository == own())
    .order_by(held_manifest.c.digest)
)
_MANIFESTS_BELOW = (
    select(child.c.manifest, child.c.digest)
    .join(
        held_manifest,
        (held_manifest.c.repository == child.c.repository) & (held_manifest.c.digest == child.c.digest),
    )
    .where(child.c.repository == own())
    .order_by(child.c.manifest, child.c.position)
)
_PARENTS = select(child.c.manifest).where(child.c.repository == own(), child.c.digest == bindparam("digest"))


class RepositoryRows:
    """Fulfils services.repositories.records.RepositoryView; `reading` lends the connection to ask. `made`: its row is
    this transaction's own."""

    def __init__(
        self, reading: Callable[[], AbstractContextManager[Connection]], name: str, *, made: bool = False
    ) -> None:
        self._reading, self._name, self._made = reading, name, made

    def blob(self, digest: Digest) -> int | None:
        with self._reading() as connection:
            size: int | None = connection.scalar(_BLOB, self._of(digest))
        return size

    def manifest(self, digest: Digest) -> HeldManifest | None:
        with self._reading() as connection:
            row = connection.execute(_MANIFEST, self._of(digest)).one_or_none()
            children = connection.scalars(_CHILDREN, self._of(digest)).all() if row else ()
        return None if row is None else HeldManifest(descriptor_of(row), tuple(children), row.subject)

    def descriptor(self, reference: str | Digest) -> Descriptor | None:
        with self._reading() as connection:
            if isinstance(reference, Digest):
                row = connection.execute(_DESCRIPTOR, self._of(reference)).one_or_none()
            else:
                row = connection.execute(_TAGGED_DESCRIPTOR, {"name": self._name, "tag": reference}).one_or_none()
        return None if row is None else Descriptor(row.media_type, row.digest, row.size)

    def pushed(self, digest: Digest) -> float | None:
        with self._reading() as connection:
            pushed: float | None = connection.scalar(_MANIFEST_PUSHED, self._of(digest))
        return pushed

    def held_blobs(self, digests: Collection[Digest]) -> Collection[Digest]:
        return set(self._among(_HELD_BLOBS, digests))

    def held_manifests(self, digests: Collection[Digest]) -> Collection[Digest]:
        return set(self._among(_HELD_MANIFESTS, digests))

    def _among(self, asked: Select[T], digests: Collection[Digest]) -> Sequence[T]:
        if not digests:
            return ()
        with self._reading() as connection:
            return connection.scalars(asked, {"name": self._name, "digests": listed(digests)}).all()

    def tag(self, tag: str) -> Digest | None:
        with self._reading() as connection:
            digest: Digest | None = connection.scalar(_TAG, {"name": self._name, "tag": tag})
        return digest

    def named(self, tag: str) -> NamedTag | None:
        with self._reading() as connection:
            row = connection.execute(_NAMED, {"name": self._name, "tag": tag}).one_or_none()
        return None if row is None else tag_of(row)

    def naming(self, digest: Digest) -> Sequence[NamedTag]:
        with self._reading() as connection:
            tags = [tag_of(row) for row in connection.execute(_NAMING, self._of(digest))]
        return sorted(tags, key=lambda named: named.name)

    def naming_any(self, digests: Collection[Digest]) -> Sequence[NamedTag]:
        tags = [named for digest in self._among(_TAGGED, set(digests)) for named in self.naming(digest)]
        return sorted(tags, key=lambda named: named.name)

    def above(self, digests: Collection[Digest]) -> Collection[Digest]:
        parents = [Digest.parse(each) for found in self._among(_PARENTS_OF_EACH, digests) for each in found or ()]
        subjects = [each for each in self._among(_SUBJECT_OF_EACH, digests) if each is not None]
        return {*parents, *subjects}

    def all_tags(self) -> Sequence[NamedTag]:
        with self._reading() as connection:
            return [tag_of(row) for row in connection.execute(TAGS, {"name": self._name})]

    def parents_of(self, digest: Digest) -> Sequence[Digest]:
        with self._reading() as connection:
            return sorted(set(connection.scalars(_PARENTS, self._of(digest))))

    def beginning(self, prefix: str) -> Sequence[Digest]:
        with self._reading() as connection:
            return connection.scalars(
                _BEGINNING, {"name": self._name, "prefix": prefix, "beyond": f"{prefix}{_LAST}"}
            ).all()

    def is_there(self) -> bool:
        return not self._made and self.is_taken(self._name)

    def visibility(self) -> Visibility:
        with self._reading() as connection:
            row = connection.execute(_OWN, {"name": self._name}).one_or_none()
        return Visibility.PRIVATE if row is None else Visibility(row.visibility)

    def own_rules(self) -> Sequence[Rule]:
        with self._reading() as connection:
            row = connection.execute(_OWN, {"name": self._name}).one_or_none()
        return () if row is None else repository_rules.own_rules(row.rules)

    def wide_rules(self) -> Sequence[Rule]:
        with self._reading() as connection:
            return read_wide_rules(connection)

    def own_retention(self) -> Sequence[RetentionRule]:
        with self._reading() as connection:
            row = connection.execute(_OWN, {"name": self._name}).one_or_none()
        return () if row is None else retention_rules.own_retention(row.retention)

    def wide_retention(self) -> Sequence[RetentionRule]:
        with self._reading() as connection:
            return read_wide_retention(connection)

    def own_trust(self) -> RepositoryTrust | None:
        with self._reading() as connection:
            row = connection.execute(_OWN, {"name": self._name}).one_or_none()
        return None if row is None else read_trust(row.trust)

    def accepted_keys(self) -> Mapping[str, str]:
        with self._reading() as connection:
            return {row.name: row.key_id for row in connection.execute(_KEYS)}

    def manifest_rows(self) -> Sequence[ManifestRow]:
        with self._reading() as connection:
            rows = connection.execute(_MANIFESTS, {"name": self._name}).all()
            below: dict[Digest, list[Digest]] = {}
            for parent, digest in connection.execute(_MANIFESTS_BELOW, {"name": self._name}):
                below.setdefault(parent, []).append(digest)
        return [
            ManifestRow(row.digest, tuple(below.get(row.digest, ())), row.subject, row.pushed, row.pulled, row.untagged)
            for row in rows
        ]

    def is_taken(self, name: str) -> bool:
        with self._reading() as connection:
            return connection.scalar(select(own()), {"name": name}) is not None

    def _of(self, digest: Digest) -> dict[str, object]:
        return {"name": self._name, "digest": digest}


def descriptor_of(row: Row[Any]) -> Descriptor:
    """What a row of held_manifest says of its manifest."""
    return Descriptor(
        row.media_type,
        row.digest,
        row.size,
        artifact_type=row.artifact_type,
        annotations=row.annotations or NO_ANNOTATIONS,
    )


def tag_of(row: Row[Any]) -> NamedTag:
    """A row of `tag` beside that of `tag_release`, if it has one."""
    release = None if row.at is None else TagRelease(row.name, row.reason, row.actor, row.at, row.until)
    return NamedTag(row.name, row.digest, row.created, row.pointed, row.pulled, row.pulls, release)


def read_wide_rules(connection: Connection) -> Sequence[Rule]:
    """As this transaction sees them."""
    return repository_rules.wide_rules(connection.scalar(_WIDE))


def read_wide_retention(connection: Connection) -> Sequence[RetentionRule]:
    """As this transaction sees them."""
    return retention_rules.wide_retention(connection.scalar(_WIDE_RETENTION))


def batches(values: Collection[T]) -> Iterator[Sequence[T]]:
    """These in groups that fit one statement."""
    whole = list(values)
    return (whole[start : start + BATCH] for start in range(0, len(whole), BATCH))
