"""How often somebody may try to log in, where several processes let people in: what fails at one of them counts
at every one.

    wrong password here ─▶ counted here ── login/<who says so>/failed/<account>/<address> ──▶ counted everywhere
    right one, after wrong ones ─▶ forgotten here ── login/…/right/… ──▶ forgotten everywhere

Else whoever guesses had as many free attempts as there are processes, and as many pauses beside each other. What is
told is a keyed hash: people type passwords where a name belongs. A wake-up that is lost is an attempt that counts in
one place.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from lading.services.identity.throttling import Throttle, place_of

TOPIC = "login/"

FAILED, RIGHT = "failed", "right"

HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class SharedThrottle:
    """Fulfils services.identity.authentication.Attempts. `name` is this process's alone, `key` the same to all."""

    throttle: Throttle
    tell: Callable[[str], None]
    name: str
    key: bytes = field(repr=False)

    def begin(self, account: str, address: str) -> None:
        """As Throttle. Raises TooManyAttempts."""
        self.throttle.begin(*self._hidden(account, address))

    def failed(self, account: str, address: str) -> None:
        """It was wrong."""
        self._tell(FAILED, account, address)

    def succeeded(self, account: str, address: str) -> None:
        """As Throttle."""
        if self.throttle.succeeded(*self._hidden(account, address)):
            self._tell(RIGHT, account, address)

    def undone(self, account: str, address: str) -> None:
        """As Throttle."""
        self.throttle.undone(*self._hidden(account, address))

    def woken(self, topic: str | None) -> None:
        """For `Wakes.listening`: another process may have let somebody try."""
        match (topic or "").removeprefix(TOPIC).split("/"):
            case [name, what, account, address] if name != self.name:
                if what == FAILED:
                    self.throttle.count(account, address)
                elif what == RIGHT:
                    self.throttle.forget(account, address)

    def _tell(self, what: str, account: str, address: str) -> None:
        self.tell(f"{TOPIC}{self.name}/{what}/{'/'.join(self._hidden(account, address))}")

    def _hidden(self, account: str, address: str) -> tuple[str, str]:
        """What nobody without the key can guess; the same in every process."""
        place = place_of(address)
        return self._hash("account", account, place), self._hash("address", place)

    def _hash(self, *said: str) -> str:
        text = "\0".join(("lading failed login", *said)).encode("utf-8", "replace")
        return hmac.digest(self.key, text, "sha256")[:HASH_BYTES].hex()
