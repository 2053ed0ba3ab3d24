"""The session cookie (interfaces §2): HttpOnly, SameSite=Lax, Secure where the browser speaks TLS with us, and for our
own paths alone; and the same of a login that has begun at a provider."""

from __future__ import annotations

from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from lading.fronts.rest_api.sub_path import base_of
from lading.services.identity.authentication import NewSession

SESSION_COOKIE = "session"
BEGUN_COOKIE = "sign-on"

BEGUN_SECONDS = 15 * 60
"""How long a login at a provider may take."""


def set_session(request: Request, response: Response, session: NewSession) -> None:
    """From now on the browser shows it."""
    _set(request, response, SESSION_COOKIE, session.cookie)


def forget_session(request: Request, response: Response) -> None:
    """From now on it does not."""
    _forget(request, response, SESSION_COOKIE)


def set_begun(request: Request, response: Response, secret: str, wanted: str) -> None:
    """A login has begun: with its secret, and the path that the person wanted to. Lax, as the browser comes back from
    another site."""
    _set(request, response, BEGUN_COOKIE, f"{secret}.{quote(wanted, safe='')}", BEGUN_SECONDS)


def forget_begun(request: Request, response: Response) -> None:
    """It is over."""
    _forget(request, response, BEGUN_COOKIE)


def _set(request: Request, response: Response, name: str, value: str, seconds: int | None = None) -> None:
    path, secure = base_of(request) or "/", bool(request.state.secure)
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=secure, path=path)


def _forget(request: Request, response: Response, name: str) -> None:
    path, secure = base_of(request) or "/", bool(request.state.secure)
    response.delete_cookie(name, httponly=True, samesite="lax", secure=secure, path=path)


def begun_of(request: Request) -> tuple[str | None, str]:
    """The secret of the login that this browser began, and the path."""
    secret, _, wanted = request.cookies.get(BEGUN_COOKIE, "").partition(".")
    return secret or None, unquote(wanted)


def session_of(request: Request) -> str | None:
    """What the browser shows."""
    return request.cookies.get(SESSION_COOKIE)
