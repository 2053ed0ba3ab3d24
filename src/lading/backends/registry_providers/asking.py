"""Asking a provider's API: one request, repeated where it limits the rate, and lists page after page.

Nothing is redirected: a login goes to the address that the provider, or whoever configured the registry, names.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urljoin, urlsplit

from lading.backends.registry_providers.refusals import AnswerUnreadable, plain, refusal
from lading.errors import NetworkFailed
from lading.oci.reference import ReferenceInvalid, check_path
from lading.services.registries.minting import ProviderLogin
from lading.services.registries.providers import API_URL
from lading.wire.authorize import PlainTextLogin
from lading.wire.endpoint import Tls
from lading.wire.guard import authority, host_name, may_carry_secrets
from lading.wire.json_answers import read_json
from lading.wire.listing import following
from lading.wire.message import BytesContent, Cancel, Request, Response, Transport
from lading.wire.registry_urls import api_host
from lading.wire.retry import Patience, decide

PATIENCE = Patience(attempts=3, limited_attempts=4, longest=5.0, limited_longest=10.0, wait=30.0, whole=60.0)
"""Somebody waits for the answer: a provider that wants to be left alone for longer is reported instead."""

PAGE_LIMIT = 1000
"""Pages of one list: more than ten thousand names, which is what an answer holds, at the fewest names a page."""

Headers = Mapping[str, str]
Members = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """JSON that was answered, and the exchange it came by."""

    document: object
    request: Request = field(repr=False)
    response: Response = field(repr=False)

    @property
    def members(self) -> Members:
        """Of an object. Raises AnswerUnreadable."""
        if not isinstance(self.document, dict):
            raise AnswerUnreadable(self.request.url, "it is no JSON object")
        return self.document

    def text(self, name: str) -> str:
        """A member that must be there. Raises AnswerUnreadable."""
        value = self.members.get(name)
        if not isinstance(value, str) or not value:
            raise AnswerUnreadable(self.request.url, f"it has no {name}")
        return value

    @property
    def linked(self) -> str | None:
        """The next page, as a Link field says (RFC 8288)."""
        return following(self.request, self.response)


@dataclass(frozen=True, slots=True)
class Api:
    """One provider, asked with one login. `clock` gives seconds since 1970, `random` numbers from 0 to 1."""

    transport: Transport
    login: ProviderLogin
    cancel: Cancel
    clock: Callable[[], float]
    random: Callable[[], float]

    def base(self, usual: str) -> str:
        """The API's address without a last slash: the usual one, or what the registry is configured with."""
        return self.login.fields.get(API_URL, usual).rstrip("/")

    @property
    def registry(self) -> str:
        """The registry's own address: scheme://host[:port]."""
        endpoint = self.login.endpoint
        return f"{'http' if endpoint.tls is Tls.HTTP else 'https'}://{api_host(endpoint.host)}"

    def get(self, url: str, headers: Headers) -> Answer:
        """Raises AccessDenied, NotFound, RateLimited, NetworkFailed, ProtocolBroken, Cancelled."""
        return self.ask(Request("GET", url, {"accept": "application/json", **headers}))

    def post_form(self, url: str, fields: Mapping[str, str]) -> Answer:
        """As an HTML form is sent."""
        headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
        return self.ask(Request("POST", url, headers, BytesContent(urlencode(fields).encode())))

    def ask(self, request: Request) -> Answer:
        """What came of a request that may be repeated; raises as `get`."""
        allowed = self.login.endpoint.tls is Tls.HTTP and self._at_the_registry(request.url)
        if not may_carry_secrets(request.url, plain_allowed=allowed):
            raise PlainTextLogin(authority(request.url))
        response = self._answered(request)
        if response.status not in {200, 201}:
            raise refusal(request, response, self.clock())
        try:
            return Answer(read_json(response.body), request, response)
        except ValueError as error:
            raise AnswerUnreadable(request.url, "it is not JSON") from error

    def pages(self, first: str, headers: Headers, following: Callable[[Answer], str | None]) -> Iterator[Answer]:
        """A list's pages, on the host that was asked alone; one that was seen before is the end.

        Raises as `get`, and AnswerUnreadable where there is no end.
        """
        url: str | None = first
        seen: set[str] = set()
        while url is not None and url not in seen:
            if len(seen) == PAGE_LIMIT:
                raise AnswerUnreadable(first, f"it has more than {PAGE_LIMIT} pages")
            seen.add(url)
            answer = self.get(url, headers)
            yield answer
            there = following(answer)
            url = None if there is None else self._same(first, there)

    def _same(self, first: str, there: str) -> str:
        whole = urljoin(first, there)
        if (urlsplit(whole).scheme, authority(whole)) != (urlsplit(first).scheme, authority(first)):
            raise AnswerUnreadable(first, "its next page is at another host")
        return whole

    def _at_the_registry(self, url: str) -> bool:
        return host_name(authority(url)) == host_name(self.login.endpoint.host)

    def _answered(self, request: Request) -> Response:
        began, attempt = self.clock(), 0
        while True:
            attempt += 1
            outcome = self._tried(request)
            now = self.clock()
            again = decide(
                outcome,
                attempt,
                now - began,
                met=False,
                now=now,
                jitter=self.random(),
                patience=PATIENCE,
            )
            if again is None:
                if isinstance(outcome, Response):
                    return outcome
                raise outcome
            self.cancel.wait(again.seconds)

    def _tried(self, request: Request) -> Response | NetworkFailed:
        try:
            return plain(self.transport.send(request, self.cancel))
        except NetworkFailed as error:
            return error


def basic(username: str, password: str) -> Headers:
    """A login as RFC 7617 sends it."""
    return {"authorization": f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"}


def bearer(token: str) -> Headers:
    """A token as RFC 6750 sends it."""
    return {"authorization": f"Bearer {token}"}


def objects(value: object) -> Iterator[Members]:
    """The objects of a list; whatever else stands there, or is no list, is passed over."""
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))


def paths(names: Iterable[object]) -> Iterator[str]:
    """Those that are repositories' paths, as references write them."""
    for name in names:
        if isinstance(name, str):
            path = name.strip("/").lower()
            try:
                check_path(path, path)
            except ReferenceInvalid:
                continue
            yield path


def parted(text: str) -> tuple[str, ...]:
    """Names parted by commas."""
    return tuple(name for name in (each.strip() for each in text.split(",")) if name)
