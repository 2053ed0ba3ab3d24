"""Answers of the /v2/ door: the fields all of them carry, JSON, and errors from one table."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lading.engine.stores import ContentUnknown
from lading.errors import InputInvalid, LadingError, NoRoom, StorageFailed, Unavailable
from lading.fronts.http.connection import RETRY_SECONDS
from lading.fronts.http.endpoints import EndpointUnknown, FormTooLong, MethodRefused
from lading.fronts.http.exchange import Answer
from lading.fronts.registry_api.doorstep import ForeignCaller, LoginWanted
from lading.oci.digest import DigestInvalid, DigestMismatch, DigestUnsupported
from lading.oci.manifest import ManifestInvalid, SchemaOneRefused
from lading.services.access import Denied
from lading.services.identity.passwords import PasswordsBusy
from lading.services.identity.throttling import TooManyAttempts
from lading.services.repositories.errors import (
    BlobUnknown,
    ChildrenMissing,
    Entangled,
    ManifestUnknown,
    Protected,
    RepositoryUnknown,
    StillNeeded,
)
from lading.services.server.serving import SERVER
from lading.services.trust.wanted import SignatureWanted
from lading.wire.byte_ranges import RangeUnsatisfiable
from lading.wire.registry_errors import NOT_TRUSTED, STATUS, Code, Fault, render
from lading.wire.registry_urls import RouteInvalid
from lading.wire.token_request import TokenRequestInvalid
from lading.wire.upload_session import ChunkInvalid, ChunkOutOfOrder, UploadBusy, UploadUnknown

JSON = "application/json"
Fields = Sequence[tuple[str, str]]

_ALWAYS = (("Docker-Distribution-Api-Version", "registry/2.0"), ("X-Content-Type-Options", "nosniff"))
"""Old clients look for the first; a browser must not take a blob for a page."""


class PageInvalid(InputInvalid):
    """How many names a page should have was not said in a number."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text[:40]!r} is no number of names"


class TagsTooMany(InputInvalid):
    """More `tag` parameters than one request may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"one request sets at most {self.limit} tags"


class ManifestTooLong(InputInvalid):
    """A manifest beyond the limit in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"a manifest has at most {self.limit} bytes"


_CODES: Mapping[type[LadingError], Code] = {
    RepositoryUnknown: Code.NAME_UNKNOWN,
    ManifestUnknown: Code.MANIFEST_UNKNOWN,
    BlobUnknown: Code.BLOB_UNKNOWN,
    ContentUnknown: Code.BLOB_UNKNOWN,
    ChildrenMissing: Code.MANIFEST_BLOB_UNKNOWN,
    StillNeeded: Code.UNSUPPORTED,
    Entangled: Code.UNSUPPORTED,
    Protected: Code.DENIED,
    SignatureWanted: Code.DENIED,
    ManifestInvalid: Code.MANIFEST_INVALID,
    SchemaOneRefused: Code.MANIFEST_INVALID,
    ManifestTooLong: Code.SIZE_INVALID,
    DigestInvalid: Code.DIGEST_INVALID,
    DigestUnsupported: Code.DIGEST_INVALID,
    DigestMismatch: Code.DIGEST_INVALID,
    UploadUnknown: Code.BLOB_UPLOAD_UNKNOWN,
    UploadBusy: Code.UNAVAILABLE,
    ChunkOutOfOrder: Code.BLOB_UPLOAD_INVALID,
    ChunkInvalid: Code.BLOB_UPLOAD_INVALID,
    RangeUnsatisfiable: Code.SIZE_INVALID,
    PageInvalid: Code.UNSUPPORTED,
    TagsTooMany: Code.UNSUPPORTED,
    EndpointUnknown: Code.UNSUPPORTED,
    MethodRefused: Code.UNSUPPORTED,
    LoginWanted: Code.UNAUTHORIZED,
    TooManyAttempts: Code.TOOMANYREQUESTS,
    PasswordsBusy: Code.TOOMANYREQUESTS,
    TokenRequestInvalid: Code.UNSUPPORTED,
    FormTooLong: Code.SIZE_INVALID,
    Denied: Code.DENIED,
    ForeignCaller: Code.DENIED,
    StorageFailed: Code.UNAVAILABLE,
    NoRoom: Code.UNAVAILABLE,
}
"""The specification's code for each error of ours; an error below one of these is answered like it. With a 4xx it is
one of the fourteen that there may be (distribution-spec, Error Codes), though Docker's registry had more."""

