"""A repository of our own registry as a copy's store, for content that our own engine holds already.

Engine and registry share one content store, so what a copy brings here is rows, and no bytes move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lading.engine.reach import read_all
from lading.engine.stores import Condition, Outcome, TagUnknown, Track
from lading.errors import LadingError, NotFound
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import is_document
from lading.services.repositories.repositories import Repositories
from lading.wire.message import Cancel, Content, Reader

TAGS_AT_ONCE = 1000


class OwnRepository:
    """Fulfils services.content.stores.FullStore. For any number of threads."""

    verified = True
    verifies = True

    def __init__(self, repositories: Repositories, path: str) -> None:
        self._repositories, self._path = repositories, path
        self.name = path

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """Of what this repository holds. Raises ContentUnknown."""
        return self._repositories.open(descriptor, offset, length)

    def has(self, descriptor: Descriptor) -> bool:
        look = self._repositories.manifest if is_document(descriptor.media_type) else self._repositories.blob
        try:
            look(self._path, descriptor.digest)
        except NotFound:
            return False
        return True

    def push(
        self,
        descriptor: Descriptor,
        content: Content,
        track: Track,  # noqa: ARG002  nothing moves
        cancel: Cancel,
    ) -> Outcome:
        """Raises ChildrenMissing, and BlobUnknown where the content has gone from our engine since."""
        if self.has(descriptor):
            return Outcome.EXISTS
        if is_document(descriptor.media_type):
            self._put(descriptor, content, (), cancel)
        else:
            self._repositories.hold_blob(self._path, descriptor.digest, descriptor.size)
        return Outcome.MOUNTED

    def resolve(self, name: str | Digest) -> Descriptor:
        """Raises TagUnknown."""
        try:
            return self._repositories.manifest(self._path, name)
        except NotFound as error:
            raise TagUnknown(str(name), self._path) from error

    def tag(
        self,
        descriptor: Descriptor,
        content: Content,
        tags: Sequence[str],
        condition: Condition,  # noqa: ARG002  the names here are nobody else's
        cancel: Cancel,
    ) -> Mapping[str, LadingError | None]:
        self._put(descriptor, content, tags, cancel)
        return dict.fromkeys(tags)

    def untag(self, tag: str) -> None:
        self._repositories.delete_tag(self._path, tag)

    def referrers(self, subject: Digest) -> Iterator[Descriptor]:
        return self._repositories.referrers(self._path, subject)

    def tags(self, after: str = "") -> Iterator[str]:
        more = True
        while more:
            page = self._repositories.tags(self._path, after, TAGS_AT_ONCE)
            yield from page.names
            after, more = (page.names[-1] if page.names else after), page.more

    def _put(self, descriptor: Descriptor, content: Content, tags: Sequence[str], cancel: Cancel) -> None:
        raw = read_all(content.open(), descriptor.size)
        self._repositories.put_manifest(
            self._path, descriptor.digest, raw, descriptor.media_type, cancel=cancel, tags=tags
        )
