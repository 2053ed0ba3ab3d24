"""Who keeps what the embedded registry remembers: RepositoryRecords, the protocol that the database fulfils.

Values are in rows, what may become of them in edits. Rules for the whole registry are a setting,
written here alone, as no change may be decided beside their writing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repositories.edits import Edit
from lading.services.repositories.retention_rules import RetentionRule
from lading.services.repositories.rows import (
    HeldManifest,
    ManifestRow,
    NamedTag,
    Names,
    RepositoryRow,
    TagRow,
    UploadSession,
    Visibility,
)
from lading.services.repositories.rules import Rule
from lading.services.repositories.trust import RepositoryTrust


class RepositoryView(Protocol):
    """One repository as one transaction sees it. All questions answer nothing for a repository that is not there."""

    def blob(self, digest: Digest) -> int | None:
        """The size in bytes of a blob it holds."""

    def manifest(self, digest: Digest) -> HeldManifest | None:
        """A manifest it holds."""

    def descriptor(self, reference: str | Digest) -> Descriptor | None:
        """The media type, digest and size of a manifest it holds, by tag or digest: one question, as a tag may move
        between two."""

    def pushed(self, digest: Digest) -> float | None:
        """When a manifest that it holds was last pushed, in seconds since 1970."""

    def held_blobs(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Which of these it holds as blobs."""

    def held_manifests(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Which of these it holds as manifests."""

    def tag(self, tag: str) -> Digest | None:
        """What the tag names."""

    def named(self, tag: str) -> NamedTag | None:
        """The tag's whole row, with its release."""

    def naming(self, digest: Digest) -> Sequence[NamedTag]:
        """The tags that name this manifest, in order."""

    def naming_any(self, digests: Collection[Digest]) -> Sequence[NamedTag]:
        """The tags that name any of these manifests, in order."""

    def above(self, digests: Collection[Digest]) -> Collection[Digest]:
        """The held manifests and indexes that have any of these among their children, and the subjects that any of
        these names."""

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

    def own_trust(self) -> RepositoryTrust | None:
        """Whose signatures its images need; None: nobody's."""

    def accepted_keys(self) -> Mapping[str, str]:
        """The ids of all keys that a trust rule may name, by their names."""

    def manifest_rows(self) -> Sequence[ManifestRow]:
        """Every manifest it holds, in order of digest."""

    def is_taken(self, name: str) -> bool:
        """Whether a repository has this name."""


Decide = Callable[[RepositoryView], Sequence[Edit]]
"""Reads the view, raises Refused or NotFound, or says what becomes of the rows. Pure: it may be called again."""


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

    def public(self, repositories: Collection[str]) -> Collection[str]:
        """Which of these everybody may read."""

    def tags(self, repository: str, after: str, limit: int) -> Sequence[str]:
        """At most `limit` of its tags that sort after `after`, by code point: Z before a."""

    def names(self, text: str, offset: int, limit: int, patterns: Collection[str] | None = None) -> Names:
        """A page of the names of repositories that hold the text, in capitals or not, by code point: of those that
        match one of the patterns, in which `*` stands for any run of characters; None: of all."""

    def tag_names(self, repository: str, text: str, offset: int, limit: int) -> Names:
        """A page of its tags that hold the text, in capitals or not, by code point."""

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
