"""Our own store: content in one place, names of images in another, and everything a copy asks of both.

A name here is a whole reference, `str(Reference)`. Content is truth where it lies; names are rows; the OCI index that
other programs read is derived from the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Protocol

from lading.engine.reach import reach, read_all, read_manifest
from lading.engine.records import Holder, Image, ImageNames, Leases, Promises, WorkPromises
from lading.engine.stores import Condition, ContentUnknown, Outcome, TagMoved, TagUnknown, TagUnproven, Track, untold
from lading.errors import LadingError, StorageFailed
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import MANIFEST_LIMIT, ManifestInvalid, SchemaOneRefused, parse_manifest
from lading.oci.media_types import is_document
from lading.wire.message import Cancel, Content, Reader


class HeldContent(Protocol):
    """What the embedded store asks of the place where content lies; a content folder fulfils it."""

    @property
    def leases(self) -> Leases:
        """Of all that lies there."""

    def under(self, promises: Promises) -> HeldContent:
        """The same content, where what is kept, found or pushed is leased by `promises`."""

    def size(self, digest: Digest) -> int | None:
        """In bytes; None where it is not held. Leases nothing."""

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """As Source.open."""

    def keep(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Leases those that are held, so that no collection removes them; answers those that are not held."""

    def has(self, descriptor: Descriptor) -> bool:
        """As Target.has."""

    def push_ranged(
        self, descriptor: Descriptor, content: Content, spare: Callable[[], bool], track: Track, cancel: Cancel
    ) -> Outcome:
        """As Ranged.push_ranged; what it pushes is hashed first."""

    def refer(self, subject: Digest, referrer: Digest) -> None:
        """Remembers, durably, that the second's subject is the first; either may come later."""

    def referrers(self, subject: Digest) -> Collection[Digest]:
        """What was remembered of this subject and is held."""


class Listing(Protocol):
    """A list of the images for other programs, made anew from the names some time after they changed."""

    def changed(self) -> None:
        """Returns at once."""


