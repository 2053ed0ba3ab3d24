"""A provider of single sign-on, by OpenID Connect: the code flow with PKCE, for one client.

browser ─▶ authorization endpoint ─code─▶ browser ─▶ us ─code, verifier─▶ token endpoint ─▶ ID token
                                                        └─ access token ─▶ userinfo, where a claim is only there
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

from lading.backends.openid.asking import Asking, Members
from lading.backends.openid.discovery import Discovery, Provider
from lading.backends.openid.id_token import Expected, proven
from lading.backends.openid.refusals import ProviderUnreadable
from lading.services.identity.identity_provider import CodeShown, Doubt, Identity, IdentityDoubtful, LoginWanted
from lading.services.identity.identity_records import Subject
from lading.wire.message import Cancel, Transport

NAMES = ("preferred_username", "email", "name")
"""Claims that say what somebody is called, the best first. None of them proves who it is."""

MOST_GROUPS = 10_000


@dataclass(frozen=True, slots=True)
class Client:
    """What the provider has of us. Without a `secret` PKCE alone proves that it is we who redeem. `groups` is the claim
    that holds them: its name, or a path of names with dots between them."""

    issuer: str
    id: str
    secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups: str = "groups"


class OpenIdProvider:
    """Fulfils services.identity.identity_provider.IdentityProvider."""

    def __init__(
        self, client: Client, transport: Transport, clock: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        """`clock` tells seconds since 1970, `monotonic` those of whatever beginning."""
        self._client, self._clock = client, clock
        self._asking = Asking(transport, client.issuer)
        self._discovery = Discovery(self._asking, monotonic)

    def login_url(self, wanted: LoginWanted, cancel: Cancel) -> str:
        asked = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": wanted.redirect,
            "scope": " ".join(dict.fromkeys(("openid", *self._client.scopes))),
            "state": wanted.state,
            "nonce": wanted.nonce,
            "code_challenge": wanted.challenge,
            "code_challenge_method": "S256",
        }
        return _with_query(self._discovery.provider(cancel).authorization, asked)

    def logout_url(self, redirect: str, cancel: Cancel) -> str | None:
        """By the client alone, for no token of the person's is kept here (RP-Initiated Logout 1.0, 2)."""
        ending = self._discovery.provider(cancel).ending
        asked = {"client_id": self._client.id, "post_logout_redirect_uri": redirect}
        return None if ending is None else _with_query(ending, asked)

    def identity(self, shown: CodeShown, cancel: Cancel) -> Identity:
        provider = self._discovery.provider(cancel)
        _check_sender(provider, shown.issuer)
        given = self._redeemed(provider, shown, cancel)
        token = given.get("id_token")
        if not isinstance(token, str):
            raise ProviderUnreadable(provider.token, "it has no id_token")
        expected = Expected(provider.issuer, self._client.id, shown.nonce, provider.algorithms, self._clock())
        claims = proven(token, lambda anew: self._discovery.keys(cancel, anew=anew), expected)
        return self._told(provider, claims, given.get("access_token"), cancel)

    def _redeemed(self, provider: Provider, shown: CodeShown, cancel: Cancel) -> Members:
        fields = {
            "grant_type": "authorization_code",
            "code": shown.code,
            "redirect_uri": shown.redirect,
            "code_verifier": shown.verifier,
        }
        headers: dict[str, str] = {}
        if self._client.secret is None:
            fields["client_id"] = self._client.id
        elif provider.posts_secret:
            fields |= {"client_id": self._client.id, "client_secret": self._client.secret}
        else:
            headers["authorization"] = _basic(self._client.id, self._client.secret)
        return self._asking.post_form(provider.token, fields, cancel, headers)

    def _told(self, provider: Provider, claims: Members, access: object, cancel: Cancel) -> Identity:
        """With what only the userinfo endpoint says (OpenID Connect Core 1.0, 5.3)."""
        subject = str(claims["sub"])
        lacks = found(claims, self._client.groups) is None or not isinstance(claims.get(NAMES[0]), str)
        if lacks and provider.userinfo is not None and isinstance(access, str) and access.isascii():
            said = self._asking.get(provider.userinfo, cancel, {"authorization": f"Bearer {access}"})
            if said.get("sub") != subject:
                raise IdentityDoubtful(Doubt.SUBJECT)
            claims = {**said, **claims}
        names = tuple(name for claim in NAMES if isinstance(name := claims.get(claim), str))
        return Identity(Subject(provider.issuer, subject), names, frozenset(_groups(claims, self._client.groups)))


def _with_query(url: str, asked: Mapping[str, str]) -> str:
    """Beside what stands there already."""
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *asked.items()])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def found(claims: Members, name: str) -> object:
    """The claim of that name; or, where none has it, what a path of names leads to; None where that is nothing."""
    if name in claims:
        return claims[name]
    here: object = claims
    for part in name.split("."):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here


def _groups(claims: Members, name: str) -> Iterator[str]:
    said = found(claims, name)
    listed = said if isinstance(said, list) else [said]
    yield from (group for group in listed[:MOST_GROUPS] if isinstance(group, str) and group)


def _check_sender(provider: Provider, said: str | None) -> None:
    """RFC 9207, 2.4: of another provider's answer, or one that lacks the name it should have, nothing is taken."""
    if said != provider.issuer and (said is not None or provider.says_issuer):
        raise IdentityDoubtful(Doubt.SENDER)


def _basic(id: str, secret: str) -> str:  # noqa: A002  the standard's word
    """RFC 6749, 2.3.1: both are encoded as in a form first."""
    login = f"{quote_plus(id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(login.encode()).decode()}"
