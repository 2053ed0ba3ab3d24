"""argon2id, a few at a time: each check takes the memory that makes guessing dear, and that memory is ours.

    AT_ONCE checks run ── others wait, at most WAITING of them ── the rest is told to come again

The parameters are OWASP's for argon2id with the least memory: 19 MiB, two passes, one lane.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from lading.services.identity.passwords import Checked, PasswordsBusy

AT_ONCE = 2
WAITING = 20


class ArgonPasswords:
    """Fulfils services.identity.passwords.Passwords."""

    def __init__(
        self,
        *,
        passes: int = 2,
        memory_kib: int = 19 * 1024,
        lanes: int = 1,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
    ) -> None:
        self._hasher = PasswordHasher(passes, memory_kib, lanes, type=Type.ID)
        self._working = threading.BoundedSemaphore(at_once)
        self._places = threading.BoundedSemaphore(at_once + waiting)

    def hash(self, password: str) -> str:
        with self._place():
            return self._hasher.hash(password)

    def check(self, hash: str | None, password: str) -> Checked:  # noqa: A002  it is one
        known = self._nobody if hash is None else hash
        with self._place():
            right = self._is_right(known, password)
        if hash is None or not right:
            return Checked.WRONG
        return Checked.STALE if self._hasher.check_needs_rehash(hash) else Checked.RIGHT

    @cached_property
    def _nobody(self) -> str:
        """What the passwords of users that are not there are checked against."""
        with self._place():
            return self._hasher.hash("nobody")

    def _is_right(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Raises PasswordsBusy."""
        if not self._places.acquire(blocking=False):
            raise PasswordsBusy
        try:
            with self._working:
                yield
        finally:
            self._places.release()
