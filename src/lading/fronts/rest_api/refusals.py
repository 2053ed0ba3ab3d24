"""Errors as this door answers them: a status for each root, and the body (interfaces §2).

A failure is never 200. What another side did wrong is 502 or 504 where it was asked directly, as a registry's catalog
is. A transfer's failure is 500 then (interfaces §2, Push): proxies replace the bodies of 502 and 504 by their own.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse

from lading import errors
from lading.fronts.http.connection import RETRY_SECONDS
from lading.services.access import Denied, NotLoggedIn
from lading.services.blotting import without_secrets
from lading.services.identity.passwords import PasswordsBusy
from lading.services.identity.throttling import TooManyAttempts
from lading.services.jobs.causes import root_of_line
from lading.services.transfers.failures import unworded

STATUS: dict[type[errors.LadingError], int] = {
    NotLoggedIn: 401,
    Denied: 403,
    TooManyAttempts: 429,
    PasswordsBusy: 429,
    errors.InputInvalid: 400,
    errors.NotFound: 404,
    errors.Refused: 409,
    errors.Unreachable: 503,
    errors.Unavailable: 503,
    errors.NoRoom: 507,
    errors.LadingError: 500,
}
"""The nearest ancestor decides."""

ASKED: dict[type[errors.LadingError], int] = {
    **STATUS,
    errors.AccessDenied: 502,
    errors.NetworkFailed: 502,
    errors.RateLimited: 502,
    errors.ProtocolBroken: 502,
    errors.TimedOut: 504,
}
"""The same where another side was asked directly."""


def status_of(error: errors.LadingError, *, transfer: bool = False) -> int:
    """The status of its nearest ancestor in the table; `transfer` says that a transfer was asked for."""
    cause = unworded(error)
    table = STATUS if transfer else ASKED
    return next(table[kind] for kind in type(cause).__mro__ if kind in table)


def status_of_line(line: Mapping[str, object]) -> int:
    """Of the terminal line of a job that failed, which tells the root of its error (services.running.ending)."""
    return next(STATUS[kind] for kind in root_of_line(line).__mro__ if kind in STATUS)


def body_of(error: errors.LadingError) -> dict[str, object]:
    """`error`, and `code`, `hint` and `detail` where there is something to say.

    Those two whose bodies are fixed tell nothing else: who may not look is not told what there would be to see. A token
    or a login that was written in a wrong place is not quoted.
    """
    if isinstance(error, NotLoggedIn):
        return {"error": "Unauthorized", "message": str(error)}
    if isinstance(error, Denied):
        return {"error": str(error)}
    told = {"error": error.afar, "code": error.code, "hint": error.hint, "detail": error.why}
    return {name: without_secrets(text) for name, text in told.items() if text is not None}


def refusal(error: errors.LadingError, *, transfer: bool = False) -> JSONResponse:
    """The answer to a request that failed so; `transfer` as in `status_of`."""
    return JSONResponse(body_of(error), status_of(error, transfer=transfer), headers_of(error))


def headers_of(error: errors.LadingError) -> dict[str, str] | None:
    """What an answer says of it beside its body; None: nothing."""
    match error:
        case NotLoggedIn():
            return {"WWW-Authenticate": 'Bearer realm="lading"'}
        case TooManyAttempts(seconds=seconds):
            return {"Retry-After": str(max(1, round(seconds)))}
        case errors.Unavailable():
            return {"Retry-After": RETRY_SECONDS}
        case _:
            return None
