"""Agents of several servers on one database: who holds which, and one hub over all of them.

    agent ⇄ server A: LocalHub ── row (environment, A's process, A's url) ──▶ database
    server B: transport(environment) ── not here ── the row names A ──▶ B asks A, over the door that servers have

A row lives while its server says so every few seconds; an agent that comes to another server takes its row along, and
the one before lets go of the socket that it may still take for open.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.errors import LadingError
from lading.services.hub.hub import AgentAway, AgentLine, AgentLink, AgentPresence, Attach, Hub
from lading.services.hub.records import PresenceRecords, PresenceRow
from lading.wire.message import Cancel, Request, Response, Transport
from lading.wire.tunnel_frames import Hello
from lading.wire.tunnel_login import REPLACED, CloseCode

log = logging.getLogger("lading.agents")

TOLD_SECONDS = 5.0
"""How often a server says of its agents that they are here: well within STALE_SECONDS."""

SETTLE_SECONDS = 0.2
"""How long is waited for more before agents are written down: after a restart they come by the hundred."""

LOOK_SECONDS = 0.5
"""How often somebody who waits for an agent looks whether it came to another server."""


class Elsewhere(Protocol):
    """Other servers, by the url that their rows give."""

    def transport(self, url: str, environment: int) -> Transport:
        """To the agent that the server there holds."""

    def dismiss(self, url: str, environment: int, code: int, reason: str) -> None:
        """Have it close the agent's socket, and wait a short while for that. Raises NetworkFailed and the like."""


@dataclass(frozen=True, slots=True)
class Replica:
    """This server among those of its database; `url` is empty where it has no door for the others."""

    process: str
    url: str


class SharedHub:
    """Fulfils Hub and Attach over the agents of all servers. One thread of its own keeps the rows: whoever attaches or
    loses an agent is on an event loop, and waits for no database."""

    def __init__(
        self,
        local: Hub,
        attach: Attach,
        records: PresenceRecords,
        elsewhere: Elsewhere,
        replica: Replica,
        *,
        steady: Callable[[], float],
        told_seconds: float = TOLD_SECONDS,
    ) -> None:
        """`local` and `attach` are this process's own hub; `steady` is seconds that never jump."""
        self._steady = steady
        self._local, self._attach, self._records = local, attach, records
        self._elsewhere, self._replica, self._told_seconds = elsewhere, replica, told_seconds
        self._kept: Mapping[int, AgentPresence] = {}
        self._changed, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep, name="agents' rows", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Takes back the rows of what is here."""
        self._stopped.set()
        self._changed.set()
        self._thread.join()

    def __call__(self, environment: int, hello: Hello, address: str, link: AgentLink) -> AgentLine:
        line = self._attach(environment, hello, address, link)
        self._changed.set()
        return _Watched(line, self._changed.set)

    # ── Hub

    def transport(self, environment: int) -> Transport:
        return _Wherever(self, environment)

    def presence(self, environment: int) -> AgentPresence | None:
        here = self._local.presence(environment)
        if here is not None:
            return here
        row = self._other(environment)
        return None if row is None else row.presence

    def presences(self) -> Sequence[AgentPresence]:
        found = {row.presence.environment: row.presence for row in self._records.presences() if self._stands(row)}
        found |= {each.environment: each for each in self._local.presences()}
        return [found[environment] for environment in sorted(found)]

    def back(self, environment: int, cancel: Cancel, seconds: float) -> bool:
        """An agent of another server counts when that server says anew that it is there: what a server that died left
        behind says nothing more."""
        known, left = self._other(environment), seconds
        if seconds <= 0 and known is not None:
            return True
        while True:
            row, looked = self._other(environment), self._steady()
            if row is not None and row.url and (known is None or _told(row) != _told(known)):
                return True
            if self._local.back(environment, cancel, min(left, LOOK_SECONDS)):
                return True
            left -= max(LOOK_SECONDS, self._steady() - looked)
            if left <= 0:
                return False

    def dismiss(self, environment: int, code: int, reason: str) -> None:
        self._local.dismiss(environment, code, reason)
        row = self._other(environment)
        if row is None or not row.url:
            return
        try:
            self._elsewhere.dismiss(row.url, environment, code, reason)
        except LadingError as error:
            log.warning(
                "the agent of environment %d is at another server, which does not answer: %s", environment, error
            )

    def nearest(self, environment: int) -> Transport:
        """To the agent wherever it is now. Raises AgentAway, AgentBeyond, StorageFailed."""
        if self._local.presence(environment) is not None:
            return self._local.transport(environment)
        row = self._other(environment)
        if row is None:
            raise AgentAway(environment)
        if not row.url:
            raise AgentBeyond(environment)
        return self._elsewhere.transport(row.url, environment)

    def _other(self, environment: int) -> PresenceRow | None:
        row = self._records.presence(environment)
        return row if row is not None and self._stands(row) else None

    def _stands(self, row: PresenceRow) -> bool:
        """Whether it is another server's, and that one is there."""
        return row.process != self._replica.process and row.stands

    # ── the rows

    def _keep(self) -> None:
        while not self._stopped.is_set():
            self._changed.wait(self._told_seconds)
            self._stopped.wait(min(SETTLE_SECONDS, self._told_seconds))
            self._changed.clear()
            self._tell({} if self._stopped.is_set() else {each.environment: each for each in self._local.presences()})

    def _tell(self, here: Mapping[int, AgentPresence]) -> None:
        """Never raises: what could not be written is written the next time, and who is not told of for long is gone."""
        try:
            gone = self._kept.keys() - here.keys()
            if gone:
                self._records.remove_presences(gone, self._replica.process)
            rows = [self._row(presence) for presence in here.values()]
            for environment in self._records.put_presences(rows) if rows else ():
                self._local.dismiss(environment, CloseCode.NORMAL, REPLACED)
            self._kept = here
        except LadingError as error:
            log.error("what agents are here cannot be written down: %s", error)  # noqa: TRY400  it says all
        except Exception:
            log.exception("what agents are here cannot be written down now, and is tried again")

    def _row(self, presence: AgentPresence) -> PresenceRow:
        kept, replica = self._kept.get(presence.environment), self._replica
        fresh = kept is None or kept.connected != presence.connected
        return PresenceRow(presence, replica.process, replica.url, fresh=fresh)


def _told(row: PresenceRow) -> tuple[str, float]:
    """What is another at each time that a server says that the agent is there."""
    return row.process, row.told


class AgentBeyond(AgentAway):
    """The agent is connected to another server, which has no door for this one."""

    hint = "The server that the agent is connected to needs the setting replica-listen, so that others can ask it."


@dataclass(frozen=True, slots=True)
class _Wherever:
    """Fulfils Transport: each exchange finds the agent anew."""

    hub: SharedHub
    environment: int

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = lambda _count: None) -> Response:
        return self.hub.nearest(self.environment).send(request, cancel, passed)


@dataclass(frozen=True, slots=True)
class _Watched:
    """Fulfils AgentLine, and says when it is over."""

    line: AgentLine
    over: Callable[[], None]

    def receive(self, frame: str | bytes) -> None:
        self.line.receive(frame)

    def lost(self) -> None:
        self.line.lost()
        self.over()
