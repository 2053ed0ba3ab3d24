"""Sockets of this process whose token may end: by time, by a newer one, by somebody who takes it back, with its
environment or with what that is; here, in another process, or at the command line.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping

from lading.errors import StorageFailed
from lading.services.agents.logins import Admitted
from lading.services.agents.tokens import REVOKED, Closing, ending
from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRecords
from lading.services.hub.hub import AgentLink
from lading.services.hub.records import TOPIC, AgentTokenRecords

log = logging.getLogger("lading.agents")

LOOK_SECONDS = 5.0
"""How late it is known that a token's time is over, or what a lost wake-up would have told."""

SETTLE_SECONDS = 0.2
"""How long is waited for more before a look: after a restart agents come by the hundred, and one look serves them
all."""


class AgentWatch:
    """One thread from `begin` until `stop`; everything else returns at once, for any thread."""

    def __init__(
        self, records: AgentTokenRecords, environments: EnvironmentRecords, clock: Callable[[], float]
    ) -> None:
        """`clock` tells seconds since 1970."""
        self._records, self._environments, self._clock = records, environments, clock
        self._lock = threading.Lock()
        self._links: dict[AgentLink, Admitted] = {}
        self._woken, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def arrived(self, admitted: Admitted, link: AgentLink) -> None:
        """From now on it is looked after; what happened since its login is noticed as well."""
        with self._lock:
            self._links[link] = admitted
        self._woken.set()

    def left(self, link: AgentLink) -> None:
        """Harmless twice."""
        with self._lock:
            self._links.pop(link, None)

    def woken(self, topic: str | None) -> None:
        """For `Wakes.listening`: some process changed tokens; None: perhaps."""
        if topic == TOPIC:
            self._woken.set()

    def look(self) -> None:
        """Close the sockets whose tokens have ended. Raises StorageFailed."""
        with self._lock:
            links = dict(self._links)
        if not links:
            return
        endings = self._endings(links.values())
        for link, admitted in links.items():
            if admitted in endings:
                link.close(*endings[admitted])

    def begin(self) -> None:
        """Look out for tokens that end, until `stop`."""
        self._thread = threading.Thread(target=self._run, name="agents' tokens")
        self._thread.start()

    def stop(self) -> None:
        """Returns when the look at hand is over."""
        self._over.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _endings(self, admitted: Iterable[Admitted]) -> Mapping[Admitted, Closing]:
        rows = {row.id: row for row in self._records.agent_tokens()}
        edges = {
            row.id for row in self._environments.environments() if row.connection_type is ConnectionType.HAWSER_EDGE
        }
        now, endings = self._clock(), dict[Admitted, Closing]()
        for each in admitted:
            closing = ending(rows.get(each.token), now) if each.environment in edges else REVOKED
            if closing is not None:
                endings[each] = closing
        return endings

    def _run(self) -> None:
        failing = False
        while not self._over.is_set():
            self._woken.wait(LOOK_SECONDS)
            self._over.wait(SETTLE_SECONDS)
            self._woken.clear()
            try:
                self.look()
                failing = False
            except StorageFailed as error:
                if not failing:
                    log.error("agents' tokens cannot be read, and are looked at again: %s", error)  # noqa: TRY400  once
                failing = True
            except Exception:
                log.exception("agents' tokens cannot be looked at now, and are again")
