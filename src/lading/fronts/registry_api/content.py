"""Manifests and blobs by tag or digest: pulled, pushed, deleted.

distribution-spec end-2, end-3, end-7, end-9, end-10.
"""

from __future__ import annotations

from lading.fronts.http.exchange import Answer, Body, IncomingRequest
from lading.fronts.registry_api.gate import Entry
from lading.fronts.registry_api.queries import Query
from lading.fronts.registry_api.replies import Fields, ManifestTooLong, answer, streamed
from lading.oci.digest import Digest
from lading.oci.manifest import MANIFEST_LIMIT
from lading.oci.media_types import essence
from lading.services.repositories import Repositories
from lading.wire.byte_ranges import part_of
from lading.wire.registry_urls import BlobAt, ManifestAt

_PIECE = 64 * 1024
"""Memory follows what has come, not what was announced: many may announce much and send nothing."""


class ContentDoor:
    """What is asked of one manifest or blob."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def get_manifest(self, request: IncomingRequest, at: ManifestAt, entry: Entry) -> Answer:
        """What was stored, whatever Accept says."""
        descriptor = self._repositories.manifest(at.path, at.reference).descriptor
        fields = (("Content-Type", descriptor.media_type), *_named(descriptor.digest))
        if request.method == "HEAD":
            return Answer(200, streamed(descriptor.size, fields))
        entry.pulled(at.path, at.reference, descriptor.digest)
        return Answer(200, streamed(descriptor.size, fields), stream=self._repositories.open(descriptor))

    def put_manifest(self, request: IncomingRequest, at: ManifestAt, entry: Entry) -> Answer:
        """By tag or digest; `tag=` in the query names further tags, each told in an OCI-Tag field."""
        tags = Query(request.query).tags()
        given = request.headers.get("content-type")
        raw = _read_whole(request.body, MANIFEST_LIMIT)
        held = self._repositories.put_manifest(
            at.path, at.reference, raw, essence(given) if given else None, cancel=request.cancel, tags=tags
        )
        digest = held.descriptor.digest
        entry.pushed(at.path, (at.reference, *tags), digest)
        subject = (("OCI-Subject", str(held.subject)),) if held.subject else ()
        location = (("Location", str(ManifestAt(at.path, digest))), *_named(digest))
        return answer(201, (*location, *subject, *(("OCI-Tag", tag) for tag in tags)))

    def delete_manifest(self, at: ManifestAt, entry: Entry) -> Answer:
        """A tag alone, or a manifest with all its tags."""
        if isinstance(at.reference, Digest):
            self._repositories.delete_manifest(at.path, at.reference)
        else:
            self._repositories.delete_tag(at.path, at.reference)
        entry.removed(at.path, at.reference)
        return answer(202)

    def get_blob(self, request: IncomingRequest, at: BlobAt) -> Answer:
        """All of it or one range."""
        descriptor = self._repositories.blob(at.path, at.digest)
        fields = (("Content-Type", descriptor.media_type), ("Accept-Ranges", "bytes"), *_named(at.digest))
        if request.method == "HEAD":
            return Answer(200, streamed(descriptor.size, fields))
        part = part_of(descriptor.size, request.headers.get("range"))
        if part is None:
            return Answer(200, streamed(descriptor.size, fields), stream=self._repositories.open(descriptor))
        offset, length = part
        where = ("Content-Range", f"bytes {offset}-{offset + length - 1}/{descriptor.size}")
        stream = self._repositories.open(descriptor, offset, length)
        return Answer(206, streamed(length, (*fields, where)), stream=stream)

    def delete_blob(self, at: BlobAt, entry: Entry) -> Answer:
        """From this repository; others that hold it keep it."""
        self._repositories.delete_blob(at.path, at.digest)
        entry.removed(at.path, at.digest)
        return answer(202)


def _named(digest: Digest) -> Fields:
    return (("Docker-Content-Digest", str(digest)),)


def _read_whole(body: Body, limit: int) -> bytes:
    """Raises ManifestTooLong, before reading where the length is said."""
    if body.length is not None and body.length > limit:
        raise ManifestTooLong(limit)
    received, piece = bytearray(), memoryview(bytearray(_PIECE))
    while count := body.readinto(piece):
        received += piece[:count]
        if len(received) > limit:
            raise ManifestTooLong(limit)
    return bytes(received)
