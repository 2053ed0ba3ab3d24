"""What was made of a list of images, remembered for as long as the list is the very same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from lading.services.environment_images import Summary

T = TypeVar("T")

MOST_KEPT = 16


class MadeOfLists(Generic[T]):
    """For any number of threads; `most` are kept. Lists must not change after they were given here."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Sequence[Summary], T]] = OrderedDict()

    def of(self, key: Hashable, images: Sequence[Summary], make: Callable[[Sequence[Summary]], T]) -> T:
        """What `make` made of this list under this key, made now where it was made of another one."""
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and kept[0] is images:
            return kept[1]
        made = make(images)
        with self._lock:
            self._kept[key] = (images, made)
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made


SeenLists = MadeOfLists[Sequence[Summary]]
"""What some may see of lists, by who they are."""
