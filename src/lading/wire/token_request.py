"""What is asked of our token service (Docker's token specification): in the query of a GET, or in the form of a POST.

    GET  service scope… account client_id offline_token        the login is in the Authorization field, or there is none
    POST grant_type=password      username password            scope with blanks between, access_type=offline
    POST grant_type=refresh_token refresh_token

`service` and `account` say again what the request's own address and its login say, and are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs

from lading.errors import InputInvalid
from lading.wire.authorization import BasicLogin
from lading.wire.authorize import Scope

SCOPES_LIMIT = 100
"""More is no push: even one that mounts from many repositories names a few."""

_FIELDS_LIMIT = 200


class TokenRequestInvalid(InputInvalid):
    """A request for a token that cannot be understood."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class RefreshLogin:
    """A refresh token in place of a name and password."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """`scopes` as asked, the readable ones; `offline`: a refresh token is wanted too; `login` None: none in it."""

    scopes: tuple[Scope, ...] = ()
    offline: bool = False
    login: BasicLogin | RefreshLogin | None = None


def from_query(text: str) -> TokenRequest:
    """Raises TokenRequestInvalid."""
    fields = _fields(text)
    return TokenRequest(_scopes(fields), _last(fields, "offline_token").lower() in {"true", "1"})


def from_form(text: str) -> TokenRequest:
    """Raises TokenRequestInvalid."""
    fields = _fields(text)
    return TokenRequest(_scopes(fields), _last(fields, "access_type") == "offline", _login(fields))


def _login(fields: dict[str, list[str]]) -> BasicLogin | RefreshLogin:
    grant = _last(fields, "grant_type")
    if grant == "password" and "username" in fields and "password" in fields:
        return BasicLogin(_last(fields, "username"), _last(fields, "password"))
    if grant == "refresh_token" and _last(fields, "refresh_token"):
        return RefreshLogin(_last(fields, "refresh_token"))
    raise TokenRequestInvalid("a token is given for grant_type password (username, password) or refresh_token")


def _scopes(fields: dict[str, list[str]]) -> tuple[Scope, ...]:
    scopes = tuple(dict.fromkeys(scope for text in fields.get("scope", ()) for scope in Scope.parse(text)))
    if len(scopes) > SCOPES_LIMIT:
        raise TokenRequestInvalid(f"a token is for at most {SCOPES_LIMIT} scopes")
    return scopes


def _fields(text: str) -> dict[str, list[str]]:
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=_FIELDS_LIMIT)
    except ValueError as error:
        raise TokenRequestInvalid("the request has too many fields") from error


def _last(fields: dict[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[-1]
