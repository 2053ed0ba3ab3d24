"""RepositoryRecords in memory, for tests of what stands above them; under tests/contract like the database's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import RLock

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.pull_counts import Pulled, Pulls
from lading.services.repository_records import (
    Decide,
    DropBlob,
    DropManifest,
    DropRelease,
    DropRepository,
    DropTag,
    Edit,
    HeldManifest,
    HoldBlob,
    HoldManifest,
    ManifestRow,
    NamedTag,
    PointTag,
    ReleaseTag,
    RenameRepository,
    RepositoryRow,
    RepositoryView,
    SetRetention,
    SetRules,
    SetVisibility,
    TagRow,
    UploadSession,
    Visibility,
)
from lading.services.repository_rules import Rule, TagRelease
from lading.services.retention_rules import RetentionRule


@dataclass(frozen=True)
class Life:
    """What is known of a held manifest beside what it is."""

    pushed: float
    pulled: float | None = None
    untagged: float | None = None
    pulls: int = 0


@dataclass(eq=False)
class Rows:
    """The rows of one repository; other ones once they change."""

    blobs: dict[Digest, int] = field(default_factory=dict)
    manifests: dict[Digest, HeldManifest] = field(default_factory=dict)
    lives: dict[Digest, Life] = field(default_factory=dict)
    named: dict[str, NamedTag] = field(default_factory=dict)
    releases: dict[str, TagRelease] = field(default_factory=dict)
    visibility: Visibility = Visibility.PRIVATE
    rules: tuple[Rule, ...] = ()
    retention: tuple[RetentionRule, ...] = ()
    created: float = 0.0
    pushed: float | None = None

    def copy(self) -> Rows:
        return replace(
            self,
            blobs=dict(self.blobs),
            manifests=dict(self.manifests),
            lives=dict(self.lives),
            named=dict(self.named),
            releases=dict(self.releases),
        )

    def with_release(self, tag: NamedTag) -> NamedTag:
        release = self.releases.get(tag.name)
        return replace(tag, release=release) if release else tag

    def needed(self, digest: Digest) -> set[Digest]:
        """The digest and everything below it."""
        found, waiting = {digest}, [digest]
        while waiting:
            manifest = self.manifests.get(waiting.pop())
            below = set(manifest.children if manifest else ()) - found
            found |= below
            waiting += below
        return found

    def size(self, digest: Digest) -> int:
        manifest = self.manifests.get(digest)
        return manifest.descriptor.size if manifest else self.blobs.get(digest, 0)

    def apply(self, edit: Edit, now: float) -> None:  # noqa: C901  one case for each kind of edit
        match edit:
            case HoldBlob(digest, size):
                self.blobs[digest] = size
            case HoldManifest(manifest):
                digest = manifest.descriptor.digest
                self.manifests[digest] = manifest
                self.lives[digest] = replace(self.lives.get(digest, Life(now)), pushed=now)
                self.pushed = now
            case PointTag(tag, digest):
                assert digest in self.manifests
                before = self.named.get(tag)
                self.lose(before, now)
                self.named[tag] = NamedTag(tag, digest, before.created if before else now, now)
                self.pushed = now
            case DropTag(tag):
                self.lose(self.named.pop(tag, None), now)
                self.releases.pop(tag, None)
            case DropManifest(digest):
                assert all(tag.digest != digest for tag in self.named.values())
                self.manifests.pop(digest, None)
                self.lives.pop(digest, None)
            case DropBlob(digest):
                self.blobs.pop(digest, None)
            case ReleaseTag(release):
                self.releases[release.tag] = release
            case DropRelease(tag):
                self.releases.pop(tag, None)
            case SetVisibility(visibility):
                self.visibility = visibility
            case SetRules(rules):
                self.rules = rules
            case SetRetention(retained):
                self.retention = retained
            case RenameRepository() | DropRepository():
                pass  # of the collection of all

    def lose(self, tag: NamedTag | None, now: float) -> None:
        """What it named it names no more."""
        if tag is not None:
            self.lives[tag.digest] = replace(self.lives[tag.digest], untagged=now)

    def count(self, pulled: Pulled, pulls: Pulls) -> None:
        """As the database does."""
        life = self.lives.get(pulled.digest)
        if life is not None:
            self.lives[pulled.digest] = replace(life, pulls=life.pulls + pulls.count, pulled=pulls.at)
        tag = self.named.get(pulled.tag or "")
        if tag is not None and tag.digest == pulled.digest:
            self.named[tag.name] = replace(tag, pulls=tag.pulls + pulls.count, pulled=pulls.at)


@dataclass
class Viewed:
    """The view of one repository's rows."""

    records: MemoryRecords
    name: str
    rows: Rows

    def blob(self, digest: Digest) -> int | None:
        return self.rows.blobs.get(digest)

    def manifest(self, digest: Digest) -> HeldManifest | None:
        return self.rows.manifests.get(digest)

    def pushed(self, digest: Digest) -> float | None:
        return self.rows.lives[digest].pushed if digest in self.rows.lives else None

    def held(self, digests: Collection[Digest]) -> Collection[Digest]:
        return {digest for digest in digests if digest in self.rows.blobs or digest in self.rows.manifests}

    def tag(self, tag: str) -> Digest | None:
        named = self.rows.named.get(tag)
        return named.digest if named else None

    def named(self, tag: str) -> NamedTag | None:
        found = self.rows.named.get(tag)
        return self.rows.with_release(found) if found else None

    def naming(self, digest: Digest) -> Sequence[NamedTag]:
        return [self.rows.with_release(tag) for _, tag in sorted(self.rows.named.items()) if tag.digest == digest]

    def all_tags(self) -> Sequence[NamedTag]:
        return [self.rows.with_release(tag) for _, tag in sorted(self.rows.named.items())]

    def parents_of(self, digest: Digest) -> Sequence[Digest]:
        return sorted(parent for parent, manifest in self.rows.manifests.items() if digest in manifest.children)

    def beginning(self, prefix: str) -> Sequence[Digest]:
        return sorted(digest for digest in self.rows.manifests if str(digest).startswith(prefix))

    def is_there(self) -> bool:
        return self.records.knows(self.name)

    def visibility(self) -> Visibility:
        return self.rows.visibility

    def own_rules(self) -> Sequence[Rule]:
        return self.rows.rules

    def wide_rules(self) -> Sequence[Rule]:
        return self.records.wide_rules()

    def own_retention(self) -> Sequence[RetentionRule]:
        return self.rows.retention

    def wide_retention(self) -> Sequence[RetentionRule]:
        return self.records.wide_retention()

    def manifest_rows(self) -> Sequence[ManifestRow]:
        manifests, lives = self.rows.manifests, self.rows.lives
        return [
            ManifestRow(
                digest,
                tuple(child for child in held.children if child in manifests),
                held.subject,
                lives[digest].pushed,
                lives[digest].pulled,
                lives[digest].untagged,
            )
            for digest, held in sorted(manifests.items())
        ]

    def is_taken(self, name: str) -> bool:
        return self.records.knows(name)


