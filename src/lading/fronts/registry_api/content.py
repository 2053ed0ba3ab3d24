"""Manifests and blobs by tag or digest: pulled, pushed, deleted.

distribution-spec end-2, end-3, end-7, end-9, end-10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.registry_api.bodies import read_whole
from lading.fronts.registry_api.gate import Entry
from lading.fronts.registry_api.queries import Query
from lading.fronts.registry_api.replies import Fields, ManifestTooLong, answer, streamed
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import MANIFEST_LIMIT
from lading.oci.media_types import essence
from lading.services.repositories.repositories import Repositories
from lading.services.trust.gates import TrustGate
from lading.wire.byte_ranges import part_of
from lading.wire.registry_urls import BlobAt, ManifestAt

TAGS_TOLD = 10
"""In one field of an answer."""

SENT_ON = 1024 * 1024
"""Bytes from which on a blob is worth a second request, and perhaps a second connection."""

SENT_ON_SECONDS = 5 * 60.0
"""How long after it was sent on a client may begin to fetch; what has begun may take its time."""

Count = Callable[[str, str | Digest, Digest], None]
"""Told of each manifest that was given away: the repository, what it was asked by, its digest. Returns at once."""


class Elsewhere(Protocol):
    """Where our content lies, if that is a place that others may be sent to: an object store."""

    def signed_url(self, digest: Digest, seconds: float) -> str:
        """Whoever has this address may GET the content there, for so long: no log may have it. Raises StorageFailed."""


class ContentDoor:
    """What is asked of one manifest or blob."""

    def __init__(
        self, repositories: Repositories, count: Count, trust: TrustGate | None, elsewhere: Elsewhere | None = None
    ) -> None:
        """Without `trust` no signature is asked for; with `elsewhere` clients fetch larger blobs from there."""
        self._repositories, self._count, self._trust, self._elsewhere = repositories, count, trust, elsewhere

    def get_manifest(self, request: IncomingRequest, at: ManifestAt, entry: Entry) -> Answer:
        """What was stored, whatever Accept says.

        Rules about signatures hold for a HEAD as well: a client that has the bytes already, from another repository or
        an earlier day, asks for no more before it calls them by this name.
        """
        descriptor = self._repositories.manifest(at.path, at.reference)
        fields = (("Content-Type", descriptor.media_type), *_named(descriptor.digest))
        self._check_trust(at, entry, descriptor)
        if request.method == "HEAD":
            return Answer(200, streamed(descriptor.size, fields))
        whole = self._whole(descriptor, fields)
        try:
            self._count(at.path, at.reference, descriptor.digest)
            entry.pulled(at.path, at.reference, descriptor.digest)
        except BaseException:
            whole.close()
            raise
        return whole

    def _check_trust(self, at: ManifestAt, entry: Entry, descriptor: Descriptor) -> None:
        """Raises SignatureWanted."""
        trust = self._trust
        if trust is not None and trust.asks(at.path) and not entry.signs(at.path):
            trust.check(entry.visitor.actor, at.path, at.reference, descriptor)

    def put_manifest(self, request: IncomingRequest, at: ManifestAt, entry: Entry) -> Answer:
        """By tag or digest; `tag=` in the query names further tags, told in OCI-Tag fields."""
        tags = Query(request.query).tags()
        given = request.headers.get("content-type")
        raw = read_whole(request.body, MANIFEST_LIMIT, ManifestTooLong)
        with entry.attempt("push", at.path, at.reference):
            held = self._repositories.put_manifest(
                at.path, at.reference, raw, essence(given) if given else None, cancel=request.cancel, tags=tags
            )
        digest = held.descriptor.digest
        entry.pushed(at.path, (at.reference, *tags), digest)
        subject = (("OCI-Subject", str(held.subject)),) if held.subject else ()
        location = (("Location", str(ManifestAt(at.path, digest))), *_named(digest))
        return answer(201, (*location, *subject, *_told(tags)))

    def delete_manifest(self, at: ManifestAt, entry: Entry) -> Answer:
        """A tag alone, or a manifest with all its tags."""
        with entry.attempt("remove", at.path, at.reference):
            if isinstance(at.reference, Digest):
                self._repositories.delete_manifest(at.path, at.reference)
            else:
                self._repositories.delete_tag(at.path, at.reference)
        entry.removed(at.path, at.reference)
        return answer(202)

    def get_blob(self, request: IncomingRequest, at: BlobAt) -> Answer:
        """All of it or one range; or where it is to be had.

        Who is sent there asks for the same range again. A HEAD is answered here: an address is signed for GET alone.
        """
        descriptor = self._repositories.blob(at.path, at.digest)
        fields = (("Content-Type", descriptor.media_type), ("Accept-Ranges", "bytes"), *_named(at.digest))
        if request.method == "HEAD":
            return Answer(200, streamed(descriptor.size, fields))
        if self._elsewhere is not None and descriptor.size >= SENT_ON:
            return _sent_on(self._elsewhere.signed_url(at.digest, SENT_ON_SECONDS), at.digest)
        part = part_of(descriptor.size, request.headers.get("range"))
        if part is None:
            return self._whole(descriptor, fields)
        offset, length = part
        where = ("Content-Range", f"bytes {offset}-{offset + length - 1}/{descriptor.size}")
        stream = self._repositories.open(descriptor, offset, length)
        return Answer(206, streamed(length, (*fields, where)), stream=stream)

    def delete_blob(self, at: BlobAt, entry: Entry) -> Answer:
        """From this repository; others that hold it keep it."""
        self._repositories.delete_blob(at.path, at.digest)
        entry.removed(at.path, at.digest)
        return answer(202)

    def _whole(self, descriptor: Descriptor, fields: Fields) -> Answer:
        """Out of memory where it is small: opening and reading a file would take longer than all the rest."""
        content = self._repositories.small(descriptor)
        if content is not None:
            return Answer(200, streamed(descriptor.size, fields), (content,))
        return Answer(200, streamed(descriptor.size, fields), stream=self._repositories.open(descriptor))


def _sent_on(address: str, digest: Digest) -> Answer:
    """307, as Docker's registry has it: every client goes there, and leaves its login behind."""
    return answer(307, (("Location", address), ("Cache-Control", "no-store"), *_named(digest)))


def _told(tags: Sequence[str]) -> Fields:
    """Several in a field: clients read so many fields (Python's own 100), and none that is very long."""
    return [("OCI-Tag", ", ".join(tags[first : first + TAGS_TOLD])) for first in range(0, len(tags), TAGS_TOLD)]


def _named(digest: Digest) -> Fields:
    return (("Docker-Content-Digest", str(digest)),)
