"""The rows of one repository in memory, what edits make of them, and the view of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lading.oci.descriptor import NO_ANNOTATIONS, Descriptor
from lading.oci.digest import Digest
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
from lading.services.repositories.pull_counts import Pulled, Pulls
from lading.services.repositories.records import RepositoryRecords, RepositoryView
from lading.services.repositories.retention_rules import RetentionRule
from lading.services.repositories.rows import HeldManifest, ManifestRow, NamedTag, Visibility
from lading.services.repositories.rules import Rule, TagRelease
from lading.services.repositories.trust import RepositoryTrust


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
    trust: RepositoryTrust | None = None
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
                self.manifests[digest] = replace(manifest, needs=None)
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
            case SetTrust(trust):
                self.trust = trust
            case RenameRepository() | DropRepository() | EndUpload():
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

    records: RepositoryRecords
    name: str
    rows: Rows
    keys: Mapping[str, str] = field(default_factory=dict)

    def blob(self, digest: Digest) -> int | None:
        return self.rows.blobs.get(digest)

    def manifest(self, digest: Digest) -> HeldManifest | None:
        return self.rows.manifests.get(digest)

    def descriptor(self, reference: str | Digest) -> Descriptor | None:
        if not isinstance(reference, Digest):
            named = self.rows.named.get(reference)
            return self.descriptor(named.digest) if named else None
        held = self.rows.manifests.get(reference)
        return replace(held.descriptor, artifact_type=None, annotations=NO_ANNOTATIONS) if held else None

    def pushed(self, digest: Digest) -> float | None:
        return self.rows.lives[digest].pushed if digest in self.rows.lives else None

    def held_blobs(self, digests: Collection[Digest]) -> Collection[Digest]:
        return self.rows.blobs.keys() & set(digests)

    def held_manifests(self, digests: Collection[Digest]) -> Collection[Digest]:
        return self.rows.manifests.keys() & set(digests)

    def tag(self, tag: str) -> Digest | None:
        named = self.rows.named.get(tag)
        return named.digest if named else None

    def named(self, tag: str) -> NamedTag | None:
        found = self.rows.named.get(tag)
        return self.rows.with_release(found) if found else None

    def naming(self, digest: Digest) -> Sequence[NamedTag]:
        return [self.rows.with_release(tag) for _, tag in sorted(self.rows.named.items()) if tag.digest == digest]

    def naming_any(self, digests: Collection[Digest]) -> Sequence[NamedTag]:
        return [tag for tag in self.all_tags() if tag.digest in digests]

    def above(self, digests: Collection[Digest]) -> Collection[Digest]:
        manifests, asked = self.rows.manifests, set(digests)
        subjects = {subject for digest in asked & manifests.keys() if (subject := manifests[digest].subject)}
        return subjects | {parent for parent, held in manifests.items() if not asked.isdisjoint(held.children)}

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

    def own_trust(self) -> RepositoryTrust | None:
        return self.rows.trust

    def accepted_keys(self) -> Mapping[str, str]:
        return self.keys

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


def held_in(view: RepositoryView, digests: Collection[Digest]) -> set[Digest]:
    """Which of these the repository holds, as whatever."""
    return {*view.held_blobs(digests), *view.held_manifests(digests)}
