"""Blobs being pushed: begun, mounted, sent in one piece, in chunks or as a stream, asked about, cancelled.

distribution-spec end-4a, end-4b, end-4c, end-5, end-6, end-11, end-13, end-14. All of a session's state is on our side
and its id in the path, because some clients drop the query of a Location.
"""

from __future__ import annotations

import contextlib

from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.registry_api.gate import Entry
from lading.fronts.registry_api.queries import Query
from lading.fronts.registry_api.replies import Fields, answer, error_answer
from lading.oci.digest import Digest
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.uploads import RepositoryUploads
from lading.wire.registry_urls import BlobAt, UploadAt, UploadStart
from lading.wire.upload_session import ChunkOutOfOrder, UploadUnknown, range_of


class UploadDoor:
    """What is asked of uploads."""

    def __init__(self, repositories: Repositories, uploads: RepositoryUploads) -> None:
        self._repositories, self._uploads = repositories, uploads

    def start(self, request: IncomingRequest, at: UploadStart, entry: Entry) -> Answer:
        """A mount where it is possible, the whole blob where `digest` comes along, else a session."""
        query = Query(request.query)
        mounted = query.digest("mount")
        if mounted and self._repositories.mount(at.path, mounted, query.one("from"), entry.may_pull):
            return _created(at.path, mounted)
        digest = query.digest("digest")
        query.check_algorithm()
        session = self._uploads.begin(at.path)
        if digest:
            return self._whole(request, UploadAt(at.path, session), digest)
        return _progress(202, UploadAt(at.path, session), 0)

    def _whole(self, request: IncomingRequest, at: UploadAt, digest: Digest) -> Answer:
        """The client never learns of the session, so a failure ends it."""
        try:
            self._finish(request, at, digest)
        except BaseException:
            with contextlib.suppress(UploadUnknown):
                self._uploads.cancel(at.path, at.session)
            raise
        return _created(at.path, digest)

    def patch(self, request: IncomingRequest, at: UploadAt) -> Answer:
        """A chunk, or a stream without Content-Length as dockerd sends it."""
        try:
            offset = self._uploads.append(
                at.path,
                at.session,
                request.body,
                request.cancel,
                length=request.body.length,
                content_range=request.headers.get("content-range"),
            )
        except ChunkOutOfOrder as error:
            return self._out_of_order(at, error)
        return _progress(202, at, offset)

    def put(self, request: IncomingRequest, at: UploadAt) -> Answer:
        """The end of it, with the last chunk or without. A wrong digest keeps the session."""
        digest = Query(request.query).needed_digest()
        try:
            self._finish(request, at, digest)
        except ChunkOutOfOrder as error:
            return self._out_of_order(at, error)
        return _created(at.path, digest)

    def status(self, at: UploadAt) -> Answer:
        """Where the client goes on."""
        return _progress(204, at, self._uploads.offset(at.path, at.session))

    def cancel(self, at: UploadAt) -> Answer:
        """The session is over."""
        self._uploads.cancel(at.path, at.session)
        return answer(204)

    def _finish(self, request: IncomingRequest, at: UploadAt, digest: Digest) -> None:
        self._uploads.finish(
            at.path,
            at.session,
            digest,
            request.body,
            request.cancel,
            length=request.body.length,
            content_range=request.headers.get("content-range"),
        )

    def _out_of_order(self, at: UploadAt, error: ChunkOutOfOrder) -> Answer:
        """416, with all that a client needs to go on."""
        refused = error_answer(error, _where(at, error.offset))
        assert refused  # it is in the table
        return refused


def _progress(status: int, at: UploadAt, offset: int) -> Answer:
    return answer(status, _where(at, offset))


def _where(at: UploadAt, offset: int) -> Fields:
    return (("Location", str(at)), ("Range", range_of(offset)), ("Docker-Upload-UUID", at.session))


def _created(path: str, digest: Digest) -> Answer:
    return answer(201, (("Location", str(BlobAt(path, digest))), ("Docker-Content-Digest", str(digest))))