class MemoryRecords:
    """One lock is the transaction; edits go to a copy that replaces the rows when all are applied."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._repositories: dict[str, Rows] = {}
        self._uploads: dict[str, UploadSession] = {}
        self._wide: tuple[Rule, ...] = ()
        self._wide_retention: tuple[RetentionRule, ...] = ()

    def change(self, repository: str, decide: Decide, now: float) -> Sequence[Edit]:
        with self._lock:
            rows = self._rows(repository)
            edits = decide(Viewed(self, repository, rows))
            if edits:
                changed = rows.copy() if repository in self._repositories else Rows(created=now)
                for edit in edits:
                    changed.apply(edit, now)
                self._keep(repository, changed, edits[-1])
            return edits

    def _keep(self, repository: str, rows: Rows, last: Edit) -> None:
        self._repositories.pop(repository, None)
        match last:
            case DropRepository():
                pass
            case RenameRepository(name):
                assert name not in self._repositories
                self._repositories[name] = rows
            case _:
                self._repositories[repository] = rows

    def _rows(self, repository: str) -> Rows:
        return self._repositories.get(repository) or Rows()

    def state(self, repository: str) -> object:
        """The same one as long as nothing of the repository changes."""
        return self._repositories.get(repository)

    def view(self, repository: str) -> RepositoryView:
        return Viewed(self, repository, self._rows(repository))

    def knows(self, repository: str) -> bool:
        return repository in self._repositories

    def repositories(self, after: str, limit: int) -> Sequence[str]:
        with self._lock:
            return sorted(name for name in self._repositories if name > after)[:limit]

    def tags(self, repository: str, after: str, limit: int) -> Sequence[str]:
        return sorted(tag for tag in self._rows(repository).named if tag > after)[:limit]

    def wide_rules(self) -> Sequence[Rule]:
        return self._wide

    def set_wide_rules(self, rules: Sequence[Rule]) -> None:
        with self._lock:
            self._wide = tuple(rules)

    def wide_retention(self) -> Sequence[RetentionRule]:
        return self._wide_retention

    def set_wide_retention(self, rules: Sequence[RetentionRule]) -> None:
        with self._lock:
            self._wide_retention = tuple(rules)

    def count_pulls(self, pulls: Mapping[Pulled, Pulls]) -> None:
        with self._lock:
            for pulled, each in pulls.items():
                rows = self._repositories.get(pulled.repository)
                if rows is not None:
                    changed = self._repositories[pulled.repository] = rows.copy()
                    changed.count(pulled, each)

    def rows(self, repositories: Collection[str]) -> Sequence[RepositoryRow]:
        with self._lock:
            there = [name for name in sorted(set(repositories)) if name in self._repositories]
            return [self._row(name, self._repositories[name]) for name in there]

    def _row(self, name: str, rows: Rows) -> RepositoryRow:
        held = {**rows.blobs, **{digest: each.descriptor.size for digest, each in rows.manifests.items()}}
        asked = [life.pulled for life in rows.lives.values() if life.pulled is not None]
        times = (rows.created, rows.pushed, max(asked, default=None))
        pulls = sum(life.pulls for life in rows.lives.values())
        return RepositoryRow(name, rows.visibility, rows.rules, *times, pulls, len(rows.named), sum(held.values()))

    def tag_rows(self, repository: str, tags: Collection[str]) -> Sequence[TagRow]:
        with self._lock:
            rows, wanted = self._rows(repository), set(tags)
            return [self._tag_row(rows, tag) for tag in Viewed(self, repository, rows).all_tags() if tag.name in wanted]

    def _tag_row(self, rows: Rows, tag: NamedTag) -> TagRow:
        size = sum(map(rows.size, rows.needed(tag.digest)))
        life = rows.lives[tag.digest]
        return TagRow(tag, rows.manifests[tag.digest].descriptor.media_type, size, life.pulls, life.pulled)

    def referrers(
        self, repository: str, subject: Digest, artifact_type: str | None = None, after: str = ""
    ) -> Iterator[Descriptor]:
        rows = self._rows(repository)
        found = [manifest.descriptor for manifest in rows.manifests.values() if manifest.subject == subject]
        for each in sorted(found, key=lambda descriptor: descriptor.digest):
            if str(each.digest) > after and artifact_type in (None, each.artifact_type):
                yield each

    def holders(self, digest: Digest, limit: int) -> Sequence[str]:
        with self._lock:
            return sorted(name for name, rows in self._repositories.items() if digest in rows.blobs)[:limit]

    def reached(self) -> Iterable[Digest]:
        with self._lock:
            held = [manifest for rows in self._repositories.values() for manifest in rows.manifests.values()]
        return {digest for manifest in held for digest in (manifest.descriptor.digest, *manifest.children)}

    def release(self, digests: Collection[Digest]) -> Collection[Digest]:
        with self._lock:
            free = set(digests) - set(self.reached())
            for name, rows in self._repositories.items():
                kept = {digest: size for digest, size in rows.blobs.items() if digest not in free}
                if len(kept) < len(rows.blobs):
                    self._repositories[name] = replace(rows, blobs=kept)
            return free

    def begin_upload(self, session: UploadSession) -> None:
        with self._lock:
            self._uploads[session.id] = session

    def upload(self, session: str) -> UploadSession | None:
        return self._uploads.get(session)

    def end_upload(self, session: str) -> None:
        with self._lock:
            self._uploads.pop(session, None)

    def uploads(self, begun_before: float = float("inf")) -> Sequence[UploadSession]:
        with self._lock:
            found = [session for session in self._uploads.values() if session.begun < begun_before]
        return sorted(found, key=lambda session: session.begun)
