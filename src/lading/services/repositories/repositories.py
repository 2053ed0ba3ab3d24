"""The embedded registry's names: what each repository holds, what its tags name, who refers to what.

Bytes lie once in the content store; a repository answers only for what its own rows hold. Every change goes through
`change`, the one choke point. What is stored is what is returned: never converted, never renamed to another digest
algorithm, never hidden because of what a client says it accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from lading.engine.stores import untold
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest, DigestMismatch
from lading.oci.manifest import Index, Manifest, parse_manifest
from lading.services.changes import Changes
from lading.services.gate_parts import Parts, parts_of
from lading.services.repositories import decisions
from lading.services.repositories.attached_lists import document, listed_in
from lading.services.repositories.carrying import Carrying, Part, digests
from lading.services.repositories.content import RepositoryContent
from lading.services.repositories.edits import Edit
from lading.services.repositories.errors import BlobUnknown, ChildrenMissing, ManifestUnknown, RepositoryUnknown
from lading.services.repositories.lookups import RepositoryLookups, Unsteady
from lading.services.repositories.needs import Needs, needs_of
from lading.services.repositories.records import Decide, RepositoryRecords
from lading.services.repositories.rows import Carried, HeldManifest
from lading.wire.message import BytesContent, Cancel, Reader

BLOB_TYPE = "application/octet-stream"
"""A repository does not know what its blobs are: only their manifests say so."""

HOLDERS_TRIED = 100
"""Repositories looked at for a mount that names none: one of them may be read, as a rule."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a sorted list; `more` says whether something comes after the last of `names`."""

    names: Sequence[str]
    more: bool


