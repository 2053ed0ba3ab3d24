"""One agent's socket, from when it is open until it is gone.

    hello within a time ──▶ login (a thread) ──▶ longer messages allowed ──▶ attached ──▶ every message to the hub

Before the login nothing is taken but a hello: a frame of another kind is answered, and the socket stays open for the
time that is left, as agents of the field know it.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from lading.errors import LadingError
from lading.fronts.edge_api.asgi import Message, Receive, Send
from lading.fronts.edge_api.limits import EdgeLimits
from lading.fronts.edge_api.socket import AgentSocket
from lading.fronts.http.open_socket import OpenSocket
from lading.services.agents.logins import Admitted, AgentRefused
from lading.services.hub.hub import AgentLink, Attach
from lading.wire.tunnel_fields import FrameInvalid
from lading.wire.tunnel_frames import FRAME_LIMIT, STOCK_FRAME_LIMIT, Hello
from lading.wire.tunnel_login import CloseCode, RefusalText, refusal, speaks_lading_streams
from lading.wire.tunnel_text import frame_text, read_frame

log = logging.getLogger("lading.edge")


class Logins(Protocol):
    """services.agents.agents.Agents."""

    def login(self, hello: Hello, address: str, request: str) -> Admitted:
        """On a thread. Raises AgentRefused, StorageFailed."""

    def arrived(self, admitted: Admitted, link: AgentLink) -> None:
        """It is attached."""

    def left(self, link: AgentLink) -> None:
        """Its socket is gone; harmless twice."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose socket it is: the address that it comes from, and our id for its request."""

    address: str
    request: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """`threads` are for logins; `connection` is what the socket's server offers beside ASGI."""

    agents: Logins
    attach: Attach
    threads: Executor
    limits: EdgeLimits
    visitor: Visitor
    connection: OpenSocket

    async def run(self, receive: Receive, send: Send) -> None:
        """Until the socket is gone, or closed by us."""
        socket = AgentSocket(send, self.connection.abort, self.limits)
        writing = asyncio.create_task(socket.writing())
        try:
            if await self._listened(receive, socket):
                await _over(receive)
        finally:
            socket.gone()
            writing.cancel()

    async def _listened(self, receive: Receive, socket: AgentSocket) -> bool:
        """Whether the socket is being closed by us, rather than gone."""
        try:
            hello = await self._hello(receive, socket)
            if hello is None:
                return False
            admitted = await self._admitted(hello)
        except _TurnedAway as away:
            self._turn_away(socket, away)
            return True
        if not self.connection.known(FRAME_LIMIT if speaks_lading_streams(hello) else STOCK_FRAME_LIMIT):
            return False  # and let in, it would throw out itself, where it has come again meanwhile
        return await self._attached(receive, socket, hello, admitted)

    # ── the login

    async def _hello(self, receive: Receive, socket: AgentSocket) -> Hello | None:
        """None where the socket is gone. Raises _TurnedAway."""
        try:
            async with asyncio.timeout(self.limits.login_seconds):
                for _ in range(self.limits.early_frames + 1):
                    message = await receive()
                    if _is_end(message):
                        return None
                    hello = _hello_in(message)
                    if hello is not None:
                        return hello
                    socket.send(frame_text(refusal(RefusalText.NOT_AUTHENTICATED)))
        except TimeoutError:
            raise _TurnedAway(RefusalText.NOT_AUTHENTICATED) from None
        raise _TurnedAway(RefusalText.NOT_AUTHENTICATED)

    async def _admitted(self, hello: Hello) -> Admitted:
        """Raises _TurnedAway."""
        login = partial(self.agents.login, hello, self.visitor.address, self.visitor.request)
        try:
            return await asyncio.get_running_loop().run_in_executor(self.threads, login)
        except AgentRefused as refused:
            raise _TurnedAway(str(refused), refused.close_code, refused.retry_after) from refused
        except LadingError as error:
            log.error("an agent could not be let in: %s", error, extra=self._told())  # noqa: TRY400  it says all
        except Exception:
            log.exception("an agent could not be let in", extra=self._told())
        raise _TurnedAway(RefusalText.FAILED, CloseCode.OUR_FAULT)

    def _turn_away(self, socket: AgentSocket, away: _TurnedAway) -> None:
        log.info("agent turned away: %s", away.text, extra=self._told())
        socket.send(frame_text(refusal(away.text, away.retry_after)))
        socket.close(away.code, away.text)

    # ── once it is in

    async def _attached(self, receive: Receive, socket: AgentSocket, hello: Hello, admitted: Admitted) -> bool:
        """As `_listened`. The token goes no further than the login."""
        told = self._told() | {"environment": admitted.environment}
        line = self.attach(admitted.environment, replace(hello, token=""), self.visitor.address, socket)
        try:
            self.agents.arrived(admitted, socket)
            log.info("agent connected", extra=told | {"agent": hello.agent_name, "version": hello.version})
            while not _is_end(message := await receive()):
                line.receive(_content(message))
        except Exception:
            log.exception("an agent's connection is given up", extra=told)
            socket.close(CloseCode.OUR_FAULT, "Internal error")
            return True
        else:
            log.info("agent gone", extra=told | {"closeCode": message.get("code")})
            return False
        finally:
            line.lost()
            self.agents.left(socket)

    def _told(self) -> dict[str, object]:
        return {"address": self.visitor.address, "request": self.visitor.request}


class _TurnedAway(Exception):
    """Who is there is told `text`, and the socket is closed with that reason."""

    def __init__(self, text: str, code: int = CloseCode.POLICY, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.text, self.code, self.retry_after = text, code, retry_after


def _hello_in(message: Message) -> Hello | None:
    """None for a frame of another kind. Raises _TurnedAway for one that cannot be read."""
    content = _content(message)
    try:
        frame = read_frame(content) if isinstance(content, str) else None
    except FrameInvalid as error:
        raise _TurnedAway(RefusalText.FAILED) from error
    return frame if isinstance(frame, Hello) else None


def _content(message: Message) -> str | bytes:
    text: str | None = message.get("text")
    content: bytes | None = message.get("bytes")
    return text if text is not None else content or b""


def _is_end(message: Message) -> bool:
    return bool(message["type"] == "websocket.disconnect")


async def _over(receive: Receive) -> None:
    """Returns when the socket is gone; what still comes is passed over."""
    while not _is_end(await receive()):
        pass
