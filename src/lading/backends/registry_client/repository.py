"""One repository of a registry as the engine sees it: Source, Store, Mounter and Referrers.

Nothing is decided here: each ability holds one conversation of `lading.wire` and says its end in the engine's words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from lading.backends.registry_client.paging import entries
from lading.backends.registry_client.pushing import Push
from lading.backends.registry_client.referring import list_referrer, must_be_listed
from lading.backends.registry_client.session import Session
from lading.engine.reach import read_all
from lading.engine.stores import (
    Condition,
    ContentUnknown,
    Outcome,
    TagMoved,
    TagUnknown,
    TagUnproven,
    Track,
    permits,
)
from lading.errors import Cancelled, LadingError, NotFound, Refused, Side, TimedOut
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import parse_manifest
from lading.oci.media_types import is_document
from lading.oci.reference import Repository
from lading.wire import listing
from lading.wire.authorize import Scope, delete, pull, push
from lading.wire.download import Part, Span, download
from lading.wire.endpoint import Uploads
from lading.wire.manifests import Shelf, fetch, find, is_content, put, remove
from lading.wire.message import BytesReader, Cancel, Content, Conversation, Reader
from lading.wire.presence import presence
from lading.wire.progress import State
from lading.wire.registry_errors import ContentRefused, ThingUnknown, Unsupported
from lading.wire.registry_urls import BlobAt, url
from lading.wire.sending import Goods
from lading.wire.upload import Hopes, Landed, upload

T = TypeVar("T")

EXPECTED_LIMIT = 12
"""Repositories to mount from that one token is asked for: services refuse or cut off very long lists."""


class UntagUnsupported(Refused):
    """The registry removes manifests only by digest, with all their tags."""

    side = Side.TARGET
    code = "denied"
    hint = "Remove the tag at the registry's own page, or push something else under it."

    def __init__(self, tag: str, where: str) -> None:
        super().__init__(tag, where)
        self.tag, self.where = tag, where

    def __str__(self) -> str:
        return f"{self.where} cannot remove the tag {self.tag} alone"


class RepositoryAbsent(NotFound):
    """The registry has no repository of this name, or shows it to nobody who asks as we do."""

    why = "Some registries answer so as well to whoever may not see a repository."

    def __init__(self, repository: Repository, refusal: ThingUnknown) -> None:
        super().__init__(repository, refusal)
        self.repository = repository
        self.raw = refusal.raw or str(refusal)
        self.hint = "Check the name: the registry's catalog lists what it has, where it tells."
        self.command = f"Check the name: lading ls {repository.registry} lists what the registry has, where it tells"

    def __str__(self) -> str:
        return f"{self.repository.registry} has no repository {self.repository.path}"


class RegistryRepository:
    """Used by many threads at once. `cancel` stops what has no Cancel of its own: reading and looking."""

    verified = False
    verifies = False

    def __init__(
        self, repository: Repository, session: Session, uploads: Uploads, cancel: Cancel, *, writes: bool
    ) -> None:
        self._repository, self._session, self._uploads, self._cancel = repository, session, uploads, cancel
        self._writes = writes
        self._expected: tuple[Scope, ...] = ()

    @property
    def name(self) -> str:
        """Registry and path."""
        return str(self._repository)

    @property
    def repository(self) -> Repository:
        """Where pushes go."""
        return self._repository

    # ── Source

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """See Source. A manifest is read whole, a blob as it comes. Raises ContentUnknown."""
        end = descriptor.size if length is None else min(descriptor.size, offset + length)
        if is_document(descriptor.media_type):
            return BytesReader(memoryview(self._manifest(descriptor.digest))[offset:end])
        from lading.backends.registry_client.blob_reader import BlobReader  # noqa: PLC0415  a push reads no blobs

        span = Span(descriptor.digest, descriptor.size, min(offset, end), end)
        try:
            return BlobReader(self._session, self._part, span, self._cancel)
        except ThingUnknown as error:
            raise ContentUnknown(descriptor.digest, self.name) from error

    def _part(self, span: Span) -> Part:
        blob = BlobAt(self._repository.path, span.digest)
        return self._read(lambda origin: download(url(origin, blob), span))

    def _manifest(self, digest: Digest) -> bytes:
        fetched = self._read(lambda origin: fetch(self._shelf(origin), digest))
        if fetched is None:
            raise ContentUnknown(digest, self.name)
        return fetched.raw

    # ── Target

    def has(self, descriptor: Descriptor) -> bool:
        """See Target; one HEAD."""
        if is_document(descriptor.media_type):
            return self._read(lambda origin: find(self._shelf(origin), descriptor.digest)) is not None
        path, digest, size = self._repository.path, descriptor.digest, descriptor.size
        return bool(self._read(lambda origin: presence(origin, path, digest, size)))

    def push(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> Outcome:
        """See Target: a manifest is put by its digest, a blob takes the whole journey of `wire.upload`."""
        return self.mount(descriptor, content, (), track, cancel)

    # ── Mounter

    def expect(self, origins: Collection[Repository]) -> None:
        """See Mounter."""
        paths = sorted(origin.path for origin in self._siblings(origins))
        self._expected = tuple(pull(path) for path in paths[:EXPECTED_LIMIT])
        self._writes = True

    def mount(
        self,
        descriptor: Descriptor,
        content: Content,
        origins: Sequence[Repository],
        track: Track,
        cancel: Cancel,
    ) -> Outcome:
        """See Mounter."""
        self._writes = True
        if is_document(descriptor.media_type):
            self._put(descriptor, read_all(content.open(), descriptor.size), descriptor.digest, cancel)
            return Outcome.SENT
        return self._push_blob(descriptor, content, origins, track, cancel)

    def _push_blob(
        self, descriptor: Descriptor, content: Content, origins: Sequence[Repository], track: Track, cancel: Cancel
    ) -> Outcome:
        track(State.CHECKING)
        host, repository, digest = self._session.host, self._repository, descriptor.digest
        watch = Push(repository, digest, content.size, host=host, uploads=self._uploads, track=track)
        siblings = tuple(origin.path for origin in self._siblings(origins) if self._session.takes(pull(origin.path)))
        hopes = Hopes(siblings, repository in origins, watch.session)

        def journey(origin: str) -> Conversation[Landed]:
            return upload(Goods(origin, repository.path, digest, content), host.profile, watch, hopes)

        leave = host.room_to_send(cancel)
        try:
            landed = self._session.run(journey, self._scopes(), cancel, watch)
        finally:
            leave()
        if landed.origin is not None:
            track(State.MOUNTED, descriptor.size, detail=str(Repository(repository.registry, landed.origin)))
        return Outcome(landed.how.value)

    def _siblings(self, origins: Collection[Repository]) -> list[Repository]:
        """Those in the same registry, besides this one."""
        here = self._repository
        return [origin for origin in origins if origin.registry == here.registry and origin != here]

    # ── Tags

    def resolve(self, name: str | Digest) -> Descriptor:
        """See Tags."""
        found = self._find(name, self._cancel)
        if found is None:
            raise ContentUnknown(name, self.name) if isinstance(name, Digest) else TagUnknown(name, self.name)
        return found

    def tag(
        self, descriptor: Descriptor, content: Content, tags: Sequence[str], condition: Condition, cancel: Cancel
    ) -> Mapping[str, LadingError | None]:
        """See Tags: for each tag a PUT, and a HEAD that proves it; with a condition a HEAD before.

        One after the other: docker-registry 2.8 writes the manifest's own link anew for every tag, and answers 500 to
        whoever reads it in that moment.
        """
        self._writes = True
        raw = read_all(content.open(), descriptor.size)

        def point(tag: str) -> LadingError | None:
            try:
                self._point(tag, descriptor, raw, condition, cancel)
            except (Cancelled, TimedOut):
                raise
            except LadingError as error:
                return error
            return None

        return {tag: point(tag) for tag in tags}

    def _point(self, tag: str, descriptor: Descriptor, raw: bytes, condition: Condition, cancel: Cancel) -> None:
        if condition != "any":
            held = self._find(tag, cancel)
            if held is not None and is_content(raw, held.digest):
                return
            holds = held.digest if held else None
            if not permits(condition, holds, descriptor.digest):
                raise TagMoved(tag, self.name, holds)
        self._put(descriptor, raw, tag, cancel)
        proof = self._find(tag, cancel)
        if proof is None or not is_content(raw, proof.digest):
            raise TagUnproven(tag, self.name, descriptor.digest, proof.digest if proof else None)

    def _find(self, name: str | Digest, cancel: Cancel) -> Descriptor | None:
        return self._session.run(lambda origin: find(self._shelf(origin), name), self._scopes(), cancel)

    def untag(self, tag: str) -> None:
        """See Tags. Raises UntagUnsupported where the registry knows deletes by digest only."""
        try:
            there = self._remove(tag)
        except (Unsupported, ContentRefused) as error:
            raise UntagUnsupported(tag, self.name) from error
        if not there:
            raise TagUnknown(tag, self.name)

    def tags(self, after: str = "") -> Iterator[str]:
        """See Tags. Raises RepositoryAbsent."""
        try:
            yield from entries(lambda page: self._read(lambda origin: listing.tags(self._shelf(origin), after, page)))
        except ThingUnknown as error:
            raise RepositoryAbsent(self._repository, error) from error

    # ── Referrers

    def referrers(self, subject: Digest, artifact_type: str | None = None) -> Iterator[Descriptor]:
        """See Referrers; only those of `artifact_type` where one is given."""
        listed = entries(lambda page: self._read(lambda origin: listing.referrers(self._shelf(origin), subject, page)))
        return (referrer for referrer in listed if artifact_type in {None, referrer.artifact_type})

    # ── deleting

    def delete(self, digest: Digest) -> None:
        """Remove a manifest and every tag of it. Raises ContentUnknown, Unsupported, AccessDenied."""
        if not self._remove(digest):
            raise ContentUnknown(digest, self.name)

    def _remove(self, name: str | Digest) -> bool:
        scope = delete(self._repository.path, self._session.host.quirk.delete_action)
        return self._session.run(lambda origin: remove(self._shelf(origin), name), (scope,), self._cancel)

    # ── conversations

    def _put(self, descriptor: Descriptor, raw: bytes, reference: str | Digest, cancel: Cancel) -> None:
        """A manifest under a name; its subject's list is kept where the registry does not keep it."""
        scopes = self._scopes()
        answer = self._session.run(lambda origin: put(self._shelf(origin), descriptor, raw, reference), scopes, cancel)
        manifest = parse_manifest(raw, descriptor.media_type)
        if must_be_listed(manifest, answer):
            with self._session.host.updating:
                self._session.run(lambda origin: list_referrer(self._shelf(origin), manifest), scopes, cancel)

    def _read(self, make: Callable[[str], Conversation[T]]) -> T:
        return self._session.run(make, self._scopes(), self._cancel)

    def _shelf(self, origin: str) -> Shelf:
        return Shelf(origin, self._repository.path)

    def _scopes(self) -> tuple[Scope, ...]:
        """What one token is asked for: this repository first, which is what remains where the others are refused."""
        path = self._repository.path
        return (push(path), *self._expected) if self._writes else (pull(path),)
