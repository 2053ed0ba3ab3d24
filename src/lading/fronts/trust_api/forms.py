"""The form that publishers send: all files of an update, each with its role for a file name (RFC 7578).

    --limit\r\n
    Content-Disposition: form-data; name="files"; filename="targets/releases"\r\n
    Content-Type: application/octet-stream\r\n
    \r\n
    {"signed": …}\r\n
    --limit--\r\n

Read by the letter: whatever a publisher's program would not write is refused and not guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lading.errors import InputInvalid
from lading.fronts.http.endpoints import FormTooLong
from lading.fronts.http.exchange import Body
from lading.proof.tuf_roles import is_role

FORM_LIMIT = 16 * 1024 * 1024
"""Bytes of a form: room for four of the longest files."""

PARTS_LIMIT = 1000
"""As many roles as a client walks."""

_PIECE = 64 * 1024
_HEAD_LIMIT = 2048
_BOUNDARY = re.compile(r"multipart/form-data;\s*boundary=(?:\"([^\"\s]{1,70})\"|([^\"\s;,]{1,70}))", re.IGNORECASE)
_FILE = re.compile(
    rb"content-disposition: *form-data; *name=\"?files\"?; *filename=\"([^\"\r\n]*)\" *(?:\r\n|\Z)", re.IGNORECASE
)


class FormInvalid(InputInvalid):
    """What was sent is no form of files; `reason` completes the sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the form {self.reason}"


class RoleMissing(InputInvalid):
    """A file of the form does not say which role it is of."""

    def __str__(self) -> str:
        return "a file of the form names no role"


class RoleInvalid(InputInvalid):
    """A name that no role may have."""

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role

    def __str__(self) -> str:
        return f"{self.role[:80]!r} is no role"


def read_update(content_type: str, body: Body) -> dict[str, bytes]:
    """The files by role. Raises FormInvalid, FormTooLong, RoleMissing, RoleInvalid; Stalled."""
    found = _BOUNDARY.fullmatch(content_type.strip())
    if found is None:
        raise FormInvalid("is not multipart/form-data with a boundary")
    update: dict[str, bytes] = {}
    for head, content in _parts(_read(body), (found[1] or found[2]).encode()):
        role = _role(head)
        if role in update:
            raise FormInvalid(f"has {role} twice")
        update[role] = content
    if not update:
        raise FormInvalid("has no files")
    return update


def _read(body: Body) -> bytes:
    """Memory follows what has come, not what was announced."""
    if body.length is not None and body.length > FORM_LIMIT:
        raise FormTooLong(FORM_LIMIT)
    received, piece = bytearray(), memoryview(bytearray(_PIECE))
    while count := body.readinto(piece):
        received += piece[:count]
        if len(received) > FORM_LIMIT:
            raise FormTooLong(FORM_LIMIT)
    return bytes(received)


def _parts(raw: bytes, boundary: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Head and content of each."""
    first, *parts = (b"\r\n" + raw).split(b"\r\n--" + boundary)
    if first or not parts or parts.pop() not in {b"--", b"--\r\n"}:
        raise FormInvalid("does not begin and end with its boundary")
    if len(parts) > PARTS_LIMIT:
        raise FormInvalid(f"has more than {PARTS_LIMIT} files")
    for part in parts:
        head, blank, content = part.partition(b"\r\n\r\n")
        if not head.startswith(b"\r\n") or not blank or len(head) > _HEAD_LIMIT:
            raise FormInvalid("has a part without a head")
        yield head.removeprefix(b"\r\n"), content


def _role(head: bytes) -> str:
    found = _FILE.search(head)
    if found is None:
        raise RoleMissing
    role = found[1].decode("utf-8", "replace").removesuffix(".json")
    if not role:
        raise RoleMissing
    if not is_role(role):
        raise RoleInvalid(role)
    return role
