"""The token dance: from a challenge and a credential to the Authorization field (Docker's token specification).

    credential            first                                    then, on 400, 401, 404, 405
    none                  GET  realm?service&scope                 –
    name and password     GET  with Basic and account              POST grant_type=password      (not after a 401)
    identity token        POST grant_type=refresh_token            GET  with Basic
    registry token        is itself the answer                     –

Hub prefers GET; Azure answers a POST with 400, Artifactory with 401, Google with 404: that is why both are known. What
comes back is `token` or `access_token`, and is good for 60 seconds where nobody says how long.

Several scopes go into one token, so that mounts and the push share it. Where they are refused together, the first
alone is asked for: then there is a token for the push and none for the mounts.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode, urlsplit

from lading.errors import AccessDenied, ProtocolBroken, Side
from lading.oci.instants import parse_instant
from lading.wire.guard import may_carry_secrets, referrer
from lading.wire.json_answers import read_json
from lading.wire.locations import with_query
from lading.wire.message import BytesContent, Conversation, Request, Response
from lading.wire.registry_errors import Refusal, Unauthorized, refused

DEFAULT_LIFETIME = 60.0
"""Seconds that a token is good for where its service does not say (Docker's token specification, expires_in)."""

LONGEST_LIFETIME = 10 * 365 * 24 * 60 * 60
"""Seconds. Whoever says more means for ever, and may say it in a number that no clock holds."""

CLIENT_ID = "lading"
IDENTITY_USER = "<token>"
"""The user name that stands for `the secret is an identity token` (docker's credential helpers)."""

_OTHER_DIALECT = frozenset({400, 401, 404, 405})
_SCOPES_REFUSED = frozenset({400, 401, 403})


class PlainTextLogin(AccessDenied):
    """A login would have to travel in plain HTTP, and nobody allowed that."""

    code = "tls"
    hint = "If the registry really has no TLS, allow plain HTTP for it."
    command = "If the registry really has no TLS, allow plain HTTP for it with --insecure."

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host

    def __str__(self) -> str:
        return f"the login for {self.host} is not sent over plain HTTP"


class TokenUnreadable(ProtocolBroken):
    """The token service said yes, but gave no token."""

    side = Side.TARGET

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(host, reason)
        self.host, self.reason = host, reason

    def __str__(self) -> str:
        return f"the token service {self.host} gave no token: {self.reason}"


@dataclass(frozen=True, slots=True)
class Credential:
    """A login at one registry. `source` says where it was found, for people; secrets never show in its text.

    One that ends knows its `renewal`: whoever works for long asks it, time and again, for the login of the moment.
    """

    username: str = ""
    secret: str = field(default="", repr=False)
    identity_token: str | None = field(default=None, repr=False)
    registry_token: str | None = field(default=None, repr=False)
    source: str = ""
    renewal: Callable[[], Credential] | None = field(default=None, repr=False, compare=False)

    @property
    def current(self) -> Credential:
        """This one, or the one that has taken its place since. Raises what `renewal` raises."""
        return self if self.renewal is None else self.renewal()


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """What a token is for: `repository:path:push,pull`. Actions are kept in the order we send them."""

    name: str
    actions: tuple[str, ...]
    kind: str = "repository"

    @classmethod
    def parse(cls, text: str) -> Iterator[Scope]:
        """The scopes of a challenge, parted by blanks; unreadable ones are passed over."""
        for word in text.split():
            kind, _, rest = word.partition(":")
            name, colon, actions = rest.rpartition(":")
            if colon and name:
                yield cls(name, tuple(action for action in actions.split(",") if action), kind)

    def covers(self, other: Scope) -> bool:
        """Whether a token for this also serves for `other`."""
        same = (self.kind, self.name) == (other.kind, other.name)
        return same and ("*" in self.actions or set(other.actions) <= set(self.actions))

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}:{','.join(self.actions)}"


def pull(path: str) -> Scope:
    """Reading a repository."""
    return Scope(path, ("pull",))


def push(path: str) -> Scope:
    """Reading and writing a repository; push stands first, as an old path of Google's registry wants it."""
    return Scope(path, ("push", "pull"))


def delete(path: str, action: str = "delete") -> Scope:
    """Removing from a repository; some registries call that by another `action`."""
    return Scope(path, (action, "pull"))


CATALOG = Scope("catalog", ("*",), "registry")
"""Listing all repositories."""


@dataclass(frozen=True, slots=True)
class Realm:
    """Who gives tokens for a registry: the challenge's realm and service. `registry` is the host that named it."""

    url: str
    service: str | None
    registry: str


@dataclass(frozen=True, slots=True)
class Token:
    """What the service gave: good for `lifetime` seconds from when it was asked for, and for these scopes."""

    text: str = field(repr=False)
    lifetime: float
    scopes: tuple[Scope, ...]


