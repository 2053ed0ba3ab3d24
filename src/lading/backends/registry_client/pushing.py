"""One blob on its way to a registry: what the conversation learns is kept, what the network does is told."""

from __future__ import annotations

from collections.abc import Callable

from lading.backends.registry_client.host import Host
from lading.engine.stores import Track
from lading.oci.digest import Digest
from lading.oci.reference import Repository
from lading.wire.endpoint import Profile, Uploads
from lading.wire.message import Request
from lading.wire.progress import State
from lading.wire.retry import Again

REMEMBERED = 1024 * 1024
"""Bytes from which an upload is worth remembering for another process: smaller ones are sent again sooner than a row
is written and synced."""


FROM_THE_START = "from the start, as the registry did not keep what was sent before"
"""How a person is told why a bar goes back: docker-registry 2.8 forgets each upload that was cut."""


class Push:
    """Witness of the upload and Watch of its session, for one piece."""

    def __init__(
        self, repository: Repository, digest: Digest, size: int, *, host: Host, uploads: Uploads, track: Track
    ) -> None:
        self._repository, self._digest, self._size = repository, digest, size
        self._host, self._uploads, self._track = host, uploads, track
        self._remembered = size >= REMEMBERED
        self._written = False
        self._current = self._kept = 0

    @property
    def session(self) -> str | None:
        """Where an earlier attempt, perhaps of another process, stopped."""
        if not self._remembered:
            return None
        session = self._uploads.of(self._repository, self._digest)
        self._written = session is not None
        return session

    # ── Witness

    def begun(self, session: str) -> None:
        """See Witness."""
        if self._remembered:
            self._uploads.begun(self._repository, self._digest, session)
            self._written = True

    def ended(self) -> None:
        """See Witness."""
        if self._written:
            self._uploads.ended(self._repository, self._digest)
            self._written = False
        self._kept = 0

    def resumed(self, offset: int) -> None:
        """See Witness."""
        self._kept = offset
        self._track(State.MOVING, offset, kept=offset)

    def forgotten(self) -> None:
        """See Witness."""
        self._current = 0
        self._track(State.RETRYING, detail=FROM_THE_START)

    def learned(self, lesson: Callable[[Profile], Profile]) -> None:
        """See Witness."""
        self._host.learn(lesson)

    # ── Watch

    def passing(self, request: Request) -> Callable[[int], None]:
        """See Watch: the piece moves from where this body starts."""
        self._current = request.start
        self._track(State.MOVING, self._current, kept=self._kept)

        def passed(count: int) -> None:
            self._current += count
            state = State.MOVING if self._current < self._size else State.COMMITTING
            self._track(state, self._current, kept=self._kept)

        return passed

    def waiting(self, again: Again) -> None:
        """See Watch."""
        self._track(State.RETRYING, self._current, kept=self._kept, detail=again.reason, seconds=again.seconds)
