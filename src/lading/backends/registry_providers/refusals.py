"""How providers' APIs refuse, as errors of ours. Each says why in a dialect of its own, of which only codes are read.

Amazon      400 {"__type": "…#ExpiredTokenException", "message": "…"}
OAuth       400 {"error": "invalid_client", "error_description": "…"}      (RFC 6749, 5.2)
GitHub      403 with x-ratelimit-remaining: 0
"""

from __future__ import annotations

from dataclasses import replace

from lading.errors import AccessDenied, LadingError, ProtocolBroken, Side
from lading.wire.guard import authority
from lading.wire.json_answers import read_json
from lading.wire.message import Request, Response
from lading.wire.registry_errors import Refusal, TooManyRequests, refused
from lading.wire.retry import said_wait

_LOGIN_CODES = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "ExpiredTokenException",
        "ExpiredToken",
        "RequestExpired",
        "AccessDeniedException",
        "OptInRequired",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "access_denied",
    }
)
_CLOCK_CODES = frozenset({"InvalidSignatureException", "RequestExpired", "SignatureDoesNotMatch", "invalid_grant"})
_RATE_CODES = frozenset({"ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "LimitExceeded"})


class ProviderRefused(AccessDenied):
    """The provider does not take the login that a registry is configured with, or it may not do this; `reason` is the
    provider's code, or the status."""

    side = Side.CALLER
    hint = "Check the registry's login and the rights that its provider gives it."

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(host, reason)
        self.host, self.reason = host, reason
        if reason in _CLOCK_CODES:
            self.why = "The key does not fit, or the clock of this machine is wrong: what is signed carries the time."

    def __str__(self) -> str:
        return f"{self.host} does not take the registry's login: {self.reason}"


class AnswerUnreadable(ProtocolBroken):
    """A provider's API said yes, and what it answered is not what it should be."""

    side = Side.TARGET

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.host, self.reason = authority(url), reason

    def __str__(self) -> str:
        return f"{self.host} answered what cannot be used: {self.reason}"


def plain(response: Response) -> Response:
    """With the status that everybody else answers to too many requests, 429, where Amazon says so with a 400."""
    limited = response.status == 400 and _code(response.body) in _RATE_CODES
    return replace(response, status=429) if limited else response


def refusal(request: Request, response: Response, now: float) -> LadingError:
    """The typed error of an answer that is no success; `now` is in seconds since 1970."""
    code = _code(response.body)
    if _is_limit(response):
        return TooManyRequests(Refusal.of(request, response), said_wait(response.headers, now))
    if code in _LOGIN_CODES:
        return ProviderRefused(authority(request.url), code)
    if response.status in {401, 403}:
        return ProviderRefused(authority(request.url), f"status {response.status}")
    return refused(request, response)


def _is_limit(response: Response) -> bool:
    return response.status == 429 or (
        response.status == 403 and response.headers.get("x-ratelimit-remaining", "").strip() == "0"
    )


def _code(body: bytes) -> str:
    """Empty where it says none."""
    try:
        document = read_json(body)
    except ValueError:
        return ""
    if not isinstance(document, dict):
        return ""
    said = document.get("__type") or document.get("error") or document.get("code")
    return said.rpartition("#")[2] if isinstance(said, str) else ""
