"""What is said to a trust server (Notary v1, server/handlers): metadata fetched, published, its keys asked for.

    GET    a FileAt       404: there is none
    POST   a Collection   multipart/form-data: every file a part `files`, its role the file name
    GET    a KeyAt        the server's public key for snapshot or timestamp
    POST   a KeyAt        another one
    DELETE a Collection

How their URLs are spelled, wire.trust_urls says. A GUN is the repository's full name, its registry included; a token
for it has the scope `repository:GUN:push,pull`. No redirect is followed: a trust server has none to give.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from lading.errors import Side
from lading.wire.json_answers import read_json
from lading.wire.message import BytesContent, BytesReader, ConnectionLost, Conversation, Reader, Request, Stalled
from lading.wire.registry_errors import EXCERPT, ContentRefused, Fault, Refusal, refused
from lading.wire.retry import TRANSIENT
from lading.wire.trust_urls import Collection, FileAt, KeyAt, Route

KEY_LIMIT = 64 * 1024
"""The longest public key read, in bytes."""

TRIES = 3
"""How often a file is fetched whose body the network cuts."""

_BUFFER = 64 * 1024


class UpdateRefused(ContentRefused):
    """400: the trust server does not take the metadata, or somebody published first."""

    side = Side.TARGET
    code = "trust_refused"

    def __str__(self) -> str:
        said = "; ".join(text for fault in self.refusal.faults for text in _said(fault)) or self.refusal.excerpt
        return f"the trust server {self.refusal.host} does not take the change: {said[:EXCERPT] or 'it says no reason'}"


def fetch(base: str, file: FileAt, limit: int) -> Conversation[bytes | None]:
    """A metadata file, read no further than a byte beyond `limit`; None where there is none. `base` is the server's
    address, without a slash at its end. Raises what `refused` makes of other answers."""
    request = Request("GET", _url(base, file), streamed=True)
    for left in reversed(range(TRIES)):
        response = yield request
        if response.status == 404:
            return None
        if response.status != 200:
            raise refused(request, response)
        try:
            return _read(response.stream or BytesReader(response.body), limit + 1)
        except ConnectionLost:
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


def publish(base: str, gun: str, files: Mapping[str, bytes]) -> Conversation[None]:
    """All files by role. An update that is sent twice because nobody answered is refused the second time as outdated.
    Raises UpdateRefused."""
    limit = _limit(files)
    headers = {"content-type": f"multipart/form-data; boundary={limit}"}
    request = Request("POST", _url(base, Collection(gun)), headers, BytesContent(b"".join(_form(files, limit))))
    while True:
        try:
            response = yield request
        except (ConnectionLost, Stalled):
            continue  # the driver's patience ends this
        if response.status == 400:
            raise UpdateRefused(Refusal.of(request, response))
        if response.status in {200, 201, 202, 204}:
            return
        if response.status not in TRANSIENT:
            raise refused(request, response)


def public_key(base: str, gun: str, role: str, *, another: bool = False) -> Conversation[bytes]:
    """The server's own key for the role as JSON, or `another` one from now on."""
    request = Request("POST" if another else "GET", _url(base, KeyAt(gun, role)))
    response = yield request
    if response.status != 200:
        raise refused(request, response)
    return response.body[: KEY_LIMIT + 1]


def _url(base: str, route: Route) -> str:
    return f"{base}{quote(str(route), safe='/:')}"


def _read(stream: Reader, most: int) -> bytes:
    held, buffer = bytearray(), memoryview(bytearray(_BUFFER))
    try:
        while len(held) < most and (count := stream.readinto(buffer[: most - len(held)])):
            held += buffer[:count]
    finally:
        stream.close()
    return bytes(held)


def _limit(files: Mapping[str, bytes]) -> str:
    """What parts the files of a form: it stands in none of them (RFC 2046, 5.1.1)."""
    limit = hashlib.sha256(b"".join(files.values())).hexdigest()
    while any(limit.encode() in raw for raw in files.values()):
        limit = hashlib.sha256(limit.encode()).hexdigest()
    return limit


def _form(files: Mapping[str, bytes], limit: str) -> Iterator[bytes]:
    for role, raw in files.items():
        yield f'--{limit}\r\nContent-Disposition: form-data; name="files"; filename="{role}"\r\n'.encode()
        yield b"Content-Type: application/octet-stream\r\n\r\n" + raw + b"\r\n"
    yield f"--{limit}--\r\n".encode()


def _said(fault: Fault) -> Iterator[str]:
    """Notary's own reason stands two levels deep: {"detail": {"Name": …, "Error": {"Msg": …}}}."""
    yield fault.message or str(fault.code)
    detail = read_json(fault.detail.encode()) if fault.detail else None
    error = detail.get("Error") if isinstance(detail, dict) else None
    reason = error.get("Msg") if isinstance(error, dict) else None
    if isinstance(reason, str) and reason:
        yield reason
