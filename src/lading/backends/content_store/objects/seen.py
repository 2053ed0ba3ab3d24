"""What was seen in the bucket, leased, a moment ago: it need not be looked for again while that lease is young.

No collection removes what is leased, for a day. What is moved aside because its bytes are damaged goes all the same;
who is told that it is here learns of that some minutes later, as whoever was told a moment before.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from lading.oci.digest import Digest

SEEN_SECONDS = 10 * 60.0
MOST_SEEN = 10_000


class Seen:
    """For any number of threads; bounded."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._at: OrderedDict[Digest, float] = OrderedDict()

    def add(self, digests: Iterable[Digest]) -> None:
        """These are here now, and leased."""
        now = self._clock()
        with self._lock:
            for digest in digests:
                self._at[digest] = now
                self._at.move_to_end(digest)
            while len(self._at) > MOST_SEEN:
                self._at.popitem(last=False)

    def lately(self, digest: Digest) -> bool:
        """Whether it was here a moment ago."""
        with self._lock:
            at = self._at.get(digest)
        return at is not None and self._clock() - at < SEEN_SECONDS

    def forget(self, digest: Digest) -> None:
        """It is not here any more, or perhaps not."""
        with self._lock:
            self._at.pop(digest, None)
