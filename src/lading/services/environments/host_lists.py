"""What Docker hosts have, for who asks about all of them at once: nobody waits for a host that does not answer.

A host is asked in a thread of its own, once at a time, and what it said is remembered: whoever cannot wait for its
answer takes the one before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass

from lading.errors import LadingError
from lading.services.clocks import Clocks
from lading.services.environment_images import Summary
from lading.services.environments.environments import Environments
from lading.wire.message import Cancel

FRESH_SECONDS = 30.0
"""For so long a host is not asked again."""

PATIENCE_SECONDS = 2.0
"""The longest that anybody waits for hosts, all together."""

ASK_SECONDS = 20.0
"""The longest that a host is asked: for who comes later."""

AT_ONCE = 8
"""Hosts that are asked at a time."""


@dataclass(frozen=True, slots=True)
class HostList:
    """The images of a host as it told them at `seen`, in seconds since 1970; `asked` is the same on the other clock."""

    images: Sequence[Summary]
    seen: float
    asked: float


class HostLists:
    """For any number of threads; closed at the end."""

    def __init__(
        self,
        environments: Environments,
        clocks: Clocks,
        cancellation: Callable[[float], AbstractContextManager[Cancel]],
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """`cancellation` makes Cancels that end after so many seconds; `patience` as PATIENCE_SECONDS."""
        self._environments, self._clocks, self._cancellation = environments, clocks, cancellation
        self._patience = patience
        self._lock = threading.Lock()
        self._lists: dict[int, HostList] = {}
        self._asking: dict[int, Future[None]] = {}
        self._threads = ThreadPoolExecutor(AT_ONCE, "host-lists")

    def close(self) -> None:
        """Waits for who is asked right now. Harmless twice."""
        self._threads.shutdown(cancel_futures=True)

    def of(self, numbers: Collection[int]) -> Mapping[int, HostList]:
        """What these environments have, as far as anybody knows after PATIENCE_SECONDS at most. Raises nothing."""
        with self._lock:
            now = self._clocks.steady()
            stale = [each for each in numbers if not self._is_fresh(each, now)]
            asking = [self._asked(each) for each in stale]
        wait(asking, self._patience)
        with self._lock:
            return {each: self._lists[each] for each in numbers if each in self._lists}

    def _is_fresh(self, number: int, now: float) -> bool:
        found = self._lists.get(number)
        return found is not None and now - found.asked < FRESH_SECONDS

    def _asked(self, number: int) -> Future[None]:
        """Under the lock: whoever asks it already, or somebody new."""
        asking = self._asking.get(number)
        if asking is None or asking.done():
            asking = self._asking[number] = self._threads.submit(self._ask, number)
        return asking

    def _ask(self, number: int) -> None:
        """A host that does not answer leaves what it said before."""
        try:
            with self._cancellation(ASK_SECONDS) as cancel:
                images = self._environments.unguarded(number).images(cancel)
        except LadingError:
            return
        with self._lock:
            self._lists[number] = HostList(images, self._clocks.wall(), self._clocks.steady())
