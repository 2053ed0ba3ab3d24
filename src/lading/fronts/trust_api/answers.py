"""Answers of the trust server: files, JSON, and errors from one table.

Clients (Notary's and docker's) take a 404 for "nothing is signed here", and print of a 400 what its `detail` says, in
the form of Notary's own errors; of a 403 they say that the server cannot be reached. So who may not is answered with
401, as Notary's server does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from email.utils import formatdate

from lading.errors import InputInvalid, LadingError, NoRoom, StorageFailed, Unavailable
from lading.fronts.http.connection import RETRY_SECONDS
from lading.fronts.http.endpoints import EndpointUnknown, FormTooLong, MethodRefused
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.trust_api.forms import FormInvalid, RoleInvalid, RoleMissing
from lading.fronts.trust_api.gate import CallerForeign, TokenWanted
from lading.proof.tuf_refusals import SignerMissing, TrustInvalid, TrustRefused, UpdateOutdated
from lading.services.access import Denied
from lading.services.identity.passwords import PasswordsBusy
from lading.services.identity.throttling import TooManyAttempts
from lading.services.trust.collections import MetadataUnknown, NamesMany, PublishersMany, RoleKeptElsewhere
from lading.services.trust.records import TrustFile

Fields = Sequence[tuple[str, str]]

_ALWAYS = (("Docker-Distribution-Api-Version", "registry/2.0"), ("X-Content-Type-Options", "nosniff"))
_JSON = ("Content-Type", "application/json")

_MESSAGE_LIMIT = 280
"""Characters. Clients read 1 KiB of an error, and nothing of one that is longer; the sentence is told twice."""


class GunForeign(InputInvalid):
    """A collection whose registry is not this one."""

    def __init__(self, gun: str) -> None:
        super().__init__(gun)
        self.gun = gun

    def __str__(self) -> str:
        return f"this trust server keeps nothing of {self.gun[:160]!r}: it is no repository of this registry"


class ParameterInvalid(InputInvalid):
    """A parameter of the changefeed that is no number."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, text)
        self.name, self.text = name, text

    def __str__(self) -> str:
        return f"{self.name} is a whole number, and not {self.text[:40]!r}"


_REFUSALS: Mapping[type[LadingError], tuple[int, str]] = {
    MetadataUnknown: (404, "METADATA_NOT_FOUND"),
    EndpointUnknown: (404, "METADATA_NOT_FOUND"),
    GunForeign: (404, "INVALID_GUN"),
    MethodRefused: (405, "UNSUPPORTED"),
    ParameterInvalid: (400, "INVALID_PARAMETERS"),
    FormInvalid: (400, "MALFORMED_UPLOAD"),
    FormTooLong: (413, "MALFORMED_UPLOAD"),
    RoleMissing: (400, "NO_FILENAME"),
    RoleInvalid: (400, "INVALID_ROLE"),
    RoleKeptElsewhere: (400, "INVALID_ROLE"),
    TrustInvalid: (400, "INVALID_UPDATE"),
    SignerMissing: (400, "INVALID_UPDATE"),
    TrustRefused: (400, "INVALID_UPDATE"),
    UpdateOutdated: (400, "VERSION"),
    PublishersMany: (400, "VERSION"),
    NamesMany: (400, "INVALID_GUN"),
    TokenWanted: (401, "UNAUTHORIZED"),
    CallerForeign: (403, "DENIED"),
    Denied: (403, "DENIED"),
    TooManyAttempts: (429, "TOOMANYREQUESTS"),
    PasswordsBusy: (429, "TOOMANYREQUESTS"),
    NoRoom: (507, "UPDATING"),
    StorageFailed: (503, "UPDATING"),
}
"""Status and Notary's code for each error of ours (server/errors, and docker's registry for what both have); an error
below one of these is answered like it."""


def answer(status: int, fields: Fields = (), content: bytes = b"") -> Answer:
    """A short one, with its length."""
    return Answer(status, (*_ALWAYS, ("Content-Length", str(len(content))), *fields), (content,) if content else ())


def json_answer(document: object) -> Answer:
    """200 with a document that may be another one the next moment."""
    return answer(200, (_JSON, ("Cache-Control", "no-store")), json.dumps(document).encode())


def file_answer(request: IncomingRequest, file: TrustFile, *, lasting: bool) -> Answer:
    """A file. `lasting`: what is asked for never changes. Notary lets everybody on the way keep it; here a repository
    may be private, so that only who asked may."""
    fields = (
        ("Cache-Control", "private, max-age=31536000, immutable" if lasting else "private, no-cache"),
        ("ETag", f'"{file.sha256}"'),
        ("Last-Modified", formatdate(file.created, usegmt=True)),
    )
    if file.sha256 in request.headers.get("if-none-match", ""):
        return Answer(304, (*_ALWAYS, *fields))
    if request.method == "HEAD":
        return Answer(200, (*_ALWAYS, ("Content-Length", str(len(file.content))), _JSON, *fields))
    return answer(200, (_JSON, *fields), file.content)


def error_answer(error: LadingError) -> Answer | None:
    """The error in Notary's form; None for what is no client's business."""
    for kind in type(error).__mro__:
        if kind in _REFUSALS:
            status, code = _REFUSALS[kind]
            told = {"errors": [{"code": code, "message": _sentence(error), "detail": _detail(error, status)}]}
            return answer(status, (_JSON, *_fields(error, status)), json.dumps(told, ensure_ascii=False).encode())
    return None


def _fields(error: LadingError, status: int) -> Fields:
    match error:
        case TokenWanted():
            return (("WWW-Authenticate", error.challenge),)
        case MethodRefused():
            return (("Allow", ", ".join(error.allowed)),)
        case TooManyAttempts():
            return (("Retry-After", str(math.ceil(error.seconds))),)
    return (("Retry-After", RETRY_SECONDS),) if status in {429, 503} else ()


def _sentence(error: LadingError) -> str:
    """A storage's own words name files of ours: they go to the log alone."""
    if isinstance(error, NoRoom):
        return "the registry has no room left for this: its disk is full, or nearly so"
    if isinstance(error, Unavailable):
        return "the registry cannot reach what it keeps for now: try again in a few seconds"
    return "the registry's storage failed" if isinstance(error, StorageFailed) else str(error)[:_MESSAGE_LIMIT]


def _detail(error: LadingError, status: int) -> object:
    """What clients print of a 400: an error of Notary's own that carries our sentence (tuf/validation/errors.go)."""
    if status != 400:
        return None
    role = error.role if isinstance(error, TrustRefused) else ""
    name = _NAMES.get(role.partition("/")[0], "ErrValidation")
    return {"Name": name, "Error": {"Msg": _sentence(error)}}


_NAMES = {"root": "ErrBadRoot", "snapshot": "ErrBadSnapshot", "targets": "ErrBadTargets"}
