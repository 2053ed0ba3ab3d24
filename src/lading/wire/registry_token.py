"""The text of the tokens that our registry gives out and takes back; nobody else reads it.

    <kind>.<claims>.<seal>      claims = base64url of JSON, seal = base64url of HMAC-SHA256 over <kind>.<claims>

A token names no algorithm and no key, so that nobody can choose them; it holds no secret, only who it is for and what
it opens. The seal is made over text and compared as text, so that no other spelling of the same bytes passes. What it
says of somebody's permissions is the most it opens: what that person may now is asked elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lading.errors import InputInvalid
from lading.wire.authorize import Scope

LONGEST = 32 * 1024
"""Characters of a token that are looked at; a head has no room for more beside its other fields."""


class Kind(StrEnum):
    """What a token is for. Each is sealed into its text: none passes for the other."""

    ACCESS = "lra1"
    """Opens repositories, for minutes."""

    REFRESH = "lrr1"
    """Stands for a login, for months: it gets access tokens, and opens nothing itself."""


class Fault(StrEnum):
    """Why a token was not taken, for a program; a person is told no more than that it is refused."""

    UNREADABLE = "unreadable"
    FORGED = "forged"
    FOREIGN = "foreign"
    EXPIRED = "expired"


class TokenInvalid(InputInvalid):
    """No token of ours, or none any more, or one for another service."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault

    def __str__(self) -> str:
        return f"the registry token is {self.fault}"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `user` None: nobody is logged in; `token` is the API token that was logged in with, if one
    was. `expires` is in seconds since 1970, None: not by itself. `proof` is what must still hold of the login."""

    service: str
    user: int | None = None
    token: int | None = None
    scopes: tuple[Scope, ...] = ()
    expires: int | None = None
    proof: str = ""


def write(kind: Kind, claims: Claims, key: bytes) -> str:
    """The token."""
    told = {
        "s": claims.service,
        "u": claims.user,
        "t": claims.token,
        "a": [str(scope) for scope in claims.scopes],
        "e": claims.expires,
        "p": claims.proof,
    }
    given = {name: value for name, value in told.items() if value is not None and value not in ("", [])}
    text = f"{kind}.{_base64(json.dumps(given, separators=(',', ':')).encode())}"
    return f"{text}.{_seal(key, text)}"


def read(kind: Kind, text: str, keys: Sequence[bytes], service: str, now: float) -> Claims:
    """What it says, where one of `keys` sealed it for this service and it has not ended. Raises TokenInvalid."""
    if len(text) > LONGEST or not text.isascii():
        raise TokenInvalid(Fault.UNREADABLE)
    sealed, _, seal = text.rpartition(".")
    if not any(hmac.compare_digest(_seal(key, sealed), seal) for key in keys):
        raise TokenInvalid(Fault.FORGED)
    found, _, told = sealed.partition(".")
    if found != kind:
        raise TokenInvalid(Fault.FORGED)
    claims = _claims(told)
    if claims.service != service:
        raise TokenInvalid(Fault.FOREIGN)
    if claims.expires is not None and now >= claims.expires:
        raise TokenInvalid(Fault.EXPIRED)
    return claims


_BEGINNINGS = tuple(f"{kind}." for kind in Kind)


def is_registry_token(text: str) -> bool:
    """Whether it may be one of these, and not an API token."""
    return text.startswith(_BEGINNINGS)


def _claims(text: str) -> Claims:
    """Sealed by us, so it can be unreadable only where another release of Lading wrote it."""
    try:
        told = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(told, dict):
            raise TokenInvalid(Fault.UNREADABLE)
        scopes = tuple(scope for each in told.get("a", ()) for scope in Scope.parse(each))
        user, token, expires = (_number(told, name) for name in "ute")
        return Claims(str(told["s"]), user, token, scopes, expires, str(told.get("p", "")))
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TokenInvalid(Fault.UNREADABLE) from error


def _number(told: Mapping[str, object], name: str) -> int | None:
    number = told.get(name)
    if number is not None and not isinstance(number, int):
        raise TokenInvalid(Fault.UNREADABLE)
    return number


def _seal(key: bytes, text: str) -> str:
    return _base64(hmac.digest(key, text.encode("ascii"), hashlib.sha256))


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