_OTHER_STATUS: Mapping[type[LadingError], int] = {
    ManifestTooLong: 413,
    NoRoom: 507,
    FormTooLong: 413,
    TagsTooMany: 414,
    ChunkOutOfOrder: 416,
    RangeUnsatisfiable: 416,
    PageInvalid: 400,
    EndpointUnknown: 404,
    Protected: 409,
    TokenRequestInvalid: 400,
}
"""Where the code's own status would mislead."""

_REASON_LIMIT = 256
"""Characters of a status line; proxies bound the whole head."""


def answer(status: int, fields: Fields = (), content: bytes = b"") -> Answer:
    """A short one, with its length; 204 has none to have (RFC 9110, 8.6)."""
    length: Fields = () if status == 204 else (("Content-Length", str(len(content))),)
    return Answer(status, (*_ALWAYS, *length, *fields), (content,) if content else ())


def json_answer(document: object, media_type: str = JSON, fields: Fields = ()) -> Answer:
    """200 with a document."""
    return answer(200, (("Content-Type", media_type), *fields), json.dumps(document).encode())


def streamed(length: int, fields: Fields) -> Fields:
    """The fields of an answer whose body of `length` bytes is a stream, or is left out for a HEAD."""
    return (*_ALWAYS, ("Content-Length", str(length)), *fields)


def placed(given: Answer, outside: str | None) -> Answer:
    """With whole URLs in place of our own paths, beginning as the client's do; with None as it is."""
    if outside is None:
        return given
    return replace(given, headers=[(name, _placed(name, value, outside)) for name, value in given.headers])


def _placed(name: str, value: str, outside: str) -> str:
    if name == "Location":
        return f"{outside}{value}" if value.startswith("/") else value
    return value.replace("<", f"<{outside}", 1) if name == "Link" else value


def fault_of(error: LadingError) -> tuple[int, Fault] | None:
    """The status and the entry of the error body; None for what is no client's business."""
    if isinstance(error, RouteInvalid):
        return STATUS[error.fault], Fault(error.fault, str(error))
    for kind in type(error).__mro__:
        if kind in _CODES:
            code = _CODES[kind]
            return _OTHER_STATUS.get(kind, STATUS[code]), Fault(code, _message(error), _detail(error))
    return None


def error_answer(error: LadingError, fields: Fields = (), *, bodiless: bool = False) -> Answer | None:
    """The error in the specification's form, as the docker command line prints it.

    `bodiless` is the answer to a HEAD: its status line says what the body cannot. containerd prints that line, and goes
    no further; others ask again by GET, and print the body.
    """
    found = fault_of(error)
    if found is None:
        return None
    status, fault = found
    answered = refusal(status, fault, (*fields, *_fields(error, status)))
    return replace(answered, reason=_in_a_line(str(fault))) if bodiless else answered


def _in_a_line(text: str) -> str:
    """As a status line may have it (RFC 9112, 4): whoever pushed something chose part of these words."""
    return "".join(each if " " <= each <= "~" else "?" for each in text[:_REASON_LIMIT])


def refusal(status: int, fault: Fault, fields: Fields = ()) -> Answer:
    """One fault."""
    return answer(status, (("Content-Type", JSON), *fields), render([fault]))


def _fields(error: LadingError, status: int) -> Fields:
    if isinstance(error, MethodRefused):
        return (("Allow", ", ".join(error.allowed)),)
    if isinstance(error, RangeUnsatisfiable):
        return (("Content-Range", f"bytes */{error.size}"),)
    if isinstance(error, LoginWanted):
        return (("WWW-Authenticate", str(error.challenge)), ("Server", SERVER))
    if isinstance(error, TooManyAttempts):
        return (("Retry-After", str(math.ceil(error.seconds))),)
    return (("Retry-After", RETRY_SECONDS),) if status in {429, 503} else ()


def _message(error: LadingError) -> str:
    """A storage's own words name files of ours: they go to the log alone."""
    if isinstance(error, NoRoom):
        return "the registry has no room left for this: its disk is full, or nearly so"
    if isinstance(error, Unavailable):
        return "the registry cannot reach what it keeps for now: try again in a few seconds"
    return "the registry's storage failed" if isinstance(error, StorageFailed) else str(error)


def _detail(error: LadingError) -> str | None:
    """What a script may want to read without parsing a sentence."""
    match error:
        case ChildrenMissing():
            return json.dumps([{"digest": str(digest)} for digest in error.missing])
        case SignatureWanted():
            return NOT_TRUSTED
        case StillNeeded():
            return json.dumps({"parents": [str(parent) for parent in error.parents]})
        case DigestMismatch():
            return json.dumps({"expected": str(error.expected), "received": str(error.received)})
    return None
