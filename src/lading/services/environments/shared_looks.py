"""Looking something up once where many ask for it at the same moment: those who follow one event, above all."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class _Look(Generic[Found]):
    """One answer, once there is one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.found: list[Found] = []


class SharedLooks(Generic[Found]):
    """The last answers, by what was asked. For any number of threads."""

    def __init__(self, kept: int) -> None:
        """`kept` is how many answers are remembered."""
        self._kept, self._lock = kept, threading.Lock()
        self._looks: OrderedDict[Hashable, _Look[Found]] = OrderedDict()

    def get(self, key: Hashable, look: Callable[[], Found]) -> Found:
        """What `look` finds for the first who asks; the others wait for that. Where it raises, who comes next looks
        again."""
        with self._lock:
            known = self._looks.setdefault(key, _Look())
            self._looks.move_to_end(key)
            while len(self._looks) > self._kept:
                self._looks.popitem(last=False)
        with known.lock:
            if not known.found:
                known.found.append(look())
            return known.found[0]
