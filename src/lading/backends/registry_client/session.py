"""Conversations held with one registry: login, patience and back-off around single exchanges.

run        first contact: https, where allowed then http; afterwards what has worked
└ _drive   one conversation: its requests asked, their outcomes told to it, losses thrown into it
  └ _ask   one request: repeated where that costs no body, delivered or given up otherwise
    └ _enter   one exchange with the login it needs; a 401 renews it, and never repeats a body
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from lading.backends.registry_client.host import Host
from lading.backends.registry_client.logins import Grant, Logins, Visitor
from lading.backends.registry_client.source_watch import SourceWatch
from lading.errors import LadingError, NetworkFailed, TlsRefused
from lading.wire.authorize import Credential, Scope
from lading.wire.guard import authority, may_carry_secrets
from lading.wire.message import (
    Cancel,
    ConnectFailed,
    ConnectionLost,
    Conversation,
    PlainHttpAnswered,
    ReadFailed,
    Request,
    Response,
    Stalled,
    TlsExpected,
    Transport,
)
from lading.wire.registry_errors import (
    LoginNeeded,
    LoginRefused,
    Refusal,
    TooManyRequests,
    Unauthorized,
    parse,
    refused,
)
from lading.wire.registry_urls import Root, url
from lading.wire.retry import PATIENCE, TRANSIENT, Again, Patience, decide, may_repeat, said_wait

T = TypeVar("T")

RENEWALS = 3
"""How often a body may meet a 401 without getting any further."""


class LoginRenewed(ConnectionLost):
    """A body met a 401 and the login has been renewed since: for the conversation it is a loss like any other."""

    def __init__(self, host: str) -> None:
        super().__init__(host, "the login ended while a body was sent")


class Watch(Protocol):
    """Is told how a conversation's bodies fare."""

    def passing(self, request: Request) -> Callable[[int], None]:
        """A body begins to move: what to call after every so many bytes."""

    def waiting(self, again: Again) -> None:
        """It did not work, and will be tried again."""


class _Silence:
    """Nobody watches."""

    def passing(self, _request: Request) -> Callable[[int], None]:
        return lambda _count: None

    def waiting(self, _again: Again) -> None:
        """Nothing to tell."""


SILENCE = _Silence()


class Tries:
    """What has been tried since it last got further; times are seconds since 1970."""

    def __init__(self, now: float) -> None:
        self.began = now
        self.count = 0
        self.renewals = 0
        self._furthest = 0

    def look(self, request: Request, now: float) -> None:
        """A body that begins later than any before is progress."""
        if request.body_size and request.start > self._furthest:
            self._furthest, self.began, self.count, self.renewals = request.start, now, 0, 0


@dataclass(frozen=True, slots=True)
class _Errand:
    """What one conversation is held with; no `visitor`: without any login."""

    visitor: Visitor | None
    cancel: Cancel
    watch: Watch


