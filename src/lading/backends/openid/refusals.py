"""How providers of single sign-on refuse, as errors of ours.

Token endpoint      400 {"error": "invalid_grant", "error_description": "…"}      (RFC 6749, 5.2)
"""

from __future__ import annotations

from lading.errors import AccessDenied, LadingError, ProtocolBroken, Side
from lading.services.identity.identity_provider import Doubt, IdentityDoubtful
from lading.wire.guard import authority
from lading.wire.json_answers import read_json
from lading.wire.message import Request, Response
from lading.wire.registry_errors import refused

_CLIENT_CODES = frozenset({"invalid_client", "unauthorized_client", "unsupported_grant_type"})


class ClientRefused(AccessDenied):
    """The provider does not take us: `reason` is its code, or the status."""

    side = Side.LADING
    code = "sign_on"
    hint = "Check the settings oidc-client-id and oidc-client-secret, and what the provider has of this client."

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(host, reason)
        self.host, self.reason = host, reason

    def __str__(self) -> str:
        return f"{self.host} does not take this server as its client: {self.reason}"


class PlainTextProvider(AccessDenied):
    """What proves who somebody is would travel in plain HTTP."""

    side = Side.LADING
    code = "tls"
    hint = "Plain HTTP is taken of a provider on this machine alone: give the provider a certificate."

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host

    def __str__(self) -> str:
        return f"the provider of single sign-on at {self.host} has no TLS"


class ProviderUnreadable(ProtocolBroken):
    """The provider answered, and what it answered is not what it should be."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.host, self.reason = authority(url), reason

    def __str__(self) -> str:
        return f"{self.host} answered what cannot be used for single sign-on: {self.reason}"


def refusal(request: Request, response: Response) -> LadingError:
    """The typed error of an answer that is no success."""
    code = _code(response.body)
    if code == "invalid_grant":
        return IdentityDoubtful(Doubt.CODE)
    if code in _CLIENT_CODES or response.status in {401, 403}:
        return ClientRefused(authority(request.url), code or f"status {response.status}")
    return refused(request, response)


def _code(body: bytes) -> str:
    """Empty where it says none that could be one."""
    try:
        document = read_json(body)
    except ValueError:
        return ""
    said = document.get("error") if isinstance(document, dict) else None
    return said if isinstance(said, str) and said.isascii() and said.isidentifier() else ""
