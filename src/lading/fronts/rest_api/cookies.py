"""The session cookie (interfaces §2): HttpOnly, SameSite=Lax, Secure where the browser speaks TLS with us; and the same
of a login that has begun at a provider."""

from __future__ import annotations

from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from lading.services.authentication import NewSession

SESSION_COOKIE = "session"
BEGUN_COOKIE = "sign-on"

BEGUN_SECONDS = 15 * 60
"""How long a login at a provider may take."""


def set_session(response: Response, session: NewSession, *, secure: bool) -> None:
    """From now on the browser shows it."""
    response.set_cookie(
        SESSION_COOKIE, session.cookie, expires=None, httponly=True, samesite="lax", secure=secure, path="/"
    )


def forget_session(response: Response, *, secure: bool) -> None:
    """From now on it does not."""
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax", secure=secure, path="/")


def set_begun(response: Response, secret: str, wanted: str, *, secure: bool) -> None:
    """A login has begun: with its secret, and the path that the person wanted to. Lax, as the browser comes back from
    another site."""
    value = f"{secret}.{quote(wanted, safe='')}"
    response.set_cookie(
        BEGUN_COOKIE, value, max_age=BEGUN_SECONDS, httponly=True, samesite="lax", secure=secure, path="/"
    )


def forget_begun(response: Response, *, secure: bool) -> None:
    """It is over."""
    response.delete_cookie(BEGUN_COOKIE, httponly=True, samesite="lax", secure=secure, path="/")


def begun_of(request: Request) -> tuple[str | None, str]:
    """The secret of the login that this browser began, and the path."""
    secret, _, wanted = request.cookies.get(BEGUN_COOKIE, "").partition(".")
    return secret or None, unquote(wanted)


def session_of(request: Request) -> str | None:
    """What the browser shows."""
    return request.cookies.get(SESSION_COOKIE)
