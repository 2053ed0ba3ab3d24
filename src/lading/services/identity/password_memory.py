"""Passwords found right a short while ago, so that not every request of a Basic client costs a slow check.

Remembered is a keyed hash of user and password, whose key is this process's own, beside the stored hash that the
password was found right against. A changed password has another stored hash: so it is forgotten at once, also where
another process changed it.
"""

from __future__ import annotations

import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable

from lading.services.identity.user_records import UserRow

KEY_BYTES = 32
REMEMBER_SECONDS = 5 * 60.0
MOST_REMEMBERED = 1000


class PasswordMemory:
    """For any number of threads; the one that was found the longest ago goes first."""

    def __init__(self, key: bytes, clock: Callable[[], float]) -> None:
        """`key` are KEY_BYTES random bytes; `clock` tells seconds."""
        self._key, self._clock = key, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, tuple[str | None, float]] = OrderedDict()

    def remember(self, user: UserRow, password: str) -> None:
        """It was right just now."""
        digest = self._digest(user, password)
        with self._lock:
            self._kept[digest] = (user.password_hash, self._clock() + REMEMBER_SECONDS)
            self._kept.move_to_end(digest)
            if len(self._kept) > MOST_REMEMBERED:
                self._kept.popitem(last=False)

    def knows(self, user: UserRow, password: str) -> bool:
        """Whether it was right a short while ago, and the user's password is still the same."""
        digest = self._digest(user, password)
        with self._lock:
            found = self._kept.get(digest)
            if found is None:
                return False
            hashed, until = found
            if hashed is None or hashed != user.password_hash or self._clock() >= until:
                del self._kept[digest]
                return False
            return True

    def _digest(self, user: UserRow, password: str) -> bytes:
        return hmac.digest(self._key, f"{user.id}\0{password}".encode("utf-8", "replace"), "sha256")
