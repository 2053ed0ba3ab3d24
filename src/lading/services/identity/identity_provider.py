"""A provider of single sign-on, as the service sees it: IdentityProvider, fulfilled by backends.openid."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from lading.services.access import NotLoggedIn
from lading.services.identity.identity_records import Subject
from lading.wire.message import Cancel


@dataclass(frozen=True, slots=True)
class LoginWanted:
    """What the provider is asked for: it sends the browser back to `redirect` with the same `state`, puts the `nonce`
    into what it says of the person, and gives that only to who knows what `challenge` is the SHA-256 of (PKCE, RFC
    7636)."""

    redirect: str
    state: str
    nonce: str
    challenge: str


@dataclass(frozen=True, slots=True)
class CodeShown:
    """What a browser brought back: a `code` that can be redeemed once, with what it was asked for. `issuer` is who says
    to have sent it (RFC 9207); None where that was not said."""

    code: str = field(repr=False)
    redirect: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says it is: what it calls the person, the best name first, and the groups."""

    subject: Subject
    names: tuple[str, ...] = ()
    groups: frozenset[str] = frozenset()


class IdentityProvider(Protocol):
    """For any number of threads."""

    def login_url(self, wanted: LoginWanted, cancel: Cancel) -> str:
        """Where the browser goes to log in. Raises NetworkFailed, ProtocolBroken, RateLimited, Cancelled, TimedOut."""

    def logout_url(self, redirect: str, cancel: Cancel) -> str | None:
        """Where the browser ends its session there, to be sent on to `redirect`; None where the provider has no such
        place. Raises as `login_url`."""

    def identity(self, shown: CodeShown, cancel: Cancel) -> Identity:
        """Who it was that logged in there. Raises as `login_url`, IdentityDoubtful, and AccessDenied where the
        provider does not take us."""


class Doubt(StrEnum):
    """What was wrong with what came from the provider, in the words of a log."""

    CODE = "the code was used before, has ended, or is another's"
    SENDER = "another provider sent it"
    UNSIGNED = "it is no signed token"
    ALGORITHM = "it is signed in a way that is not taken"
    SIGNATURE = "the provider's keys did not sign it"
    ISSUER = "another provider made it"
    AUDIENCE = "it is for another program"
    ENDED = "it has ended; or the clocks differ"
    EARLY = "it is from the future: the clocks differ"
    NONCE = "it is of another login"
    SUBJECT = "it names nobody"


class IdentityDoubtful(NotLoggedIn):
    """What came back does not prove who it is."""

    def __init__(self, doubt: Doubt) -> None:
        super().__init__(doubt)
        self.doubt = doubt

    def __str__(self) -> str:
        return f"the answer of single sign-on does not count: {self.doubt}"
