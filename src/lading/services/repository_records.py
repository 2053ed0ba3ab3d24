"""What the embedded registry remembers: RepositoryRecords, the protocol that the database fulfils, and its values.

    repository(name)
    tag(repository, name → digest)          names a manifest that the repository holds
    holds(repository, digest)               a blob, or a manifest with its media type; a digest may be both at once
    child(repository, manifest, digest)     what a held manifest names: config and layers, or manifests
    referrer(repository, subject, digest)   a held manifest that names a subject, which need not be there itself
    upload_session(id, repository, begun)   its offset is the size of its file, never a row's

Rows only: bytes are on disk before the row that names them. A row is removed before its bytes are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest


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


Edit = HoldBlob | HoldManifest | PointTag | DropTag | DropManifest | DropBlob
"""One row's change; applied in the order given."""


class RepositoryView(Protocol):
    """One repository as one transaction sees it. All questions answer nothing for a repository that is not there."""

    def blob(self, digest: Digest) -> int | None:
        """The size in bytes of a blob it holds."""

    def manifest(self, digest: Digest) -> HeldManifest | None:
        """A manifest it holds."""

    def held(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Which of these it holds, as blob or as manifest."""

    def tag(self, tag: str) -> Digest | None:
        """What the tag names."""

    def tags_of(self, digest: Digest) -> Sequence[str]:
        """The tags that name this manifest, in order."""

    def parents_of(self, digest: Digest) -> Sequence[Digest]:
        """The held manifests and indexes that have this among their children, in order."""


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

    def change(self, repository: str, decide: Decide) -> Sequence[Edit]:
        """The choke point: one transaction that locks the repository, lets `decide` read, and applies its edits.

        Makes the repository with its first edit. Calls `decide` again with a fresh view where the database asks for
        it. What `decide` raises passes, with nothing changed. Returns the edits applied.
        """

    def view(self, repository: str) -> RepositoryView:
        """For reading alone, each question for itself; works from any thread."""

    def knows(self, repository: str) -> bool:
        """Whether something was ever put there."""

    def repositories(self, after: str, limit: int) -> Sequence[str]:
        """At most `limit` names that sort after `after`, by code point ("" is before all)."""

    def tags(self, repository: str, after: str, limit: int) -> Sequence[str]:
        """At most `limit` of its tags that sort after `after`, by code point: Z before a."""

    def referrers(self, repository: str, subject: Digest) -> Sequence[Descriptor]:
        """The held manifests that name this subject, in order of digest."""

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
