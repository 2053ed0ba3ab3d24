"""A request's head and body on the wire.

The body goes out in pieces, and between them the other side is listened to: whoever refuses an upload (401, 413) often
says so before reading it, and then sending on would only get the connection broken and the answer lost with it.
"""

from __future__ import annotations

import re
import select
from collections.abc import Callable

from lading.backends.http.channel import Channel
from lading.backends.http.proxies import Proxy
from lading.backends.http.refusals import UrlInvalid
from lading.backends.http.target import Target
from lading.wire.message import Cancel, FileReader, Reader, ReadFailed, Request

PIECE = 1024 * 1024
"""Bytes the kernel is asked to send at once; a cancel is looked for in between."""

BUFFER = 256 * 1024
"""Bytes read at once where the kernel cannot send the content by itself."""

_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_LINE_BREAKS = re.compile(r"[\r\n\0]")
_INTERIM = b"HTTP/1.1 1"  # 100 Continue, which some send unasked; the body goes on
_LINE_LIMIT = 64 * 1024
_BODY_EXPECTED = frozenset({"POST", "PUT", "PATCH"})


def head(request: Request, target: Target, proxy: Proxy | None, user_agent: str) -> bytes:
    """The request line and header. `proxy` is one that is asked for the whole URL (plain HTTP), not a tunnel.

    Bodies are asked for as they are: a decoded layer would no longer be what its digest names.
    """
    fields = {"Host": target.authority, "User-Agent": user_agent, "Accept-Encoding": "identity"}
    given = {name: value for name, value in request.headers.items() if name.lower() not in _OURS}
    overridden = {name.lower() for name in given}
    fields = {name: value for name, value in fields.items() if name.lower() not in overridden} | given
    if proxy is not None and proxy.authorization is not None:
        fields["Proxy-Authorization"] = proxy.authorization
    if request.reader is not None:
        fields["Transfer-Encoding"] = "chunked"
    elif request.content is not None or request.method in _BODY_EXPECTED:
        fields["Content-Length"] = str(request.body_size)
    selector = target.selector if proxy is None else target.absolute
    return lines(f"{request.method} {selector} HTTP/1.1", fields)


def lines(first: str, fields: dict[str, str]) -> bytes:
    """A head. Raises UrlInvalid where a line break would start another one (values may come from a registry)."""
    if any(_LINE_BREAKS.search(name + value) for name, value in fields.items()):
        raise UrlInvalid("a header made from it would break into two")
    rows = [first, *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(rows).encode("latin-1", "replace")


def send_body(channel: Channel, request: Request, cancel: Cancel, passed: Callable[[int], None]) -> bool:
    """Whether all of it went out; False where the other side answered, or hung up, before that.

    Raises ConnectionLost, Stalled, ReadFailed, Cancelled.
    """
    outlet = _Outlet(channel, request.stall_seconds, cancel, passed)
    if request.reader is not None:
        return outlet.send_chunks(request.reader)
    if request.content is None or request.body_size == 0:
        return True
    reader = request.content.open(request.start, request.length)
    try:
        if channel.kernel_sends and isinstance(reader, FileReader):
            return outlet.send_file(*reader.file(), request.body_size)
        return outlet.send_read(reader, request.body_size)
    finally:
        reader.close()


class _Outlet:
    """One body on its way out."""

    def __init__(self, channel: Channel, silence: float, cancel: Cancel, passed: Callable[[int], None]) -> None:
        self._channel = channel
        self._silence = silence
        self._cancel = cancel
        self._passed = passed

    def send_file(self, number: int, position: int, size: int) -> bool:
        end = position + size
        while position < end:
            if self._interrupted():
                return False
            sent = self._channel.try_send_file(number, position, min(PIECE, end - position))
            if sent is None:
                self._wait()
            elif sent == 0:
                raise ReadFailed("the content to send", f"its file ends {end - position} bytes early")
            else:
                position += sent
                self._passed(sent)
        return True

    def send_read(self, reader: Reader, size: int) -> bool:
        buffer = memoryview(bytearray(min(BUFFER, size)))
        left = size
        while left:
            count = reader.readinto(buffer[: min(left, len(buffer))])
            if count == 0:
                raise ReadFailed("the content to send", f"it ends {left} bytes early")
            if not self._send_all(buffer[:count]):
                return False
            left -= count
        return True

    def send_chunks(self, reader: Reader) -> bool:
        """Where reading fails, the last chunk never goes out: the other side sees a body that was cut."""
        buffer = memoryview(bytearray(BUFFER))
        while count := reader.readinto(buffer):
            if not (self._frame(b"%x\r\n" % count) and self._send_all(buffer[:count]) and self._frame(b"\r\n")):
                return False
        return self._frame(b"0\r\n\r\n")

    def _frame(self, text: bytes) -> bool:
        return self._send_all(memoryview(text), counted=False)

    def _send_all(self, rest: memoryview, *, counted: bool = True) -> bool:
        while rest:
            if self._interrupted():
                return False
            sent = self._channel.try_send(rest)
            if sent is None:
                self._wait()
            else:
                rest = rest[sent:]
                if counted:
                    self._passed(sent)
        return True

    def _interrupted(self) -> bool:
        """Whether the other side has begun to answer, or has hung up. Raises Cancelled."""
        self._cancel.check()
        if not self._channel.is_readable():
            return False
        inbox = self._channel.inbox
        if inbox.peek().startswith(_INTERIM):
            while inbox.ahead.readline(_LINE_LIMIT).strip():
                pass
        return bool(inbox.peek()) or inbox.ended

    def _wait(self) -> None:
        self._channel.wait(self._silence, also=select.POLLIN)
