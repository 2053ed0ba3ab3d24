"""Failures in Docker's words, chosen by their causes: for answers, and for the last line of a stream.

Programs read these sentences, so each is spelled as Docker's daemon spells it. What has no text of Docker's speaks for
itself, with what to do about it; what a Docker host said is passed on as it was said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from lading import errors
from lading.fronts.docker_api.absent import NoSwarm, RunsNothing
from lading.fronts.docker_api.answers import Fields, message
from lading.fronts.http.connection import RETRY_SECONDS
from lading.fronts.http.exchange import Answer
from lading.oci.manifest import SchemaOneRefused
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.access import Denied, NotLoggedIn
from lading.services.blotting import without_secrets
from lading.services.embedded.images import ImageHasNames
from lading.services.identity.passwords import PasswordsBusy
from lading.services.identity.throttling import TooManyAttempts
from lading.services.jobs.causes import root_of_line
from lading.services.lookup import ImageUnknown
from lading.services.platforms import PlatformMissing
from lading.services.running.ending import answer_of
from lading.services.transfers.failures import unworded
from lading.wire.docker_faults import DaemonFault


class PageUnknown(errors.NotFound):
    """A path that is none of the API's, or a method that it does not have there."""

    def __str__(self) -> str:
        return "page not found"


class ForeignCaller(errors.LadingError):
    """The request was led here: by a name that is not ours, or by a page of another site."""

    side = errors.Side.CALLER
    code = "denied"

    def __str__(self) -> str:
        return "this engine does not go by that name, or is asked by a page of another site"


class NameReserved(errors.LadingError):
    """A name that Docker keeps for itself."""

    side = errors.Side.CALLER
    code = "denied"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"'{self.name}' is a reserved name"


class ArchiveBroken(errors.ContentCorrupt):
    """An archive that came in, and is none or is not whole; `cause` says why."""

    def __init__(self, cause: errors.ContentCorrupt) -> None:
        super().__init__(cause)
        self.cause = cause

    def __str__(self) -> str:
        return f"Error processing tar file: {self.cause}"


class Told(NamedTuple):
    """A failure at this door."""

    status: int
    message: str


class JobFailed(errors.LadingError):
    """A job that failed before anything of it was told, in the words of this door."""

    def __init__(self, told: Told) -> None:
        super().__init__(told)
        self.told = told

    def __str__(self) -> str:
        return self.told.message


class Answered(NamedTuple):
    """What a registry said; without a status, what a Docker host did."""

    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, as an error or as the last line of a job tells it."""

    kind: type[errors.LadingError]
    text: str
    code: str
    detail: str | None = None
    hint: str | None = None
    answered: Answered | None = None

    @classmethod
    def of_error(cls, error: errors.LadingError) -> Self:
        """Of its cause, where the error only words one anew."""
        cause = unworded(error)
        answered = _answered(answer_of(cause))
        return cls(type(cause), cause.afar, cause.code, cause.why, cause.hint, answered)

    @classmethod
    def of_line(cls, line: Mapping[str, object]) -> Self:
        """The last line of a job that failed (services.running.ending): the cause, where the error only words one
        anew."""
        names = ("error", "code", "detail", "hint", "reason")
        told = {name: value for name in names if isinstance(value := line.get(name), str)}
        reason, code = told.get("reason"), told.get("code", errors.LadingError.code)
        text, detail = (told.get("error", "failed"), told.get("detail")) if reason is None else (reason, None)
        return cls(root_of_line(line), text, code, detail, told.get("hint"), _answered(line.get("answered")))

    def is_a(self, kind: type[errors.LadingError]) -> bool:
        """Whether it is one of these."""
        return issubclass(self.kind, kind)

    def told(self) -> Told:
        """In its own words, with what to do about it."""
        return Told(status_of(self.kind), _sentence(self.text, self.detail, self.hint))


STATUS: Mapping[type[errors.LadingError], int] = {
    NotLoggedIn: 401,
    Denied: 403,
    ForeignCaller: 403,
    NoSwarm: 503,
    RunsNothing: 501,
    NameReserved: 403,
    TooManyAttempts: 429,
    PasswordsBusy: 429,
    SchemaOneRefused: 400,
    errors.InputInvalid: 400,
    errors.NotFound: 404,
    errors.AccessDenied: 401,
    errors.Refused: 409,
    errors.RateLimited: 429,
    errors.Unreachable: 503,
    errors.Unavailable: 503,
    errors.LadingError: 500,
}
"""The nearest ancestor decides."""


def status_of(kind: type[errors.LadingError]) -> int:
    """Of an error's class."""
    return next(STATUS[each] for each in kind.__mro__ if each in STATUS)


def told(error: errors.LadingError) -> Told:
    """A failure that is about what is here."""
    cause = unworded(error)
    match cause:
        case DaemonFault():
            return Told(status_of(type(cause)), without_secrets(cause.said))
        case ImageUnknown():
            return Told(404, f"No such image: {familiar(cause.text)}")
        case ImageHasNames():
            return Told(
                409,
                f"conflict: unable to delete {short_id(cause.text)} (must be forced) - "
                "image is referenced in multiple repositories",
            )
        case PlatformMissing():
            return Told(
                404,
                f"image with reference {familiar(cause.where)} was found but does not provide the specified platform "
                f"({cause.wanted})",
            )
        case ReferenceInvalid():
            return Told(400, f"invalid reference format: {cause}")
        case _:
            return Failure.of_error(cause).told()


def of_archive(error: errors.LadingError) -> errors.LadingError:
    """What went wrong with an archive that came in; a Docker host has said it in its own words."""
    if isinstance(error, errors.ContentCorrupt) and not isinstance(error, DaemonFault):
        return ArchiveBroken(error)
    return error


def refusal(error: errors.LadingError) -> Answer:
    """The answer to a request that failed so."""
    status, text = error.told if isinstance(error, JobFailed) else told(error)
    return message(status, text, _fields(error))


def familiar(text: str) -> str:
    """A name as Docker spells it, with the tag it stands for; what is no name as it is."""
    try:
        return Reference.parse(text).or_latest.familiar
    except ReferenceInvalid:
        return text


def short_id(text: str) -> str:
    """The twelve digits of an id that Docker shows."""
    return text.rpartition(":")[2][:12]


def _answered(members: object) -> Answered | None:
    if not isinstance(members, Mapping):
        return None
    status, code, message = members.get("status"), members.get("code"), members.get("message")
    return Answered(
        status if isinstance(status, int) else 0,
        code if isinstance(code, str) else "",
        message if isinstance(message, str) else "",
    )


def _sentence(text: str, detail: str | None, hint: str | None) -> str:
    said = text if detail is None or detail in text else f"{text.rstrip('.')}: {detail}"
    return without_secrets(said if hint is None else f"{said.rstrip('.')}. {hint}")


def _fields(error: errors.LadingError) -> Fields:
    match error:
        case NotLoggedIn():
            return (("WWW-Authenticate", 'Basic realm="lading"'),)
        case TooManyAttempts(seconds=seconds):
            return (("Retry-After", str(max(1, math.ceil(seconds)))),)
        case errors.Unavailable():
            return (("Retry-After", RETRY_SECONDS),)
        case _:
            return ()
