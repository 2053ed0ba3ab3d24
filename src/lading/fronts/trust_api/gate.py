"""Who may come in to the trust server, and for what: this door asks the registry's gate, whose logins it shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lading.errors import LadingError, Side
from lading.fronts.http.exchange import IncomingRequest
from lading.services.access import Actor, NotLoggedIn, Permission
from lading.services.trust.records import Gun


class TokenWanted(NotLoggedIn):
    """What was shown does not open this; `challenge` is the field that says how to come by what does."""

    def __init__(self, challenge: str, reason: str) -> None:
        super().__init__(challenge, reason)
        self.challenge, self.reason = challenge, reason

    def __str__(self) -> str:
        return self.reason


class CallerForeign(LadingError):
    """The request was led here, by a name that is not ours or by a page of another site."""

    side = Side.CALLER
    code = "denied"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class Entry(Protocol):
    """One request that was let in."""

    @property
    def actor(self) -> Actor: ...

    def shown(self, repositories: Sequence[str]) -> Sequence[str]:
        """Those of them that it may know of."""


class Gate(Protocol):
    """Lets requests in."""

    def gun(self, request: IncomingRequest, text: str) -> Gun | None:
        """The collection of that name; None where its registry is not this one."""

    def admit(self, request: IncomingRequest, permission: Permission, gun: Gun | None) -> Entry:
        """`gun` None: to what is about all of them. Raises TokenWanted, CallerForeign, TooManyAttempts, PasswordsBusy,
        StorageFailed; RequestRefused (503) where as many are let in as there may be."""
