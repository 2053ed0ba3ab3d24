"""A token service after Docker's token specification, with the habits of real ones, and the guard of its registry.

tokens = TokenService(login=("me", "secret"))
with ScriptedServer(tokens) as service:
    tokens.url = service.url("/token")
    with ScriptedServer(TroubledRegistry(tokens.guard)) as registry: ...
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from tests.fakes.scripted_server import Asked, Reply

_NAME = re.compile(r"/v2/(?P<name>.+)/(?:blobs|manifests|tags|referrers)/.*")


@dataclass
class TokenService:
    """Gives tokens for whatever is asked, to everybody or to whoever knows `login` or `identity`.

    `key` is the JSON member that holds a token. `expires_in` None leaves the member out. `get` and `post` are statuses
    to answer instead of a token. `withheld` are scopes (name:action) silently left out, `refused` ones that make the
    whole request fail. `uses` is how many requests each token serves before it has expired (None: all). `bare` refuses
    without a challenge, but for the root (Google's registry). `mint` makes the text of the nth token for its scopes.
    """

    login: tuple[str, str] | None = None
    identity: str | None = None
    key: str = "token"
    expires_in: int | None = 300
    get: int | None = None
    post: int | None = None
    withheld: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    uses: int | None = None
    bare: bool = False
    url: str = ""
    mint: Callable[[int, Collection[str]], str] = lambda number, scopes: f"token-{number}"
    challenge: Callable[[str, str], str] = lambda url, scope: (
        f'Bearer realm="{url}",service="registry.test",scope="{scope}"'
    )
    dances: list[Mapping[str, str]] = field(default_factory=list)
    granted: dict[str, frozenset[str]] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> Reply:
        """The service's own door: GET with Basic, or POST of a form."""
        form = parse_qs(asked.query if asked.method == "GET" else asked.receive().decode())
        flat = {name: " ".join(values) for name, values in form.items()}
        with self.lock:
            self.dances.append({"method": asked.method, **flat})
        instead = self.get if asked.method == "GET" else self.post
        if instead is not None:
            return Reply(instead, body=b"no")
        if not self._knows(asked, flat):
            return Reply(401, body=b'{"details":"incorrect username or password"}')
        scopes = frozenset(_actions(flat.get("scope", "")))
        if scopes & self.refused:
            return Reply(403, body=b"no")
        return self._grant(scopes - self.withheld)

    def _knows(self, asked: Asked, form: Mapping[str, str]) -> bool:
        if form.get("grant_type") == "refresh_token":
            return form.get("refresh_token") == self.identity
        if self.login is None:
            return self.identity is None
        if asked.method == "GET":
            expected = base64.b64encode(":".join(self.login).encode()).decode()
            return asked.headers.get("authorization") == f"Basic {expected}"
        return (form.get("username"), form.get("password")) == self.login

    def _grant(self, scopes: frozenset[str]) -> Reply:
        with self.lock:
            token = self.mint(len(self.granted) + 1, scopes)
            self.granted[token] = scopes
            if self.uses is not None:
                self.left[token] = self.uses
        answer: dict[str, object] = {self.key: token}
        if self.expires_in is not None:
            answer["expires_in"] = self.expires_in
        return Reply(200, [("Content-Type", "application/json")], json.dumps(answer).encode())

    def guard(self, asked: Asked) -> Reply | None:
        """The registry's side: None where the request carries a token that serves."""
        wanted = _wanted(asked)
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        with self.lock:
            held = self.granted.get(token, frozenset())
            alive = self.left.get(token, 1) > 0
            if token in self.left and alive:
                self.left[token] -= 1
        if token in self.granted and alive and wanted <= held:
            return None
        scope = " ".join(f"repository:{name}:{action}" for name, _, action in (each.rpartition(":") for each in wanted))
        field = ("WWW-Authenticate", self.challenge(self.url, scope))
        return Reply(
            401,
            [] if self.bare and wanted else [field],
            b'{"errors":[{"code":"UNAUTHORIZED"}]}',
            read=0 if asked.length else None,
        )

    def expire(self) -> None:
        """No token given so far serves any more."""
        with self.lock:
            self.left = dict.fromkeys(self.granted, 0)


def _actions(scope: str) -> list[str]:
    """`repository:a/b:push,pull` as a/b:push and a/b:pull."""
    pairs = []
    for word in scope.split():
        _, _, rest = word.partition(":")
        name, _, actions = rest.rpartition(":")
        pairs += [f"{name}:{action}" for action in actions.split(",")]
    return pairs


def _wanted(asked: Asked) -> frozenset[str]:
    found = _NAME.fullmatch(asked.path)
    if found is None:
        return frozenset()
    return frozenset({f"{found['name']}:{'pull' if asked.method in {'GET', 'HEAD'} else 'push'}"})
