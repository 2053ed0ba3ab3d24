"""Asking a provider: JSON over TLS, nothing redirected, and no way from it into a private network that it is not in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from lading.backends.openid.refusals import PlainTextProvider, ProviderUnreadable, refusal
from lading.wire.guard import authority, may_carry_secrets, referrer
from lading.wire.json_answers import read_json
from lading.wire.message import BytesContent, Cancel, Request, Transport

Members = Mapping[str, object]

ANSWER_SECONDS = 10.0
"""Somebody waits for it."""


@dataclass(frozen=True, slots=True)
class Asking:
    """`issuer` is the URL that is configured: other addresses are known from its answer alone."""

    transport: Transport
    issuer: str

    def get(self, url: str, cancel: Cancel, headers: Mapping[str, str] | None = None) -> Members:
        """The members of the object there. Raises PlainTextProvider, ProviderUnreadable, ClientRefused, and what
        Transport.send and `refused` do."""
        return self._asked(self._request("GET", url, headers or {}), cancel)

    def post_form(self, url: str, fields: Mapping[str, str], cancel: Cancel, headers: Mapping[str, str]) -> Members:
        """As `get`, and IdentityDoubtful."""
        sent = {"content-type": "application/x-www-form-urlencoded", **headers}
        return self._asked(self._request("POST", url, sent, BytesContent(urlencode(fields).encode())), cancel)

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], content: BytesContent | None = None
    ) -> Request:
        if not may_carry_secrets(url, plain_allowed=False):
            raise PlainTextProvider(authority(url))
        return Request(
            method,
            url,
            {"accept": "application/json", **headers},
            content,
            referred_by=referrer(self.issuer, url),
            answer_seconds=ANSWER_SECONDS,
            stall_seconds=ANSWER_SECONDS,
        )

    def _asked(self, request: Request, cancel: Cancel) -> Members:
        response = self.transport.send(request, cancel)
        if response.status != 200:
            raise refusal(request, response)
        try:
            document = read_json(response.body)
        except ValueError as error:
            raise ProviderUnreadable(request.url, "it is not JSON") from error
        if not isinstance(document, dict):
            raise ProviderUnreadable(request.url, "it is no JSON object")
        return document