def basic(credential: Credential) -> str:
    """The Authorization field of name and password (RFC 7617)."""
    name, secret = credential.username, credential.secret
    if credential.identity_token and not secret:
        name, secret = name or IDENTITY_USER, credential.identity_token
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode("ascii")


def authorize(
    realm: Realm, credential: Credential | None, scopes: Sequence[Scope], *, plain_allowed: bool
) -> Conversation[Token]:
    """A token for all `scopes`, or for the first alone where the service refuses them together.

    `plain_allowed` is the user's word that this registry may be spoken to without TLS. Raises Unauthorized,
    PlainTextLogin, TokenUnreadable, and what `refused` makes of other answers.
    """
    if credential and not may_carry_secrets(realm.url, plain_allowed=plain_allowed):
        raise PlainTextLogin(urlsplit(realm.url).netloc)
    request, response = yield from _ask(realm, credential, scopes)
    if response.status in _SCOPES_REFUSED and len(scopes) > 1:
        scopes = scopes[:1]
        request, response = yield from _ask(realm, credential, scopes)
    if response.status != 200:
        raise _refused(request, response)
    return _token(request, response, tuple(scopes))


def _refused(request: Request, response: Response) -> Exception:
    """Token services refuse a wrong password with 400, 401 or 403, as they like."""
    if response.status in {400, 403}:
        return Unauthorized(Refusal.of(request, response))
    return refused(request, response)


def _ask(
    realm: Realm, credential: Credential | None, scopes: Sequence[Scope]
) -> Conversation[tuple[Request, Response]]:
    """In the dialect that fits the credential, then in the other one."""
    first, second = _dialects(realm, credential, scopes)
    response = yield first
    if second is None or response.status not in _OTHER_DIALECT:
        return first, response
    if first.method == "GET" and response.status == 401:
        return first, response  # the password was read and is wrong: trying it again may lock the account
    return second, (yield second)


def _dialects(realm: Realm, credential: Credential | None, scopes: Sequence[Scope]) -> tuple[Request, Request | None]:
    if credential is None:
        return _get(realm, None, scopes), None
    asking, posting = _get(realm, credential, scopes), _post(realm, credential, scopes)
    return (posting, asking) if credential.identity_token else (asking, posting)


def _get(realm: Realm, credential: Credential | None, scopes: Sequence[Scope]) -> Request:
    query = [("service", realm.service)] if realm.service else []
    query += [("scope", str(scope)) for scope in scopes]
    headers = {"accept": "application/json"}
    if credential:
        query.append(("account", credential.username or IDENTITY_USER))
        query.append(("client_id", CLIENT_ID))
        headers["authorization"] = basic(credential)
    return Request("GET", _with_pairs(realm.url, query), headers, referred_by=_referred_by(realm))


def _post(realm: Realm, credential: Credential, scopes: Sequence[Scope]) -> Request:
    form = {"client_id": CLIENT_ID, "scope": " ".join(str(scope) for scope in scopes)}
    if realm.service:
        form["service"] = realm.service
    if credential.identity_token:
        form |= {"grant_type": "refresh_token", "refresh_token": credential.identity_token}
    else:
        form |= {"grant_type": "password", "username": credential.username, "password": credential.secret}
    headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    content = BytesContent(urlencode(form).encode())
    return Request("POST", realm.url, headers, content, referred_by=_referred_by(realm))


def _referred_by(realm: Realm) -> str | None:
    return referrer(f"{urlsplit(realm.url).scheme}://{realm.registry}", realm.url)


def _with_pairs(url: str, pairs: Sequence[tuple[str, str]]) -> str:
    return with_query(url, urlencode(pairs, safe=":/,")) if pairs else url


def _token(request: Request, response: Response, scopes: tuple[Scope, ...]) -> Token:
    host = urlsplit(request.url).netloc
    try:
        answer = read_json(response.body)
    except ValueError as error:
        raise TokenUnreadable(host, "the answer is not JSON") from error
    if not isinstance(answer, dict):
        raise TokenUnreadable(host, "the answer is no JSON object")
    text = answer.get("token") or answer.get("access_token")
    if not isinstance(text, str):
        raise TokenUnreadable(host, "it has neither token nor access_token")
    if not text.isascii() or not text.isprintable():
        raise TokenUnreadable(host, "the token has characters that no header takes")
    return Token(text, _lifetime(answer, response.headers), scopes)


def _lifetime(answer: Mapping[str, object], headers: Mapping[str, str]) -> float:
    """What is left of the token, by the service's own clock: ours may be wrong, and a cached token is not new."""
    seconds = answer.get("expires_in")
    whole = DEFAULT_LIFETIME
    if isinstance(seconds, int | float) and seconds > 0:
        whole = float(min(seconds, LONGEST_LIFETIME))
    issued, answered = _instant(answer.get("issued_at")), _answered(headers)
    if issued is None or answered is None:
        return whole
    age = answered - issued
    return whole - age if 0 <= age < whole else whole


def _instant(text: object) -> float | None:
    return parse_instant(text) if isinstance(text, str) else None


def _answered(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return None
