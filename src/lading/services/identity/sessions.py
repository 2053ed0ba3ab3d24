"""Sessions: what a browser's cookie stands for, between a login and its end.

cookie = 32 random bytes, kept as their hash     made new at every login, so that nobody can prepare one
ends     a week after the login, or a day after it was last used; at logout; with a new password; with its user
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lading.services.identity.login_records import SessionRecords, SessionRow
from lading.services.schedules import Chore
from lading.services.secrets import unguessable

COOKIE_BYTES = 32
LONGEST_COOKIE = 200
"""Characters; ours have 43."""

TOUCH_SECONDS = 60.0
"""A session's use is written down at most so often."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds: of a session at most, and of one that nobody uses."""

    longest: float = 7 * 24 * 60 * 60.0
    idle: float = 24 * 60 * 60.0


class Sessions:
    """For any number of threads. Every method raises StorageFailed."""

    def __init__(
        self,
        records: SessionRecords,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        lifetimes: Lifetimes | None = None,
    ) -> None:
        """`clock` tells seconds since 1970; `random` gives so many bytes that nobody can guess."""
        self._records, self._clock, self._random = records, clock, random
        self._lifetimes = lifetimes or Lifetimes()

    def open(self, user: int, address: str) -> tuple[str, SessionRow] | None:
        """The cookie's value, and the row; None where the user is gone meanwhile."""
        cookie = unguessable(self._random, COOKIE_BYTES)
        now = self._clock()
        expires = self._end(now, now)
        row = SessionRow(cookie_hash(cookie), user, now, now, expires, address)
        return (cookie, row) if self._records.add_session(row) else None

    def find(self, cookie: str) -> SessionRow | None:
        """The session that the cookie opens, which has now been used; None where there is none any more."""
        if len(cookie) > LONGEST_COOKIE:
            return None
        row = self._records.session(cookie_hash(cookie))
        if row is None:
            return None
        now = self._clock()
        if now >= row.expires:
            self._records.remove_session(row.hash)
            return None
        if now - row.seen < TOUCH_SECONDS:
            return row
        expires = self._end(row.created, now)
        used = self._records.touch_session(row.hash, now, expires)
        return replace(row, seen=now, expires=expires) if used else None

    def close(self, cookie: str) -> int | None:
        """Whose it was; None where there was none."""
        row = self._records.session(cookie_hash(cookie)) if len(cookie) <= LONGEST_COOKIE else None
        return row.user if row is not None and self._records.remove_session(row.hash) else None

    def close_all(self, user: int, but: str | None = None) -> None:
        """All of this user's, but the one that this cookie opens."""
        self._records.remove_sessions(user, None if but is None else cookie_hash(but))

    def chores(self) -> Sequence[Chore]:
        """What is done about them from time to time."""
        drop = self._records.forget_sessions
        return (Chore("session expiry", 60 * 60.0, lambda: drop(self._clock())),)

    def _end(self, created: float, seen: float) -> float:
        return min(created + self._lifetimes.longest, seen + self._lifetimes.idle)


def cookie_hash(cookie: str) -> str:
    """What a session is found by. The cookie's 256 random bits need no slow hash: there is nothing to guess from."""
    return hashlib.sha256(b"lading session\0" + cookie.encode("utf-8", "replace")).hexdigest()
