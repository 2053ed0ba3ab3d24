"""What the embedded registry remembers: RepositoryRecords, the protocol that the database fulfils, and its values.

    repository(name)                        with who may read it, and its own rules
    tag(repository, name → digest)          names a manifest that the repository holds
    tag_release(repository, name)           an administrator let go of a protected tag, which need not be there
    holds(repository, digest)               a blob, or a manifest with its media type; a digest may be both at once
    child(repository, manifest, digest)     what a held manifest names: config and layers, or manifests
    referrer(repository, subject, digest)   a held manifest that names a subject, which need not be there itself
    upload_session(id, repository, begun)   its offset is the size of its file, never a row's

Rules for the whole registry are a setting, written here alone, as no change may be decided beside their writing.

Rows only: bytes are on disk before the row that names them. A row is removed before its bytes are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repository_rules import Rule, TagRelease
from lading.services.retention_rules import RetentionRule


class Visibility(StrEnum):
    """Who may read a repository: those whose roles say so, or everybody, logged in or not."""

    PRIVATE = "private"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class HeldManifest:
    """A manifest or index that a repository holds.

    `descriptor` has its media type, digest and size; where it names a subject also the artifact type and annotations
    that a list of referrers shows (distribution-spec, Listing Referrers). `children` are the digests its bytes name
    and need: config and layers, or an index's manifests; foreign layers are left out.
    """

    descriptor: Descriptor
    children: tuple[Digest, ...] = ()
    subject: Digest | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """An image with all that belongs to it, on its way into another repository: `manifests` with the `root`, `blobs`
    with their sizes in bytes, and `lists` of what is attached, by their tags."""

    root: HeldManifest
    manifests: tuple[HeldManifest, ...]
    blobs: tuple[tuple[Digest, int], ...]
    lists: tuple[tuple[str, HeldManifest], ...]

    @property
    def digests(self) -> Sequence[Digest]:
        """Whose bytes have to be here."""
        return [*(manifest.descriptor.digest for manifest in self.manifests), *(digest for digest, _ in self.blobs)]


@dataclass(frozen=True, slots=True)
class HoldBlob:
    """The repository holds this blob of `size` bytes from now on; harmless where it does already."""

    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class HoldManifest:
    """The repository holds this manifest from now on, in place of a row of the same digest."""

    manifest: HeldManifest


@dataclass(frozen=True, slots=True)
class PointTag:
    """The tag names this manifest from now on; the repository holds it."""

    tag: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class DropTag:
    """The tag names nothing any more."""

    tag: str


@dataclass(frozen=True, slots=True)
class DropManifest:
    """The repository no longer holds this manifest; its child and referrer rows go too. No tag names it by now."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class DropBlob:
    """The repository no longer holds this blob."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class ReleaseTag:
    """An administrator lets go of this tag, in place of what was said of it before."""

    release: TagRelease


@dataclass(frozen=True, slots=True)
class DropRelease:
    """A tag's release was used, or taken back."""

    tag: str


@dataclass(frozen=True, slots=True)
class SetVisibility:
    """Who may read the repository from now on."""

    visibility: Visibility


@dataclass(frozen=True, slots=True)
class SetRules:
    """The repository's own rules from now on, all of them."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class SetRetention:
    """The repository's own rules of retention from now on, all of them."""

    rules: tuple[RetentionRule, ...]


@dataclass(frozen=True, slots=True)
class RenameRepository:
    """All that the repository is and holds has this name from now on, which no other has."""

    name: str


@dataclass(frozen=True, slots=True)
class DropRepository:
    """The repository and all its rows go; the last edit."""


Edit = (
    HoldBlob
    | HoldManifest
    | PointTag
    | DropTag
    | DropManifest
    | DropBlob
    | ReleaseTag
    | DropRelease
    | SetVisibility
    | SetRules
    | SetRetention
    | RenameRepository
    | DropRepository
)
"""One row's change; applied in the order given."""


