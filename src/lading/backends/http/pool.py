"""Connections kept for the next exchange with the same host by the same way, bounded in number and age."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass

from lading.backends.http.channel import Channel

KEPT_PER_PLACE = 16
KEPT_SECONDS = 60.0
"""Beyond this age a silent middle box may have forgotten the connection, and a request on it would wait for nothing."""


@dataclass(frozen=True, slots=True)
class _Idle:
    channel: Channel
    since: float


class Pool:
    """Thread-safe; decides under its lock, closes outside it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Hashable, list[_Idle]] = {}
        self._closed = False

    def take(self, place: Hashable) -> Channel | None:
        """The one used last that is still silent: whatever arrived meanwhile, an end or stray bytes, spoils it."""
        while True:
            with self._lock:
                kept = self._idle.get(place)
                if not kept:
                    return None
                idle = kept.pop()
            if time.monotonic() - idle.since <= KEPT_SECONDS and idle.channel.is_silent():
                return idle.channel
            idle.channel.close()

    def give(self, place: Hashable, channel: Channel) -> None:
        """Keep it, unless there are enough."""
        with self._lock:
            kept = self._idle.setdefault(place, [])
            room = not self._closed and len(kept) < KEPT_PER_PLACE
            if room:
                kept.append(_Idle(channel, time.monotonic()))
        if not room:
            channel.close()

    def close(self) -> None:
        """Ends all that is kept, and all that is given from now on."""
        with self._lock:
            self._closed = True
            kept = [idle for idles in self._idle.values() for idle in idles]
            self._idle.clear()
        for idle in kept:
            idle.channel.close()
