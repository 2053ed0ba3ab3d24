"""The bytes' way into an upload session that has been started (distribution-spec, Pushing Blobs).

    state      says                               answer                      next
    send       PUT whole, or PATCH… and PUT       201                         held (sent in pieces: HEAD first)
                                                  200 202 204                 HEAD decides
                                                  413, 416 of a large body    again in smaller pieces
                                                  416 with a Range            go on where the registry stands
                                                  404, upload unknown         the session is gone
                                                  405 to a PATCH              PUT whole
               PUT: lost, silent, 5xx, 408, 429   –                           HEAD; is it there? held. Else: status
               PATCH: the same                    –                           status
    status     GET session                        204, Range: 0-n             send from n+1
                                                  204, Range: 0-0 or none     doubtful (no byte or one): gone
                                                  other                       gone

A body is never sent twice where the registry still holds its beginning. A 401 in mid-body reaches us as ConnectionLost,
so it costs a status request and no more. How long and how often to go on after losses is the driver's to decide: it
stops by not throwing the loss in here. Only what goes wrong without any loss is ours to count.

Chunks are sent only where the host is known or found to limit bodies (profile.chunk_limit); the last chunk travels in
the PUT, as Amazon ECR wants it. After chunks the size is looked at, as one Artifactory kept only the last of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import quote, urlsplit

from lading.errors import ProtocolBroken
from lading.oci.digest import Digest
from lading.wire.endpoint import Profile
from lading.wire.guard import referrer
from lading.wire.locations import LocationBroken, locate, with_query
from lading.wire.message import ConnectionLost, Content, Conversation, Request, Response, Stalled
from lading.wire.presence import presence
from lading.wire.registry_errors import BodyTooLarge, Code, Refusal, refused
from lading.wire.retry import TRANSIENT

MEBIBYTE = 1024 * 1024

CHUNK_LADDER = (64 * MEBIBYTE, 16 * MEBIBYTE, 4 * MEBIBYTE, MEBIBYTE, 256 * 1024)
"""Body sizes, in bytes, tried one after the other under a limit nobody tells: Cloudflare's is 100 MB, the GitHub
registry's 4 MiB for a PATCH (it answers 416), nginx's 1 MiB unless set."""

CHUNKS_ALWAYS_FIT = 4 * MEBIBYTE
"""A 416 to a piece no larger than this is about its place, not about its size."""

ASKED_ANYWAY = 64 * MEBIBYTE
"""Where a host is known to forget broken uploads, only so large ones are worth a status request that may unteach it."""

COMMIT_SECONDS = 60.0
COMMIT_RATE = 4 * MEBIBYTE
"""A commit may take a minute and a second more for each so many bytes: registries hash, scan and copy before they
answer, and a fixed limit breaks large blobs (containerd's 30 s)."""

_TAKEN = frozenset({200, 201, 202, 204})
_GONE = frozenset({Code.BLOB_UPLOAD_UNKNOWN, Code.BLOB_UPLOAD_INVALID})
_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,19})")


class UploadUnproven(ProtocolBroken):
    """The registry took the upload, but does not hold what was sent."""

    def __init__(self, digest: Digest, host: str) -> None:
        super().__init__(digest, host)
        self.digest, self.host = digest, host

    def __str__(self) -> str:
        return f"{self.host} said that it took {self.digest}, but does not hold all of it"


@dataclass(frozen=True, slots=True)
class Goods:
    """What is sent and where: `origin` is scheme://host[:port], `path` the repository."""

    origin: str
    path: str
    digest: Digest
    content: Content


class Witness(Protocol):
    """Keeps what must outlive the upload. Called between requests."""

    def begun(self, session: str) -> None:
        """The upload goes on at this URL."""

    def ended(self) -> None:
        """There is nothing to go on with any more."""

    def resumed(self, offset: int) -> None:
        """The registry holds `offset` bytes from an earlier attempt."""

    def forgotten(self) -> None:
        """The registry kept nothing of what was sent before: it is sent from the start again."""

    def learned(self, lesson: Callable[[Profile], Profile]) -> None:
        """The host has shown something of itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an upload stands: its URL and the bytes that the registry holds; `least` is its smallest chunk."""

    url: str
    offset: int = 0
    least: int = 0


