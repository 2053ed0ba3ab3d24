"""One registry's host as this process knows it: how it is reached, what it has shown, and when it wants to be left
alone. Shared by all threads and repositories that speak to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lading.backends.registry_client.quirks import quirk_of
from lading.services.registries.holds import Hold, RegistryHolds
from lading.wire.endpoint import Endpoint, Profile, Profiles, Tls
from lading.wire.guard import is_loopback
from lading.wire.message import Cancel, Response
from lading.wire.progress import Held
from lading.wire.registry_urls import api_host
from lading.wire.retry import Again, Quota, quota

if TYPE_CHECKING:  # commands have no such limit
    from lading.services.registries.lanes import RegistryLanes

SAME_SECONDS = 1.0
"""A wait that ends no more than so much later than one that was told of is not told of again."""


@dataclass(frozen=True, slots=True)
class Manners:
    """What everybody here keeps to at every registry: whom to leave alone, and how many layers move at a time, None:
    as many as there are."""

    holds: RegistryHolds
    lanes: RegistryLanes | None = None


class Host:
    """`registry` is the name in references, `authority` the host[:port] that answers. Times are seconds since 1970."""

    def __init__(
        self,
        registry: str,
        endpoint: Endpoint,
        profiles: Profiles,
        clock: Callable[[], float],
        report_held: Callable[[Held], None],
        *,
        manners: Manners | None = None,
    ) -> None:
        """`manners` None: nobody else is told when it wants to be left alone."""
        self.registry = registry
        self.authority = api_host(registry)
        self.quirk = quirk_of(registry)
        self.updating = threading.Lock()
        """Held while a fallback list of referrers is read and written: the last one to write wins otherwise."""
        self._endpoint, self._profiles, self._clock, self._report_held = endpoint, profiles, clock, report_held
        self._lock = threading.Lock()
        known = profiles.of(registry)
        self._profile = self.quirk.profile if known == Profile() else known
        self._met = False
        self._quota: Quota | None = None
        self._manners = manners or Manners(RegistryHolds(clock))
        self._told_until = 0.0
        self._sent_bytes = 0
        self._sent_seconds = 0.0

    # ── how it is reached ──

    @property
    def origins(self) -> tuple[str, ...]:
        """scheme://authority, in the order to try: one, once it has answered.

        Plain HTTP is tried only where the user allows it or on this machine, and never after TLS has worked for a host
        that is not this machine.
        """
        return tuple(f"{scheme}://{self.authority}" for scheme in self._schemes())

    def _schemes(self) -> tuple[str, ...]:
        if self._endpoint.tls is Tls.HTTP:
            return ("http",)
        learned, loopback = self.profile.scheme, is_loopback(self.authority)
        if self._met and learned is not None:
            return (learned,)
        if not self.plain_allowed and not loopback:
            return ("https",)
        if learned == "https" and not loopback:
            return ("https",)
        return ("http", "https") if learned == "http" else ("https", "http")

    @property
    def plain_allowed(self) -> bool:
        """Whether the user has said that this registry may be spoken to without TLS."""
        return self._endpoint.tls is Tls.HTTP or self._endpoint.insecure

    @property
    def met(self) -> bool:
        """Whether it has answered this process."""
        return self._met

    def answered(self, url: str, response: Response) -> None:
        """It did: `url` tells by which scheme, the answer perhaps what is left of our allowance."""
        self._quota = quota(response.headers) or self._quota
        scheme = url.partition(":")[0]
        if self.profile.scheme != scheme:
            self.learn(lambda profile: replace(profile, scheme=scheme))
        self._met = True  # afterwards: who sees it met goes by what was learned, on another thread at this very moment

    # ── what it has shown ──

    @property
    def profile(self) -> Profile:
        """What has been learned so far."""
        return self._profile

    def learn(self, lesson: Callable[[Profile], Profile]) -> None:
        """Apply it to what is known now, and have it kept where it changed something."""
        with self._lock:
            before, self._profile = self._profile, lesson(self._profile)
            after = self._profile
        if after != before:
            self._profiles.learn(self.registry, after)

    @property
    def quota(self) -> Quota | None:
        """What is left of the requests it allows, as it said last."""
        return self._quota

    # ── when to leave it alone, and how fast it takes things ──

    def hold(self, again: Again) -> None:
        """Nobody asks it anything for so long."""
        hold = Hold(self.authority, again.seconds, again.reason)
        if self._manners.holds.hold(hold):
            self._tell(hold)

    def wait(self, cancel: Cancel) -> None:
        """Until nobody has to leave it alone any more, whoever was told to. Raises Cancelled."""
        self._manners.holds.wait(self.authority, cancel, self._tell)

    def _tell(self, hold: Hold) -> None:
        until = self._clock() + hold.seconds
        with self._lock:
            news = until > self._told_until + SAME_SECONDS
            if news:
                self._told_until = until
        if news:
            self._report_held(Held(self.registry, f"{max(1, round(hold.seconds))} s for {hold.reason}", until))

    def room_to_send(self, cancel: Cancel) -> Callable[[], None]:
        """Room for one layer, once there is some: what to call when it is there. Raises Cancelled."""
        lanes = self._manners.lanes
        return _nothing_to_leave if lanes is None else lanes.send(self.authority, cancel).leave

    def room_to_read(self, cancel: Cancel) -> Callable[[], None]:
        """The same for one that is read."""
        lanes = self._manners.lanes
        return _nothing_to_leave if lanes is None else lanes.read(self.authority, cancel).leave

    def sent(self, count: int, seconds: float) -> None:
        """So many bytes went out in so many seconds."""
        with self._lock:
            self._sent_bytes += count
            self._sent_seconds += seconds

    def sending_seconds(self, count: int) -> float:
        """How long so many bytes will take, as far as anybody knows."""
        with self._lock:
            return count * self._sent_seconds / self._sent_bytes if self._sent_bytes else 0.0


def _nothing_to_leave() -> None:
    """There is no limit."""
