"""How a process stands, for whoever watches it: a worker, which has no other page, or a server that waits to begin.

    /healthz   200 while the process answers
    /readyz    200 while it can work; 503, and what it waits for
    /metrics   what it counts, to a token with `metrics:view`, once it can work

Nothing here depends on what the asker calls us, so a check without a Host field is answered like any other.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from lading.errors import LadingError, Unavailable
from lading.fronts.http.connection import RETRY_SECONDS
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.http.failures import log_failure
from lading.services.access import Denied, NotLoggedIn
from lading.services.identity.passwords import PasswordsBusy
from lading.services.identity.throttling import TooManyAttempts

log = logging.getLogger("lading.health")

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_JSON = "application/json"
_STATUS: Mapping[type[LadingError], int] = {
    NotLoggedIn: 401,
    Denied: 403,
    TooManyAttempts: 429,
    PasswordsBusy: 429,
    Unavailable: 503,
    LadingError: 500,
}
"""The nearest ancestor decides."""

_FIELDS: Mapping[int, tuple[tuple[str, str], ...]] = {
    401: (("WWW-Authenticate", 'Bearer realm="lading"'),),
    429: (("Retry-After", RETRY_SECONDS),),
    503: (("Retry-After", RETRY_SECONDS),),
}


class Works(Protocol):
    """What a process that works says of itself."""

    def ready(self) -> None:
        """Raises LadingError where it cannot work now."""

    def metrics(self, address: str, authorization: str | None) -> bytes:
        """As Prometheus reads them. Raises NotLoggedIn, Denied, TooManyAttempts, PasswordsBusy, StorageFailed."""


class Standing:
    """How this process stands, for any number of threads: at first it begins."""

    def __init__(self) -> None:
        self._works: Works | None = None
        self._told: Mapping[str, str] = {"status": "not ready", "detail": "it begins"}

    @property
    def at_work(self) -> Works | None:
        """None before and afterwards."""
        return self._works

    @property
    def told(self) -> Mapping[str, str]:
        """Why it is not at work."""
        return self._told

    def waits_for(self, error: Unavailable) -> None:
        """It cannot begin before that is there."""
        self._told = {"status": "not ready", "code": error.code, "detail": error.afar}

    @contextmanager
    def working(self, works: Works) -> Iterator[None]:
        """It is at work while inside, and stops then."""
        self._works = works
        try:
            yield
        finally:
            self._told = {"status": "not ready", "detail": "it stops"}
            self._works = None


class HealthApi:
    """An Application for the byte server."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def __call__(self, request: IncomingRequest) -> Answer:
        """Every answer is short; a HEAD gets it without its body."""
        if request.method not in {"GET", "HEAD"}:
            return _answer(405, {"error": f"{request.method} is not known here"}, (("Allow", "GET, HEAD"),))
        match request.path:
            case "/healthz":
                return _answer(200, {"status": "ok"})
            case "/readyz":
                return self._ready()
            case "/metrics":
                return self._metrics(request)
            case _ if self._standing.at_work is None:
                return _answer(503, self._standing.told)
            case _:
                return _answer(404, {"error": "Not found"})

    def _ready(self) -> Answer:
        works = self._standing.at_work
        if works is None:
            return _answer(503, self._standing.told)
        try:
            works.ready()
        except LadingError as error:
            log.warning("not ready: %s", error)
            return _answer(503, {"status": "not ready", "code": error.code})
        return _answer(200, {"status": "ok"})

    def _metrics(self, request: IncomingRequest) -> Answer:
        works = self._standing.at_work
        if works is None:
            return _answer(503, self._standing.told)
        try:
            counted = works.metrics(request.peer.address, request.headers.get("authorization"))
        except LadingError as error:
            status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
            log_failure(log, request, error)
            return _answer(status, {"error": error.afar, "code": error.code})
        return Answer(200, (*_head(METRICS_TYPE, counted),), (counted,))


def _answer(status: int, told: Mapping[str, str], fields: tuple[tuple[str, str], ...] = ()) -> Answer:
    content = json.dumps(told).encode()
    return Answer(status, (*_head(_JSON, content), *_FIELDS.get(status, ()), *fields), (content,))


def _head(kind: str, content: bytes) -> tuple[tuple[str, str], ...]:
    return (
        ("Content-Type", kind),
        ("Content-Length", str(len(content))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    )
