"""What a provider says of itself, and its keys: asked for once an hour, and again where a key is new.

GET <issuer>/.well-known/openid-configuration      OpenID Connect Discovery 1.0, 4
GET <jwks_uri>                                     {"keys": […]}, RFC 7517
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lading.backends.openid.asking import Asking, Members
from lading.backends.openid.refusals import ProviderUnreadable
from lading.wire.message import Cancel

WELL_KNOWN = "/.well-known/openid-configuration"

FRESH_SECONDS = 60 * 60.0
"""How long what a provider says of itself is believed."""

AGAIN_SECONDS = 10.0
"""Keys are not asked for more often, whatever a token names: anybody can send one."""

DEFAULT_ALGORITHM = "RS256"
BASIC, POST = "client_secret_basic", "client_secret_post"


@dataclass(frozen=True, slots=True)
class Provider:
    """Its endpoints, as URLs, and what it can do."""

    issuer: str
    authorization: str
    token: str
    keys: str
    userinfo: str | None
    ending: str | None
    """Where a browser ends its session there (OpenID Connect RP-Initiated Logout 1.0)."""
    algorithms: frozenset[str]
    methods: frozenset[str]
    says_issuer: bool
    """Whether it names itself where it sends browsers back (RFC 9207)."""

    @property
    def posts_secret(self) -> bool:
        """Whether it takes a client's secret in the form alone."""
        return POST in self.methods and BASIC not in self.methods


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was said, and when on the clock."""

    provider: Provider
    at: float
    keys: Sequence[Members] = ()
    keys_at: float = field(default=float("-inf"))


class Discovery:
    """For any number of threads; `monotonic` tells seconds of whatever beginning."""

    def __init__(self, asking: Asking, monotonic: Callable[[], float]) -> None:
        self._asking, self._monotonic = asking, monotonic
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def provider(self, cancel: Cancel) -> Provider:
        """Raises as Asking.get."""
        kept = self._kept
        if kept is not None and self._monotonic() - kept.at < FRESH_SECONDS:
            return kept.provider
        url = self._asking.issuer.rstrip("/") + WELL_KNOWN
        provider = read_provider(self._asking.issuer, url, self._asking.get(url, cancel))
        with self._lock:
            self._kept = _Kept(provider, self._monotonic())
        return provider

    def keys(self, cancel: Cancel, *, anew: bool = False) -> Sequence[Members]:
        """As JSON Web Keys; `anew` where those that are kept do not do. Raises as Asking.get."""
        provider = self.provider(cancel)
        with self._lock:
            kept = self._kept
        age = float("inf") if kept is None else self._monotonic() - kept.keys_at
        if kept is not None and age < (AGAIN_SECONDS if anew else FRESH_SECONDS):
            return kept.keys
        said = self._asking.get(provider.keys, cancel).get("keys")
        if not isinstance(said, list):
            raise ProviderUnreadable(provider.keys, "it has no keys")
        keys = [each for each in said if isinstance(each, dict)]
        with self._lock:
            at = provider_at = self._monotonic()
            if self._kept is not None:
                provider_at = self._kept.at
            self._kept = _Kept(provider, provider_at, keys, at)
        return keys


def read_provider(issuer: str, url: str, document: Members) -> Provider:
    """Raises ProviderUnreadable where it names another issuer than the one asked for, or an endpoint is missing."""
    if document.get("issuer") != issuer:
        raise ProviderUnreadable(url, "its issuer is not exactly what the setting oidc-issuer says")
    return Provider(
        issuer,
        _address(document, "authorization_endpoint", url),
        _address(document, "token_endpoint", url),
        _address(document, "jwks_uri", url),
        _address(document, "userinfo_endpoint", url) if document.get("userinfo_endpoint") else None,
        _address(document, "end_session_endpoint", url) if document.get("end_session_endpoint") else None,
        _words(document, "id_token_signing_alg_values_supported") or frozenset({DEFAULT_ALGORITHM}),
        _words(document, "token_endpoint_auth_methods_supported") or frozenset({BASIC}),
        document.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(document: Members, name: str, url: str) -> str:
    said = document.get(name)
    try:
        parts = urlsplit(said) if isinstance(said, str) else None
    except ValueError:
        parts = None
    if parts is None or not isinstance(said, str) or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ProviderUnreadable(url, f"it has no {name}")
    return said


def _words(document: Members, name: str) -> frozenset[str]:
    said = document.get(name)
    return frozenset(word for word in said if isinstance(word, str)) if isinstance(said, list) else frozenset()