class EmbeddedStore:
    """Source (verified), Store (verifies), Ranged and Referrers over content and names.

    What it finds or takes is leased for whoever was told so, for a day. Work that brings or moves images does it inside
    `work` or `keeping`, whose leases end with it: then names alone keep the content, and go with it.
    """

    verified = True
    verifies = True

    def __init__(self, content: HeldContent, names: ImageNames, listing: Listing, name: str = "the store") -> None:
        self.name = name
        self._content, self._names, self._listing = content, names, listing
        self._promises: WorkPromises | None = None

    # ── Work

    @contextmanager
    def work(self) -> Iterator[EmbeddedStore]:
        """This store for one piece of work, which brings one image after the other.

        Each `tag` ends all leases taken before it, as names keep what they kept: so no second image may be on its way
        meanwhile. What has been leased since the last one is left for the next try when this ends.
        """
        promises = self._content.leases.work()
        try:
            yield self._under(promises)
        finally:
            _end(promises, Holder.LEFT)

    @contextmanager
    def keeping(self, roots: Iterable[Digest]) -> Iterator[None]:
        """Inside, all that these reach stays, as far as it is here, whoever takes its names.

        Where nothing can be written any more, it may be read all the same, for as long as it has a name.
        """
        promises = self._content.leases.work()
        try:
            with suppress(StorageFailed):
                self._content.under(promises).keep(reach(self._content, roots, self._content.referrers))
            yield
        finally:
            _end(promises, Holder.ENDED)

    def _under(self, promises: WorkPromises) -> EmbeddedStore:
        store = EmbeddedStore(self._content.under(promises), self._names, self._listing, self.name)
        store._promises = promises
        return store

    # ── Source

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """Raises ContentUnknown."""
        return self._content.open(descriptor, offset, length)

    def present(self, digest: Digest) -> bool:
        """Whether the content is here, whole. Unlike `has` it leases nothing, so looking keeps nothing alive."""
        return self._content.size(digest) is not None

    # ── Target

    def has(self, descriptor: Descriptor) -> bool:
        """Whether pushing it would move nothing; then it is leased."""
        return self._content.has(descriptor)

    def push(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> Outcome:
        """Raises ContentCorrupt leaves, StorageFailed leaves, Cancelled, and what the content's reader raises."""
        return self.push_ranged(descriptor, content, _never, track, cancel)

    def push_ranged(
        self, descriptor: Descriptor, content: Content, spare: Callable[[], bool], track: Track, cancel: Cancel
    ) -> Outcome:
        """`push` over several connections where that helps."""
        if is_document(descriptor.media_type):
            self._remember_subject(descriptor, content)
        return self._content.push_ranged(descriptor, content, spare, track, cancel)

    def _remember_subject(self, descriptor: Descriptor, content: Content) -> None:
        """Before the manifest is held, so that one that is held is always found by its subject."""
        if descriptor.size > MANIFEST_LIMIT:
            return
        try:
            manifest = parse_manifest(read_all(content.open(), descriptor.size), descriptor.media_type)
        except (ManifestInvalid, SchemaOneRefused):
            return  # its bytes may be wrong, which the push says; what nobody can parse refers to nothing
        if manifest.subject is not None:
            self._content.refer(manifest.subject.digest, descriptor.digest)

    # ── Tags

    def resolve(self, name: str | Digest) -> Descriptor:
        """A reference's or digest's manifest. Raises TagUnknown, ContentUnknown."""
        if isinstance(name, str):
            image = self._names.find(name)
            if image is None:
                raise TagUnknown(name, self.name)
            return image.root
        manifest = read_manifest(self._content, name)
        if manifest is None:
            raise ContentUnknown(name, self.name)
        return manifest.descriptor(name.algorithm)

    def tag(
        self, descriptor: Descriptor, content: Content, tags: Sequence[str], condition: Condition, cancel: Cancel
    ) -> Mapping[str, LadingError | None]:
        """Holds the manifest, leases all it reaches, then points every reference at it in one transaction."""
        self.push(descriptor, content, untold, cancel)
        self._content.keep(reach(self._content, (descriptor.digest,), self._content.referrers))
        root = Descriptor(
            descriptor.media_type, descriptor.digest, descriptor.size, artifact_type=descriptor.artifact_type
        )
        outcomes = self._point(tags, root, condition)
        if self._promises is not None and not all(isinstance(each, TagMoved) for each in outcomes.values()):
            _end(self._promises, Holder.ENDED)
        self._listing.changed()
        return outcomes

    def _point(self, tags: Sequence[str], root: Descriptor, condition: Condition) -> Mapping[str, LadingError | None]:
        before = {tag: self._names.find(tag) for tag in tags}
        try:
            self._names.point(tags, root, condition)
        except TagMoved as error:
            if len(tags) == 1:
                return {tags[0]: error}
            return {tag: self._point((tag,), root, condition)[tag] for tag in tags}
        return {tag: self._proof(tag, root.digest, before[tag]) for tag in tags}

    def _proof(self, tag: str, expected: Digest, before: Image | None) -> LadingError | None:
        """Read back. What somebody else has put there since is no failure: of two at once the later one wins. What was
        there `before` is."""
        image = self._names.find(tag)
        found = image.root.digest if image else None
        if found is None and tag == str(expected):  # an image without a name has got one, or had one already
            found = next((each.root.digest for each in self._names.all() if each.root.digest == expected), None)
        moved_on = image is not None and image != before
        return None if found == expected or moved_on else TagUnproven(tag, self.name, expected, found)

    def untag(self, tag: str) -> None:
        """Takes the name; the content stays until it is collected. Raises TagUnknown."""
        if not self._names.forget(tag):
            raise TagUnknown(tag, self.name)
        self._listing.changed()

    def untag_as(self, images: Collection[Image]) -> Collection[Image]:
        """Takes all these names together, each only while it names this root still; answers those that went."""
        gone = self._names.forget_as(images)
        if gone:
            self._listing.changed()
        return gone

    def tags(self, after: str = "") -> Iterator[str]:
        """All references, in order."""
        for image in self._names.all():
            if image.reference > after:
                yield image.reference

    # ── Referrers

    def referrers(self, subject: Digest) -> Iterable[Descriptor]:
        """Signatures, SBOMs and the like that are held here, in order of digest."""
        for digest in sorted(self._content.referrers(subject)):
            manifest = read_manifest(self._content, digest)
            if manifest is not None and manifest.subject is not None and manifest.subject.digest == subject:
                yield replace(manifest.descriptor(digest.algorithm), annotations=manifest.annotations)


def _end(promises: WorkPromises, holder: Holder) -> None:
    """The work has done what it could: a lease that cannot be ended now is over after a day."""
    with suppress(StorageFailed):
        promises.end(holder)


def _never() -> bool:
    return False
