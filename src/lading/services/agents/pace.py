"""How often one token may log in: ten times within two minutes, then it waits, longer each time.

ten logins in two minutes ─▶ half a minute ─▶ a minute ─▶ two ─▶ five ─▶ … forgotten after ten quiet minutes
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

MOST_LOGINS = 10
WITHIN_SECONDS = 120.0
WAITS = (30, 60, 120, 300)
"""Seconds, for each time in a row."""

FORGET_SECONDS = 600.0
"""After so long without a wait the next one is the first again."""

MOST_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class Pace:
    """Of one token: when it logged in lately, until when it waits, and how often in a row it had to. In seconds of a
    clock that never goes back."""

    logins: tuple[float, ...] = ()
    until: float = 0.0
    waits: int = 0


def one_more(pace: Pace, now: float) -> tuple[Pace, int | None]:
    """After a login at this moment: None where it may go on, else the whole seconds that it waits."""
    if now < pace.until:
        return pace, math.ceil(pace.until - now)
    logins = tuple(at for at in pace.logins if now - at < WITHIN_SECONDS)
    if len(logins) < MOST_LOGINS:
        return replace(pace, logins=(*logins, now)), None
    waits = 0 if now - pace.until > FORGET_SECONDS else pace.waits
    wait = WAITS[min(waits, len(WAITS) - 1)]
    return Pace((), now + wait, waits + 1), wait


class AgentPace:
    """For any number of threads, and as many tokens as are kept in mind. `clock` tells seconds and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._paces: OrderedDict[int, Pace] = OrderedDict()

    def login(self, token: int) -> int | None:
        """None where it may go on, else the whole seconds that it waits."""
        with self._lock:
            pace, wait = one_more(self._paces.pop(token, Pace()), self._clock())
            self._paces[token] = pace
            if len(self._paces) > MOST_TOKENS:
                self._paces.popitem(last=False)
        return wait
