"""An answer that is a stream, and what it streams from."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping

from anyio import CancelScope
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from lading.errors import LadingError

log = logging.getLogger("lading.rest")


class StreamedAnswer(StreamingResponse):
    """Calls `close`, on a thread, whatever becomes of the stream: also where the client was gone before its first
    piece, when the iterator has not begun, and so has no end of its own."""

    def __init__(
        self,
        stream: AsyncIterator[bytes | str],
        close: Callable[[], None],
        *,
        media_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(stream, media_type=media_type, headers=headers)
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starlette's own, and then `close`. A stream that fails once it has begun is left unfinished, which its reader
        sees as a cut."""
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await super().__call__(scope, receive, sent)
        except LadingError as error:
            if not begun:
                raise
            log.warning("%s %s breaks off: %s", scope["method"], scope["path"], error)
        finally:
            with CancelScope(shield=True):
                await run_in_threadpool(self._close)
