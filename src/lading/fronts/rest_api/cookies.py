"""The session cookie (interfaces §2): HttpOnly, SameSite=Lax, Secure where the browser speaks TLS with us."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from lading.services.authentication import NewSession

SESSION_COOKIE = "session"


def set_session(response: Response, session: NewSession, *, secure: bool) -> None:
    """From now on the browser shows it."""
    response.set_cookie(
        SESSION_COOKIE, session.cookie, expires=None, httponly=True, samesite="lax", secure=secure, path="/"
    )


def forget_session(response: Response, *, secure: bool) -> None:
    """From now on it does not."""
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax", secure=secure, path="/")


def session_of(request: Request) -> str | None:
    """What the browser shows."""
    return request.cookies.get(SESSION_COOKIE)
