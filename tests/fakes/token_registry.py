"""A registry in memory behind a token service: Bearer as Docker's registries do it.

registry = TokenRegistry({"ann": "pw"})
registry.lifetime = 60               # seconds, by `clock`; a token older than that is answered 401
registry.private = {"secret"}        # repositories for which no token is given
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from lading.wire.authorize import Scope
from lading.wire.message import Request, Response
from lading.wire.registry_urls import Root, match
from tests.fakes.played_registry import PlayedRegistry

REALM = "https://auth.example/token"
READING = {"GET", "HEAD"}


class TokenRegistry:
    """Call it as PlayedRegistry is called; `tokens` is how many were given."""

    def __init__(self, users: dict[str, str], clock: Callable[[], float] = lambda: 0.0) -> None:
        self.registry = PlayedRegistry()
        self.users, self.clock = users, clock
        self.lifetime = 300.0
        self.private: set[str] = set()
        self.anonymous = True
        self.silent = False
        self.tokens = 0
        self._given: dict[str, tuple[float, list[Scope]]] = {}
        self._numbers = itertools.count(1)

    def __call__(self, request: Request, body: bytes, whole: bool) -> Response:
        if request.url.startswith(REALM):
            return self._token(request)
        if self._may(request):
            return self.registry(request, body, whole)
        root = isinstance(match(urlsplit(request.url).path), Root)
        if self.silent and not root:
            return Response(401)
        scope = "" if root else f',scope="{self._needed(request)}"'
        return Response(
            401, {"www-authenticate": f'Bearer realm="{REALM}",service="{request.url.split("/")[2]}"{scope}'}
        )

    def _token(self, request: Request) -> Response:
        query = parse_qs(urlsplit(request.url).query)
        scopes = [scope for text in query.get("scope", ()) for scope in Scope.parse(text)]
        if not self._known(request) or any(scope.name in self.private for scope in scopes):
            return Response(401)
        self.tokens += 1
        token = f"t{next(self._numbers)}"
        self._given[token] = (self.clock() + self.lifetime, scopes)
        return Response(200, {}, json.dumps({"token": token, "expires_in": self.lifetime}).encode())

    def _known(self, request: Request) -> bool:
        login = request.headers.get("authorization")
        if login is None:
            return self.anonymous
        name, _, secret = base64.b64decode(login.removeprefix("Basic ")).decode().partition(":")
        return self.users.get(name) == secret

    def _needed(self, request: Request) -> Scope:
        path = getattr(match(urlsplit(request.url).path), "path", "catalog")
        return Scope(path, ("pull",) if request.method in READING else ("push", "pull"))

    def _may(self, request: Request) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        ends, scopes = self._given.get(token, (0.0, []))
        if self.clock() >= ends:
            return False
        return any(scope.covers(self._needed(request)) for scope in scopes) or request.url.endswith("/v2/")