class Session:
    """One credential at one host. Thread-safe: what it knows is in the host and its logins."""

    def __init__(
        self,
        host: Host,
        logins: Logins,
        transport: Transport,
        credential: Credential | None,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        patience: Patience = PATIENCE,
    ) -> None:
        self.host, self._logins, self._transport = host, logins, transport
        self._given = credential
        self._clock, self._random, self._patience = clock, random, patience

    @property
    def credential(self) -> Credential | None:
        """The login of this moment. Raises what renewing it does."""
        return None if self._given is None else self._given.current

    def takes(self, scope: Scope) -> bool:
        """Whether the token service has not refused this scope."""
        return self._logins.takes(self.credential, scope)

    def run(
        self,
        make: Callable[[str], Conversation[T]],
        scopes: tuple[Scope, ...],
        cancel: Cancel,
        watch: Watch = SILENCE,
    ) -> T:
        """Hold the conversation that `make` begins for an origin (scheme://host[:port]), to its end.

        Raises what the conversation does, LoginNeeded, LoginRefused, and the failures of the network when patience is
        over.
        """
        visitor = Visitor(self.credential, scopes, lambda dance: self._drive(dance, _Errand(None, cancel, SILENCE)))
        tried: dict[str, LadingError] = {}
        while origin := next((origin for origin in self.host.origins if origin not in tried), None):
            try:
                return self._drive(make(origin), _Errand(visitor, cancel, watch))
            except (PlainHttpAnswered, ConnectFailed) as error:
                if self.host.met and origin in self.host.origins:
                    raise
                tried[origin] = error  # nothing was asked yet; another thread may have found the right way meanwhile
            except Unauthorized as error:
                raise self._named(error) from error
        raise next(iter(tried.values()))

    def patient(self, outcome: Response | NetworkFailed, tries: Tries) -> Again | None:
        """Whether to go on after this outcome, and when."""
        tries.count += 1
        now = self._clock()
        elapsed, met, jitter = now - tries.began, self.host.met, self._random()
        return decide(outcome, tries.count, elapsed, met=met, now=now, jitter=jitter, patience=self._patience)

    def tries(self) -> Tries:
        """A fresh count."""
        return Tries(self._clock())

    def _named(self, error: Unauthorized) -> Unauthorized:
        """Say whose login was not taken, or that there was none."""
        if self._given is None:
            return LoginNeeded(error.refusal, self.host.registry)
        return LoginRefused(error.refusal, self.host.registry, self._given.source or "this command")

    def _drive(self, conversation: Conversation[T], errand: _Errand) -> T:
        bodies = self.tries()
        try:
            request = next(conversation)
            while True:
                bodies.look(request, self._clock())
                outcome = self._ask(request, errand, bodies)
                request = conversation.send(outcome) if isinstance(outcome, Response) else conversation.throw(outcome)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            conversation.close()

    def _ask(self, request: Request, errand: _Errand, bodies: Tries) -> Response | NetworkFailed:
        """What to tell the conversation, or to throw into it, after the wait that it asks for.

        Whatever asking again can cure without a body is cured here. Raises what patience is over for.
        """
        tries = self.tries() if may_repeat(request) else bodies
        while True:
            outcome = self._outcome(request, errand, tries)
            if isinstance(outcome, LoginRenewed) or (isinstance(outcome, Response) and outcome.status not in TRANSIENT):
                return outcome
            again = self.patient(outcome, tries)
            if again is None:
                return self._given_up(request, outcome)
            self._pause(again, errand)
            if not may_repeat(request) and not isinstance(outcome, ConnectFailed):
                return outcome

    def _given_up(self, request: Request, outcome: Response | NetworkFailed) -> Response:
        """The conversation may still find another way where it only asked; a body is not offered again."""
        if isinstance(outcome, NetworkFailed):
            raise outcome
        if outcome.status == 429:
            said = said_wait(outcome.headers, self._clock())
            raise TooManyRequests(Refusal.of(request, outcome), said)
        if not may_repeat(request):
            raise refused(request, outcome)
        return outcome

    def _pause(self, again: Again, errand: _Errand) -> None:
        errand.watch.waiting(again)
        if again.shared:
            self.host.hold(again)
        errand.cancel.wait(again.seconds)

    def _outcome(self, request: Request, errand: _Errand, tries: Tries) -> Response | NetworkFailed:
        """The answer, or how the network failed. What the content's own source fails with is raised."""
        if request.content is None:
            return self._attempt(request, errand, tries)
        content = SourceWatch(request.content)
        try:
            return self._attempt(replace(request, content=content), errand, tries)
        except ReadFailed:
            if content.failure is not None:
                raise content.failure from None
            raise

    def _attempt(self, request: Request, errand: _Errand, tries: Tries) -> Response | NetworkFailed:
        try:
            if errand.visitor is None or not self._is_ours(request.url):
                return self._send(request, None, errand)
            return self._enter(request, errand.visitor, errand, tries)
        except (ConnectionLost, Stalled) as error:
            return error
        except ConnectFailed as error:
            if not self.host.met:
                raise
            return error

    def _enter(self, request: Request, visitor: Visitor, errand: _Errand, tries: Tries) -> Response:
        """One exchange with the login it needs; a 401 renews the login, and the question, but never a body."""
        visitor = replace(visitor, credential=self.credential)
        grant = self._logins.grant(visitor, request)
        while True:
            self.host.wait(errand.cancel)
            response = self._send(request, grant, errand)
            self._meet(request, response, errand)
            if response.status != 401:
                if grant is not None:
                    grant.proven = True
                return response
            renewed = self._logins.renew(visitor, request, self._challenged(response, request, errand), grant)
            if renewed is None or tries.renewals >= RENEWALS:
                return response
            if request.body_size:
                tries.renewals += 1
                raise LoginRenewed(self.host.authority)
            grant = renewed

    def _challenged(self, response: Response, request: Request, errand: _Errand) -> Response:
        """The 401 that names the way in; some registries (Google's) do so only at the root."""
        if "www-authenticate" in response.headers:
            return response
        parts = urlsplit(request.url)
        root = Request("GET", url(f"{parts.scheme}://{parts.netloc}", Root()))
        return self._send(root, None, errand)

    def _meet(self, request: Request, response: Response, errand: _Errand) -> None:
        """The host has answered. What answers plain HTTP with 400 at first contact, and not in a registry's own words,
        may be a port that wants TLS."""
        refused_plainly = request.url.startswith("http:") and response.status == 400 and not parse(response.body)
        if refused_plainly and not self.host.met:
            if len(self.host.origins) > 1:
                raise ConnectFailed(self.host.authority, "it does not answer in plain HTTP any more")
            if self._wants_tls(errand):
                raise TlsExpected(self.host.authority)
        self.host.answered(request.url, response)

    def _wants_tls(self, errand: _Errand) -> bool:
        """Whether a port that was to be spoken to without TLS speaks it, with whatever certificate."""
        try:
            self._transport.send(Request("GET", url(f"https://{self.host.authority}", Root())), errand.cancel)
        except NetworkFailed as error:
            return isinstance(error, TlsRefused) and not isinstance(error, PlainHttpAnswered)
        return True

    def _send(self, request: Request, grant: Grant | None, errand: _Errand) -> Response:
        if grant is not None:
            request = replace(request, headers={**request.headers, "authorization": grant.header})
        if not request.body_size:
            return _unechoed(request, self._transport.send(request, errand.cancel))
        told, began, moved = errand.watch.passing(request), self._clock(), 0

        def passed(count: int) -> None:
            nonlocal moved
            moved += count
            told(count)

        try:
            return _unechoed(request, self._transport.send(request, errand.cancel, passed))
        finally:
            self.host.sent(moved, self._clock() - began)

    def _is_ours(self, address: str) -> bool:
        """Whether it is the registry itself, reached as it may be: no login goes to any other host, and none leaves TLS
        because another host has sent us back here without it."""
        scheme = urlsplit(address).scheme
        here = authority(address) == authority(f"{scheme}://{self.host.authority}")
        return here and may_carry_secrets(address, plain_allowed=self.host.plain_allowed)


def _unechoed(request: Request, response: Response) -> Response:
    """A refusal's text is shown and logged; servers and proxies that are being debugged repeat our login in it."""
    login = request.headers.get("authorization", "").partition(" ")[2]
    if response.status < 400 or not login:
        return response
    return replace(response, body=response.body.replace(login.encode(), b"***"))