def commit_seconds(size: int) -> float:
    """The longest wait for a commit of `size` bytes."""
    return COMMIT_SECONDS + size / COMMIT_RATE


class Sending:
    """One blob's sessions; what is learned of the host holds from the next request on."""

    def __init__(self, goods: Goods, profile: Profile, witness: Witness) -> None:
        self._goods, self._witness = goods, witness
        self.profile = profile
        self._size = goods.content.size
        self._excused = False
        """Whether something was lost, so that the next oddity needs no other reason."""
        self._oddities = 0
        self._pieces = False
        """Whether the last body was not the whole blob."""

    def begin(self, request: Request, response: Response) -> Place:
        """The session that this answer to a POST has started."""
        location = response.headers.get("location")
        if not location:
            raise LocationBroken(request.url, f"answered {response.status} without a Location")
        least = response.headers.get("oci-chunk-min-length", "")
        return self._moved(
            request, Place(request.url, 0, int(least) if re.fullmatch(r"\d{1,12}", least) else 0), location
        )

    def send(self, place: Place) -> Conversation[bool]:
        """Until the registry holds it (True), or the session is gone (False)."""
        here: Place | None = place
        while here is not None:
            request = self._piece(here)
            final = request.method == "PUT"
            try:
                response = yield request
            except (ConnectionLost, Stalled):
                if final and (yield from self.presence()):
                    return True
                here = yield from self._after_loss(here)
                continue
            if final and response.status in _TAKEN:
                return (yield from self._committed(request, response))
            if final and response.status in TRANSIENT and (yield from self.presence()):
                return True
            here = yield from self._next(here, request, response)
        return False

    def status(self, place: Place) -> Conversation[Place | None]:
        """Where the registry stands; at offset 0 the answer is doubtful. None: the session is gone."""
        request = Request("GET", place.url, referred_by=referrer(self._goods.origin, place.url))
        response = yield request
        if response.status in TRANSIENT:
            raise refused(request, response)
        if response.status not in {200, 202, 204}:
            return None
        held = _held(response) or 0
        if held > self._size:
            return None
        return replace(self._moved(request, place, response.headers.get("location")), offset=held)

    def presence(self) -> Conversation[bool | None]:
        """Whether the target holds the blob."""
        goods = self._goods
        return presence(goods.origin, goods.path, goods.digest, self._size)

    def learn(self, lesson: Callable[[Profile], Profile]) -> None:
        """Take a lesson about the host, and have it remembered."""
        self.profile = lesson(self.profile)
        self._witness.learned(lesson)

    def _piece(self, place: Place) -> Request:
        """The next body: all that is left, or as much as the host takes."""
        left = self._size - place.offset
        limit = self.profile.chunk_limit if self.profile.patches else None
        length = left if limit is None else min(left, max(limit, place.least))
        final = length == left
        headers = {"content-type": "application/octet-stream"}
        if length and not (final and place.offset == 0):
            headers["content-range"] = f"{place.offset}-{place.offset + length - 1}"
        self._pieces = place.offset > 0 or not final
        digest = quote(str(self._goods.digest), safe="")
        return Request(
            "PUT" if final else "PATCH",
            with_query(place.url, f"digest={digest}") if final else place.url,
            headers,
            self._goods.content,
            place.offset,
            length,
            referred_by=referrer(self._goods.origin, place.url),
            answer_seconds=commit_seconds(self._size if final else length),
        )

    def _committed(self, request: Request, response: Response) -> Conversation[bool]:
        """201 is a promise, unless pieces might have gone astray; anything else has to be looked at."""
        if response.status == 201 and not self._pieces:
            return True
        if (yield from self.presence()) is not False:
            return True
        if self._pieces and self.profile.chunk_limit is None:
            self.learn(lambda profile: replace(profile, resumes=False))
        self._oddities += 1
        if self._oddities > 1:
            raise UploadUnproven(self._goods.digest, urlsplit(request.url).netloc)
        return False

    def _after_loss(self, place: Place) -> Conversation[Place | None]:
        """Ask where the registry stands, unless it is known to forget."""
        self._excused = True
        if not self.profile.resumes and self._size < ASKED_ANYWAY:
            return None
        found = yield from self.status(place)
        if found is not None and found.offset == 0:
            return None
        remembers = found is not None
        if remembers != self.profile.resumes:
            self.learn(lambda profile: replace(profile, resumes=remembers))
        return found

    def _next(self, place: Place, request: Request, response: Response) -> Conversation[Place | None]:
        """Where to go on after an answer that is no commit; None: the session is gone. Raises what `refused` makes."""
        status, patch = response.status, request.method == "PATCH"
        if patch and status in _TAKEN:
            return self._acknowledged(place, request, response)
        if status in TRANSIENT:
            self._excused = True
            found = yield from self.status(place)
            return found if found and found.offset else None
        if status == 416:
            return self._misplaced(place, request, response)
        if status == 413:
            return self._smaller(place, request, response)
        if patch and status in {405, 501}:
            self.learn(lambda profile: replace(profile, patches=False))
            return place
        unknown = bool(Refusal.of(request, response).codes & _GONE)
        if unknown or status in {404, 410} or (status == 400 and place.offset > 0):
            self._excuse(request, response)
            return None
        raise refused(request, response)

    def _acknowledged(self, place: Place, request: Request, response: Response) -> Place | None:
        """After a PATCH. A registry that says nothing of its Range has taken everything."""
        end = place.offset + request.body_size
        held = _held(response) if "range" in response.headers else end
        if held is None or not place.offset < held <= end:
            self._excuse(request, response)
            return None
        return replace(self._moved(request, place, response.headers.get("location")), offset=held)

    def _misplaced(self, place: Place, request: Request, response: Response) -> Place | None:
        """416: the registry stands elsewhere and says where; or it dislikes the size; or the session is spoiled."""
        held = _held(response)
        if held is not None and held != place.offset and held <= self._size:
            self._excuse(request, response)
            return replace(self._moved(request, place, response.headers.get("location")), offset=held)
        if request.body_size > CHUNKS_ALWAYS_FIT:
            return self._smaller(place, request, response)
        self._excuse(request, response)
        return None

    def _smaller(self, place: Place, request: Request, response: Response) -> Place:
        """The body was too large: the next smaller step of the ladder, for all blobs that follow too."""
        step = next((step for step in CHUNK_LADDER if step < request.body_size), None)
        if step is None or step < place.least or not self.profile.patches:
            raise BodyTooLarge(Refusal.of(request, response))
        smaller = step
        self.learn(lambda profile: replace(profile, chunk_limit=min(smaller, profile.chunk_limit or smaller)))
        return place

    def _excuse(self, request: Request, response: Response) -> None:
        """Odd things may follow each loss, and happen once by themselves. Raises what `refused` makes."""
        if self._excused:
            self._excused = False
            return
        self._oddities += 1
        if self._oddities > 1:
            raise refused(request, response)

    def _moved(self, request: Request, place: Place, location: str | None) -> Place:
        """The place under the URL that the last answer gave, which is the only one that counts from now on."""
        if not location:
            return place
        there = locate(request.url, location)
        if urlsplit(request.url).scheme == "https" and urlsplit(there).scheme != "https":
            raise LocationBroken(request.url, "sends the upload to another host without TLS")
        self._witness.begun(there)
        return replace(place, url=there)


def _held(response: Response) -> int | None:
    """How many bytes the registry says it holds; None where it does not say, or says `0-0`, which distribution answers
    for no byte and for one byte alike."""
    found = _RANGE.fullmatch(response.headers.get("range", "").strip())
    last = int(found[1]) if found else 0
    return last + 1 if last else None