class Repositories:
    """For any number of threads; two of these over the same records and content see each other's work."""

    def __init__(
        self,
        records: RepositoryRecords,
        content: RepositoryContent,
        changes: Changes | None = None,
        *,
        clock: Callable[[], float],
    ) -> None:
        """With `changes`, what was looked up is remembered until something is committed. `clock` tells seconds since
        1970."""
        self._records, self._content, self._clock = records, content, clock
        self._lookups = RepositoryLookups(records, content, changes or Unsteady())
        self._listed = listed_in(content.open)

    def change(self, repository: str, decide: Decide) -> Sequence[Edit]:
        """One transaction: the repository locked, `decide` asked, its edits applied. Raises what `decide` raises."""
        return self._records.change(repository, decide, self._clock())

    def check_known(self, repository: str) -> None:
        """Raises RepositoryUnknown where nothing was ever put there."""
        if not self._records.knows(repository):
            raise RepositoryUnknown(repository)

    # ── manifests and tags

    def manifest(self, repository: str, reference: str | Digest) -> Descriptor:
        """By tag or digest: its type, digest and size alone; leased. Raises RepositoryUnknown, ManifestUnknown."""
        held = self._lookups.manifest(repository, reference)
        if held is None:
            self.check_known(repository)
            raise ManifestUnknown(repository, reference)
        return held

    def put_manifest(
        self,
        repository: str,
        reference: str | Digest,
        raw: bytes,
        media_type: str | None,
        *,
        cancel: Cancel,
        tags: Collection[str] = (),
    ) -> HeldManifest:
        """Hold these bytes under the client's own digest, and point the tags at them: all or nothing.

        `reference` is a tag or the digest; `tags` are further ones. The repository is made where it is not there.
        Raises ManifestInvalid, SchemaOneRefused, DigestMismatch, ChildrenMissing, Protected.
        """
        algorithm = reference.algorithm if isinstance(reference, Digest) else Algorithm.SHA256
        held = describe(parse_manifest(raw, media_type), algorithm)
        digest = held.descriptor.digest
        if isinstance(reference, Digest) and reference != digest:
            raise DigestMismatch(reference, digest)
        named = dict.fromkeys([*([reference] if isinstance(reference, str) else []), *tags])
        self._content.push(held.descriptor, BytesContent(raw), untold, cancel)
        with self._content.holding((digest, *held.children)) as absent:
            missing = {digest, *held.needed.all}.intersection(absent)
            if missing:  # collected since it came, or moved aside because its bytes were damaged
                raise ChildrenMissing(repository, self._lacking(repository, held, missing))
            self.change(repository, decisions.put_manifest(repository, held, named, self._clock(), self._listed))
        return held

    def needs(self, descriptor: Descriptor) -> Needs | None:
        """What a held manifest's own bytes say that it needs; None where they cannot be read. Raises ReadFailed."""
        read = document(descriptor, self._content.open)
        return None if read is None else needs_of(read)

    def parts(self, root: Descriptor) -> Parts:
        """The platforms of a held image, as its bytes name them. Raises ReadFailed."""
        return parts_of(root, document(root, self._content.open))

    def carry(self, repository: str, tag: str, carried: Carried) -> Sequence[Edit]:
        """Hold an image of another repository with all that belongs to it, and point the tag at it at the end. Whoever
        pulls the tag gets all of it, or what the tag named before.

        Raises ChildrenMissing where rows or bytes have gone since it was looked at, Protected.
        """
        carrying = Carrying(repository, tag, carried, self._clock(), self._listed)
        carrying.check(self._records.view(repository))
        if missing := self._content.keep(carried.digests):
            raise ChildrenMissing(repository, list(missing))
        *before, last = carrying.parts()
        edits = [edit for part in before for edit in self._carry(repository, part, partial(carrying.hold, part))]
        return [*edits, *self._carry(repository, last, partial(carrying.finish, last))]

    def _carry(self, repository: str, part: Part, decide: Decide) -> Sequence[Edit]:
        with self._content.holding(digests(part)) as missing:
            if missing:
                raise ChildrenMissing(repository, list(missing))
            return self.change(repository, decide)

    def delete_tag(self, repository: str, tag: str) -> None:
        """Raises RepositoryUnknown, ManifestUnknown, Protected."""
        self.check_known(repository)
        self.change(repository, decisions.delete_tag(repository, tag, self._clock()))

    def delete_manifest(self, repository: str, digest: Digest) -> None:
        """Raises RepositoryUnknown, ManifestUnknown, Protected, StillNeeded."""
        self.check_known(repository)
        self.change(repository, decisions.delete_manifest(repository, digest, self._clock()))

    # ── blobs

    def blob(self, repository: str, digest: Digest) -> Descriptor:
        """Its size, for who asks whether it is there; leased. Raises RepositoryUnknown, BlobUnknown."""
        size = self._lookups.blob(repository, digest)
        if size is None:
            self.check_known(repository)
            raise BlobUnknown(repository, digest)
        return Descriptor(BLOB_TYPE, digest, size)

    def mount(self, repository: str, digest: Digest, origin: str | None, readable: Callable[[str], bool]) -> bool:
        """Hold a blob that `origin` holds, or with None any repository that is `readable`; False where none does."""
        origins = [origin] if origin is not None else self._records.holders(digest, HOLDERS_TRIED)
        for name in filter(readable, origins):
            size = self._records.view(name).blob(digest)
            if size is not None and not self._content.keep((digest,)):
                with suppress(BlobUnknown):
                    self.hold_blob(repository, digest, size)
                    return True
        return False

    def hold_blob(self, repository: str, digest: Digest, size: int, session: str | None = None) -> None:
        """The bytes are on disk and leased; from now on the repository answers for them, and the upload session that
        brought them is over.

        Raises BlobUnknown where they have gone since: their lease has ended meanwhile.
        """
        with self._content.holding((digest,)) as missing:
            if missing:
                raise BlobUnknown(repository, digest)
            self.change(repository, decisions.hold_blob(digest, size, session))

    def delete_blob(self, repository: str, digest: Digest) -> None:
        """Raises RepositoryUnknown, BlobUnknown, StillNeeded."""
        self.check_known(repository)
        self.change(repository, decisions.delete_blob(repository, digest))

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """The bytes of what `manifest` or `blob` gave. Raises ContentUnknown."""
        return self._content.open(descriptor, offset, length)

    def small(self, descriptor: Descriptor) -> bytes | None:
        """All bytes of what `manifest` or `blob` gave, where they are few enough to be kept in memory.

        Raises ContentUnknown, ReadFailed.
        """
        return self._lookups.small(descriptor)

    # ── lists

    def tags(self, repository: str, after: str, limit: int) -> Page:
        """Raises RepositoryUnknown."""
        self.check_known(repository)
        return _page(self._records.tags(repository, after, limit + 1), limit)

    def repositories(self, after: str, limit: int) -> Page:
        """All names, in order."""
        return _page(self._records.repositories(after, limit + 1), limit)

    def referrers(
        self, repository: str, subject: Digest, artifact_type: str | None = None, after: str = ""
    ) -> Iterator[Descriptor]:
        """What names this subject, of that artifact type where one is given, in order of digest from after `after`.

        Nothing for what is not known. Who stops early has the others never read.
        """
        return self._records.referrers(repository, subject, artifact_type, after)

    def _lacking(self, repository: str, held: HeldManifest, missing: Collection[Digest]) -> Sequence[Digest]:
        """Those whose bytes are missing, and those that the repository does not hold."""
        unknown = {*decisions.lacking(self._records.view(repository), held.needed), *missing}
        return [digest for digest in (*held.children, held.descriptor.digest) if digest in unknown]


def describe(manifest: Manifest | Index, algorithm: Algorithm) -> HeldManifest:
    """The row of a manifest, and what it needs."""
    descriptor, needs = manifest.descriptor(algorithm), needs_of(manifest)
    children = tuple(dict.fromkeys(child.digest for child in manifest.children))
    if manifest.subject is None:
        return HeldManifest(replace(descriptor, artifact_type=None), children, needs=needs)
    shown = replace(descriptor, annotations=dict(manifest.annotations))
    return HeldManifest(shown, children, manifest.subject.digest, needs)


def _page(names: Sequence[str], limit: int) -> Page:
    return Page(names[:limit], len(names) > limit)
