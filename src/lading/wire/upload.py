"""A blob's journey up (distribution-spec, Mounting and Pushing Blobs): from "is it there?" to a commit that is certain.

    says                               answer       then
    POST ?mount=D&from=R               201          R is this very repository: it exists. Else: mounted
                                       202          a refused mount is a started upload: send
                                       other        try the next R; after the last: HEAD, then POST without a mount
    POST                               202          send (`lading.wire.sending`)
    send                               held         sent
                                       gone         POST, and send from the start

Asking to mount from the repository itself is the existence check that costs nothing when the answer is no. Where a host
refuses mounts, or does not look (profile.mounts, mounts_itself), a HEAD does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from lading.wire.endpoint import Profile
from lading.wire.locations import locate
from lading.wire.message import Conversation, Request
from lading.wire.registry_errors import refused
from lading.wire.registry_urls import UploadStart, url
from lading.wire.sending import Goods, Place, Sending, Witness

_MOUNTS_UNKNOWN = frozenset({400, 404, 405, 422, 501})
_LOGIN_OR_LIMIT = frozenset({401, 403, 429})


class Landing(Enum):
    """How the blob came to be there."""

    EXISTS = "exists"
    MOUNTED = "mounted"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Landed:
    """The end of the journey; `origin` is the sibling repository's path that it was mounted from."""

    how: Landing
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Hopes:
    """What may spare sending. `siblings` are paths of repositories at the same host that may hold the blob, best
    first. `known_there`: this very repository was seen holding it. `session` is the URL of an upload begun earlier."""

    siblings: tuple[str, ...] = ()
    known_there: bool = False
    session: str | None = None


NO_HOPES = Hopes()


def upload(goods: Goods, profile: Profile, witness: Witness, hopes: Hopes = NO_HOPES) -> Conversation[Landed]:
    """Held when it returns. Raises LocationBroken, UploadUnproven, what `refused` makes, and losses it is thrown."""
    return _Journey(goods, profile, witness, hopes).run()


class _Journey:
    """One blob on its way."""

    def __init__(self, goods: Goods, profile: Profile, witness: Witness, hopes: Hopes) -> None:
        self._goods, self._witness, self._hopes = goods, witness, hopes
        self._sending = Sending(goods, profile, witness)
        self._mounts_failed = False
        self._forgotten = False
        """Whether an upload begun earlier is gone."""

    def run(self) -> Conversation[Landed]:
        place = yield from self._resume()
        if place is None:
            started = yield from self._start()
            if isinstance(started, Landed):
                return started
            place = started
            if self._forgotten:
                self._witness.forgotten()
        while not (yield from self._sending.send(place)):
            self._witness.ended()
            if place.offset and (yield from self._sending.presence()):  # an attempt whose end nobody heard had sent it
                return Landed(Landing.EXISTS)
            self._witness.forgotten()
            place = yield from self._open()
        self._witness.ended()
        return Landed(Landing.SENT)

    def _resume(self) -> Conversation[Place | None]:
        """Where an earlier attempt stopped; None where it left nothing."""
        if self._hopes.session is None:
            return None
        session = locate(self._goods.origin, self._hopes.session)
        exposed = session.startswith("http:") and self._goods.origin.startswith("https:")  # never back to plain HTTP
        place = None if exposed else (yield from self._sending.status(Place(session)))
        if place is None or place.offset == 0:
            self._forgotten = True
            self._witness.ended()
            return None
        self._witness.resumed(place.offset)
        return place

    def _start(self) -> Conversation[Landed | Place]:
        looked = not self._sending.profile.mounts_itself
        if looked and (yield from self._sending.presence()):
            return Landed(Landing.EXISTS)
        for sibling in self._mount_from():
            landed = yield from self._mount(sibling)
            if landed is not None:
                return landed
        if not looked and (yield from self._sending.presence()):
            return Landed(Landing.EXISTS)
        place = yield from self._open()
        if self._mounts_failed:
            self._sending.learn(lambda profile: replace(profile, mounts=False))
        return place

    def _mount_from(self) -> Iterator[str]:
        """The best known holder, then this repository itself, whose answer is the existence check."""
        profile = self._sending.profile
        if not profile.mounts:
            return
        if not self._hopes.known_there:
            yield from self._hopes.siblings[:1]
        if profile.mounts_itself:
            yield self._goods.path

    def _mount(self, sibling: str) -> Conversation[Landed | Place | None]:
        """Mounted, or begun because the mount was refused; None where the request itself was."""
        goods, itself = self._goods, sibling == self._goods.path
        request = Request("POST", url(goods.origin, UploadStart(goods.path), mount=str(goods.digest), from_=sibling))
        response = yield request
        if response.status == 201:
            return Landed(Landing.EXISTS) if itself else Landed(Landing.MOUNTED, sibling)
        if response.status == 202:
            if itself and self._hopes.known_there and (yield from self._sending.presence()):
                self._sending.learn(lambda profile: replace(profile, mounts_itself=False))
                return Landed(Landing.EXISTS)
            return self._sending.begin(request, response)
        if itself and response.status in _LOGIN_OR_LIMIT:
            raise refused(request, response)
        self._mounts_failed |= itself and response.status in _MOUNTS_UNKNOWN
        return None

    def _open(self) -> Conversation[Place]:
        """A fresh session, without any question."""
        request = Request("POST", url(self._goods.origin, UploadStart(self._goods.path)))
        response = yield request
        if response.status not in {200, 201, 202, 204}:
            raise refused(request, response)
        return self._sending.begin(request, response)
