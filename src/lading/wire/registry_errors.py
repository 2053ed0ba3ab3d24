"""What a registry says when it refuses: one table of codes and statuses for the client and the server.

    {"errors": [{"code": "NAME_UNKNOWN", "message": "…", "detail": …}]}       (distribution-spec, Error Codes)

The server renders faults; the client parses them, and takes whatever else stands in the way: an HTML page of a proxy,
an empty body, half a body. What a person needs of it travels in one typed error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from lading.errors import AccessDenied, LadingError, NotFound, ProtocolBroken, RateLimited, Refused, Side
from lading.wire.json_answers import read_json
from lading.wire.message import Request, Response

EXCERPT = 300
"""How many characters of a body that is not ours to understand are kept for a person."""


class Code(StrEnum):
    """The specification's error codes, and those of Docker's registry that clients know as well."""

    BLOB_UNKNOWN = "BLOB_UNKNOWN"
    BLOB_UPLOAD_INVALID = "BLOB_UPLOAD_INVALID"
    BLOB_UPLOAD_UNKNOWN = "BLOB_UPLOAD_UNKNOWN"
    DIGEST_INVALID = "DIGEST_INVALID"
    MANIFEST_BLOB_UNKNOWN = "MANIFEST_BLOB_UNKNOWN"
    MANIFEST_INVALID = "MANIFEST_INVALID"
    MANIFEST_UNKNOWN = "MANIFEST_UNKNOWN"
    NAME_INVALID = "NAME_INVALID"
    NAME_UNKNOWN = "NAME_UNKNOWN"
    SIZE_INVALID = "SIZE_INVALID"
    UNAUTHORIZED = "UNAUTHORIZED"
    DENIED = "DENIED"
    UNSUPPORTED = "UNSUPPORTED"
    TOOMANYREQUESTS = "TOOMANYREQUESTS"
    UNAVAILABLE = "UNAVAILABLE"
    UNKNOWN = "UNKNOWN"


STATUS: Mapping[Code, int] = {
    Code.BLOB_UNKNOWN: 404,
    Code.BLOB_UPLOAD_INVALID: 400,
    Code.BLOB_UPLOAD_UNKNOWN: 404,
    Code.DIGEST_INVALID: 400,
    Code.MANIFEST_BLOB_UNKNOWN: 400,
    Code.MANIFEST_INVALID: 400,
    Code.MANIFEST_UNKNOWN: 404,
    Code.NAME_INVALID: 400,
    Code.NAME_UNKNOWN: 404,
    Code.SIZE_INVALID: 400,
    Code.UNAUTHORIZED: 401,
    Code.DENIED: 403,
    Code.UNSUPPORTED: 405,
    Code.TOOMANYREQUESTS: 429,
    Code.UNAVAILABLE: 503,
    Code.UNKNOWN: 500,
}
"""The status that each code is answered with (distribution-spec, Error Codes; docker's registry API, Errors)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of an error body. `code` is text where a registry has one of its own; `detail` is JSON text."""

    code: Code | str
    message: str = ""
    detail: str | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else str(self.code)


def render(faults: Iterable[Fault]) -> bytes:
    """An error body as the specification draws it."""
    return json.dumps({"errors": [_entry(fault) for fault in faults]}).encode()


def _entry(fault: Fault) -> dict[str, object]:
    entry: dict[str, object] = {"code": str(fault.code), "message": fault.message}
    if fault.detail is not None:
        entry["detail"] = json.loads(fault.detail)
    return entry


def parse(body: bytes) -> tuple[Fault, ...]:
    """The faults of an error body; none where it is something else, or nested too deeply to be told."""
    try:
        return tuple(_faults(read_json(body)))
    except (ValueError, RecursionError):
        return ()


def _faults(document: object) -> Iterator[Fault]:
    errors = document.get("errors") if isinstance(document, dict) else None
    if isinstance(errors, list):
        yield from (_fault(entry) for entry in errors if isinstance(entry, dict))


def _fault(entry: Mapping[str, object]) -> Fault:
    text = str(entry.get("code", Code.UNKNOWN))
    code = Code(text) if text in Code.__members__ else text
    detail = entry.get("detail")
    return Fault(code, str(entry.get("message", "")), None if detail is None else json.dumps(detail))


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was asked and how it was refused, fit to be shown: the URL is without its query, which may hold secrets."""

    method: str
    url: str
    status: int
    faults: tuple[Fault, ...] = ()
    excerpt: str = ""

    @classmethod
    def of(cls, request: Request, response: Response) -> Refusal:
        """From one exchange."""
        parts = urlsplit(request.url)
        faults = parse(response.body)
        text = response.body[: 4 * EXCERPT].decode("utf-8", "replace")
        excerpt = "" if faults else " ".join(text.split())[:EXCERPT]
        return cls(request.method, f"{parts.scheme}://{parts.netloc}{parts.path}", response.status, faults, excerpt)

    @property
    def host(self) -> str:
        """Host[:port] that refused."""
        return urlsplit(self.url).netloc

    @property
    def codes(self) -> frozenset[Code | str]:
        """The codes of all faults."""
        return frozenset(fault.code for fault in self.faults)

    def __str__(self) -> str:
        said = f" ({'; '.join(str(fault) for fault in self.faults)})" if self.faults else ""
        return f"{self.method} {self.url} answered {self.status}{said}"


NOT_TRUSTED = json.dumps({"reason": "not_trusted"})
"""What our registry says in the detail of a fault where a trust rule refuses."""


class RegistryRefused(LadingError):
    """What every refusal has in common; each class below also has the root it belongs to."""

    side = Side.TARGET

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.raw = refusal.excerpt or None

    def __str__(self) -> str:
        return f"{self.refusal}"


class Unauthorized(RegistryRefused, AccessDenied):
    """401: the registry wants a login, and either none was known or the one sent was not taken."""

    side = Side.CALLER


class LoginNeeded(Unauthorized):
    """401, and nobody was logged in to `registry`; a token service of another name may have been the one to say so."""

    why = "No login for it was given, and none is kept here."

    def __init__(self, refusal: Refusal, registry: str) -> None:
        super().__init__(refusal)
        self.registry = registry
        self.hint = "Give the registry a login; a repository that does not exist may answer the same."
        self.command = f"lading login {registry}   (a repository that does not exist may answer the same)"

    def __str__(self) -> str:
        return f"{self.registry} wants a login: {self.refusal}"


class LoginRefused(Unauthorized):
    """401, and a login was sent; `source` says where it came from, `registry` whom it is for."""

    why = "The name and the password do not fit, or may not be used here."

    def __init__(self, refusal: Refusal, registry: str, source: str) -> None:
        super().__init__(refusal)
        self.registry, self.source = registry, source
        self.hint = "Check the name and the password of the registry's login."
        self.command = f"Check the name and the password, or log in again: lading login {registry}"

    def __str__(self) -> str:
        return f"{self.registry} does not take the login from {self.source}: {self.refusal}"


class PermissionDenied(RegistryRefused, AccessDenied):
    """403: this login may not do that, or nobody may without one."""

    side = Side.CALLER
    why = "It does not let whoever asks do this here; some registries answer so for what does not exist."

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.hint = "Use the login of somebody who may."
        self.command = f"Log in as somebody who may: lading login {refusal.host}"


class SignatureMissing(RegistryRefused, Refused):
    """403, with NOT_TRUSTED in its detail: a registry of ours gives away what is signed alone."""

    why = "The repository gives away what is signed as it asks, and nothing else."
    hint = "Have it signed by who is accepted there."


class ThingUnknown(RegistryRefused, NotFound):
    """404: there is no such repository, blob or manifest."""

    side = Side.CALLER


class RepositoryUnknown(ThingUnknown):
    """404 NAME_UNKNOWN: some registries want a repository to be made before the first push (Amazon ECR)."""

    hint = "Check the name; on some registries a repository has to be created before the first push."


class TagLocked(RegistryRefused, Refused):
    """409 or 412: the registry keeps this tag as it is."""

    side = Side.CALLER
    hint = "The tag is immutable at the registry: push under another tag."


class BodyTooLarge(RegistryRefused, Refused):
    """413: something on the way takes no body of this size, and no smaller pieces either."""

    hint = "Raise the body limit of the proxy in front of the registry (nginx: client_max_body_size)."


class Unsupported(RegistryRefused, Refused):
    """405 or UNSUPPORTED: this registry cannot do that."""


class ContentRefused(RegistryRefused, Refused):
    """400: the registry does not take this manifest or blob."""


class TooManyRequests(RegistryRefused, RateLimited):
    """429: the rate limit. `seconds` is how long the registry asks to wait, None where it does not say."""

    why = "It allows no more requests for now, and asking again did not help or would take too long."
    hint = "Wait, or log in: many registries allow more to those they know"

    def __init__(self, refusal: Refusal, seconds: float | None = None) -> None:
        super().__init__(refusal)
        self.seconds = seconds

    def __str__(self) -> str:
        wait = f" and asks to wait {self.seconds:.0f} s" if self.seconds is not None else ""
        return f"{self.refusal.host} limits the rate{wait}: {self.refusal}"


class RegistryFailed(RegistryRefused, ProtocolBroken):
    """5xx: the registry, or a proxy before it, broke down."""

    why = "The registry or a proxy in front of it failed."


class AnswerUnexpected(RegistryRefused, ProtocolBroken):
    """A status that the specification does not know in this place."""


_BY_STATUS: Mapping[int, type[RegistryRefused]] = {
    400: ContentRefused,
    401: Unauthorized,
    403: PermissionDenied,
    404: ThingUnknown,
    405: Unsupported,
    409: TagLocked,
    412: TagLocked,
    413: BodyTooLarge,
    422: ContentRefused,
    429: TooManyRequests,
    499: RegistryFailed,
}

_BY_CODE: Mapping[Code | str, type[RegistryRefused]] = {
    Code.NAME_UNKNOWN: RepositoryUnknown,
    Code.UNSUPPORTED: Unsupported,
    Code.DENIED: PermissionDenied,
}

_CODES_DECIDE = frozenset({400, 404})
"""Where the status says little and the code more; a 401 or 429 stays what it is whatever the body says."""


def refused(request: Request, response: Response) -> RegistryRefused:
    """The typed error of an answer that is no success."""
    refusal = Refusal.of(request, response)
    if refusal.status == 403 and any(fault.detail == NOT_TRUSTED for fault in refusal.faults):
        return SignatureMissing(refusal)
    if refusal.status in _CODES_DECIDE:
        for code, kind in _BY_CODE.items():
            if code in refusal.codes:
                return kind(refusal)
    if refusal.status >= 500:
        return RegistryFailed(refusal)
    return _BY_STATUS.get(refusal.status, AnswerUnexpected)(refusal)
