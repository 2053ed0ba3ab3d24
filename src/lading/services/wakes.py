"""Wake-ups: a process that has committed tells all others what changed, so that nobody has to look again and again.

A topic names what changed, `job/<id>` or `audit`, and whoever is woken reads the rows; `login/…` alone is all there is
to know (services.identity.shared_throttling). A wake-up may be lost; then, within half a second or so, those who listen
are told that anything may have changed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

log = logging.getLogger("lading.wakes")

TOPIC_BYTES = 200
"""A topic's greatest length in UTF-8."""

Woken = Callable[[str | None], None]
"""Called on a thread of the wake-ups, one call at a time, with the topic; None: anything may have changed. Returns soon
and does not raise. A process hears its own topics too."""


class Wakes(Protocol):
    """For any thread."""

    def tell(self, *topics: str) -> None:
        """After the commit. Does not wait for anybody and never raises: a wake-up is no promise."""

    def listening(self, woken: Woken) -> AbstractContextManager[None]:
        """Tell these topics to `woken` inside, from the moment it is entered. Raises StorageFailed."""


def spelt(topic: str) -> str:
    """The topic as every form of wake-ups takes it: no NUL, no half surrogate pair, and short."""
    return topic.replace("\0", "?").encode(errors="replace")[:TOPIC_BYTES].decode(errors="ignore")


def told_safely(woken: Woken, topic: str | None) -> None:
    """Tell one who listens: what it raises is its own fault, logged, and no reason to stop telling."""
    try:
        woken(topic)
    except Exception:
        log.exception("somebody who was woken failed")
