"""The login that goes along with a request to a Docker engine: the X-Registry-Auth field, and the body of POST /auth.

    base64url( {"username","password","auth","serveraddress","identitytoken","registrytoken"} )     all of it optional

Written as Docker writes it: the URL alphabet, padded. Read as its clients send it: in either alphabet, padded or not.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass

from lading.oci.reference import HUB, ReferenceInvalid, canonical_registry, check_registry
from lading.wire.authorize import Credential
from lading.wire.json_answers import read_json

FIELD = "x-registry-auth"
"""The header's name, in lower case."""

HUB_ADDRESS = "https://index.docker.io/v1/"
"""What Docker Hub is called in a login."""

ANONYMOUS = "e30="
"""`{}`, which the command line sends where there is no login."""

SOURCE = "the client"
"""Where such a login was found, for people."""


class LoginUnreadable(ValueError):
    """What stands where a login belongs is none; its text says why, and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class GivenLogin:
    """Whose login a request wants used: `credential`, or nobody's. `warning` says why it is nobody's, where the client
    sent one that cannot be read."""

    credential: Credential | None = None
    warning: str = ""


def registry_auth(credential: Credential | None, registry: str) -> str:
    """The X-Registry-Auth field: base64url of JSON, padded."""
    if credential is None:
        return ANONYMOUS
    members = {
        "username": credential.username,
        "password": credential.secret,
        "identitytoken": credential.identity_token,
        "registrytoken": credential.registry_token,
    }
    given = {name: value for name, value in members.items() if value}
    given["serveraddress"] = HUB_ADDRESS if registry == HUB else registry
    return base64.urlsafe_b64encode(json.dumps(given).encode()).decode("ascii")


def read_registry_auth(text: str) -> GivenLogin:
    """What the field says; nobody's login where it is absent, empty or `{}`, and with a warning where it is unreadable,
    as Docker's engine goes on then too."""
    if not text.strip():
        return GivenLogin()
    try:
        return GivenLogin(credential_of(_members(text)))
    except LoginUnreadable as error:
        return GivenLogin(warning=f"X-Registry-Auth cannot be read ({error}): nobody is logged in")


def credential_of(members: Mapping[str, object]) -> Credential | None:
    """The login of an AuthConfig object; None where it has none. An identity token stands for the user who got it.
    Raises LoginUnreadable."""
    username, password = _text(members, "username"), _text(members, "password")
    identity, token = _text(members, "identitytoken"), _text(members, "registrytoken")
    if token:
        return Credential(registry_token=_token(token), source=SOURCE)
    if identity:
        return Credential(identity_token=_token(identity), source=SOURCE)
    if not (username or password):
        username, password = _user_and_password(_text(members, "auth"))
    if ":" in username:
        raise LoginUnreadable("its user name has a colon")
    return Credential(username, password, source=SOURCE) if username or password else None


def registry_of(address: object) -> str:
    """The registry that a login is for, in its one spelling: host[:port], whatever scheme and path stand around it.
    Nothing means Docker Hub. Raises LoginUnreadable."""
    if not isinstance(address, str | None):
        raise LoginUnreadable("its serveraddress is no text")
    host = (address or HUB).strip().rpartition("://")[2].partition("/")[0]
    try:
        check_registry(host, host)
    except ReferenceInvalid as error:
        raise LoginUnreadable("its serveraddress is no host") from error
    return canonical_registry(host)


def _members(text: str) -> Mapping[str, object]:
    plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    members = _json(_decoded(plain, "it is not base64"))
    if not isinstance(members, dict):
        raise LoginUnreadable("it is no JSON object")
    return members


def _decoded(plain: str, otherwise: str) -> bytes:
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise LoginUnreadable(otherwise) from None  # the cause would quote what is secret


def _json(content: bytes) -> object:
    try:
        return read_json(content)
    except ValueError:
        raise LoginUnreadable("it is not JSON") from None


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str | None):
        raise LoginUnreadable(f"its {name} is no text")
    if value and any(character in value for character in "\r\n\0"):
        raise LoginUnreadable(f"its {name} is not one line")
    return value or ""


def _token(text: str) -> str:
    """It goes into a header as it is."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise LoginUnreadable("its token has characters that no header takes")
    return text


def _user_and_password(auth: str) -> tuple[str, str]:
    """As docker's config file keeps them: base64 of both."""
    if not auth:
        return "", ""
    plain = auth.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        username, colon, password = _decoded(plain, "its auth is not base64").decode().rstrip("\0").partition(":")
    except UnicodeDecodeError:
        raise LoginUnreadable("its auth is no text") from None
    if not colon or any(character in password + username for character in "\r\n\0"):
        raise LoginUnreadable("its auth is no user:password")
    return username, password