@dataclass(frozen=True, slots=True)
class NamedTag:
    """A tag as its row has it: what it names, when it was `created` and last `pointed` elsewhere, and who asked for it
    since. Times are seconds since 1970."""

    name: str
    digest: Digest
    created: float = 0.0
    pointed: float = 0.0
    pulled: float | None = None
    pulls: int = 0
    release: TagRelease | None = None


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """A held manifest, for who decides how long it stays. `children` are the held manifests below it, in order;
    `untagged` is when a tag last stopped naming it, None where none did. Times are seconds since 1970."""

    digest: Digest
    children: tuple[Digest, ...] = ()
    subject: Digest | None = None
    pushed: float = 0.0
    pulled: float | None = None
    untagged: float | None = None


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """A repository for lists: `tags` counts, `size` is of all it holds, in bytes, shared with others or not."""

    name: str
    visibility: Visibility
    rules: tuple[Rule, ...]
    created: float
    pushed: float | None
    pulled: float | None
    pulls: int
    tags: int
    size: int


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag for lists, with its manifest's media type; `size` is of what that needs, each content once, in bytes.
    `pulls` are of the manifest, by whatever name."""

    tag: NamedTag
    media_type: str
    size: int
    pulls: int = 0
    pulled: float | None = None


class RepositoryView(Protocol):
    """One repository as one transaction sees it. All questions answer nothing for a repository that is not there."""

    def blob(self, digest: Digest) -> int | None:
        """The size in bytes of a blob it holds."""

    def manifest(self, digest: Digest) -> HeldManifest | None:
        """A manifest it holds."""

    def pushed(self, digest: Digest) -> float | None:
        """When a manifest that it holds was last pushed, in seconds since 1970."""

    def held(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Which of these it holds, as blob or as manifest."""

    def tag(self, tag: str) -> Digest | None:
        """What the tag names."""

    def named(self, tag: str) -> NamedTag | None:
        """The tag's whole row, with its release."""

    def naming(self, digest: Digest) -> Sequence[NamedTag]:
        """The tags that name this manifest, in order."""

    def all_tags(self) -> Sequence[NamedTag]:
        """Every tag, in order."""

    def parents_of(self, digest: Digest) -> Sequence[Digest]:
        """The held manifests and indexes that have this among their children, in order."""

    def beginning(self, prefix: str) -> Sequence[Digest]:
        """The held manifests whose digest's text begins so, in order."""

    def is_there(self) -> bool:
        """Whether the repository was there before this."""

    def visibility(self) -> Visibility:
        """Who may read it; PRIVATE where it is not there."""

    def own_rules(self) -> Sequence[Rule]:
        """Its own; kept for it alone, whatever it is called."""

    def wide_rules(self) -> Sequence[Rule]:
        """Those of the whole registry, whether they concern it or not."""

    def own_retention(self) -> Sequence[RetentionRule]:
        """Its own rules of retention."""

    def wide_retention(self) -> Sequence[RetentionRule]:
        """Those of the whole registry, whether they concern it or not."""

    def manifest_rows(self) -> Sequence[ManifestRow]:
        """Every manifest it holds, in order of digest."""

    def is_taken(self, name: str) -> bool:
        """Whether a repository has this name."""


Decide = Callable[[RepositoryView], Sequence[Edit]]
"""Reads the view, raises Refused or NotFound, or says what becomes of the rows. Pure: it may be called again."""


@dataclass(frozen=True, slots=True)
class UploadSession:
    """An upload begun at a repository at `begun`, in seconds since 1970, and not ended."""

    id: str
    repository: str
    begun: float


class RepositoryRecords(Protocol):
    """The rows of the embedded registry; safe for many threads and processes. Raises StorageFailed."""

    def change(self, repository: str, decide: Decide, now: float) -> Sequence[Edit]:
        """The choke point: one transaction that locks the repository, lets `decide` read, and applies its edits.

        What is made or moved, is so at `now`, in seconds since 1970. Makes the repository with its first edit. Calls
        `decide` again with a fresh view where the database asks for it. What `decide` raises passes, with nothing
        changed. Returns the edits applied.
        """

    def view(self, repository: str) -> RepositoryView:
        """For reading alone, each question for itself; works from any thread."""

    def knows(self, repository: str) -> bool:
        """Whether something was ever put there."""

    def repositories(self, after: str, limit: int) -> Sequence[str]:
        """At most `limit` names that sort after `after`, by code point ("" is before all)."""

    def tags(self, repository: str, after: str, limit: int) -> Sequence[str]:
        """At most `limit` of its tags that sort after `after`, by code point: Z before a."""

    def wide_rules(self) -> Sequence[Rule]:
        """The rules of the whole registry."""

    def set_wide_rules(self, rules: Sequence[Rule]) -> None:
        """In place of those there were: no change of any repository is under way meanwhile."""

    def wide_retention(self) -> Sequence[RetentionRule]:
        """The rules of retention of the whole registry."""

    def set_wide_retention(self, rules: Sequence[RetentionRule]) -> None:
        """In place of those there were: no change of any repository is under way meanwhile."""

    def rows(self, repositories: Collection[str]) -> Sequence[RepositoryRow]:
        """Those of them that are there, in order of name."""

    def tag_rows(self, repository: str, tags: Collection[str]) -> Sequence[TagRow]:
        """Those of them that are there, in order."""

    def referrers(
        self, repository: str, subject: Digest, artifact_type: str | None = None, after: str = ""
    ) -> Iterator[Descriptor]:
        """The held manifests that name this subject, of that artifact type where one is given, whose digest sorts
        after `after`, in order of digest. A few are read at a time: who stops early has the others never read.
        """

    def holders(self, digest: Digest, limit: int) -> Sequence[str]:
        """At most `limit` repositories that hold this blob, in order of name."""

    def reached(self) -> Iterable[Digest]:
        """Every manifest held by any repository, and every child of one: what garbage collection must keep."""

    def release(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Drop the blob rows of these in all repositories, except of those that a held manifest has as a child.

        In one transaction. Returns those of `digests` that no row names any more: their bytes may go.
        """

    def begin_upload(self, session: UploadSession) -> None:
        """Remember it."""

    def upload(self, session: str) -> UploadSession | None:
        """One that was begun and has not ended."""

    def end_upload(self, session: str) -> None:
        """Forget it; harmless twice."""

    def uploads(self, begun_before: float = float("inf")) -> Sequence[UploadSession]:
        """Those begun before then, the oldest first."""
