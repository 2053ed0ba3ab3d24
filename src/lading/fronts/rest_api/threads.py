"""Threads for requests that block. What asks a Docker host or a registry may wait long for it: only so many requests do
that at once, so that however many wait, everybody else still gets a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar, cast

from anyio import to_thread
from fastapi import Depends, FastAPI, Request
from starlette.concurrency import run_in_threadpool

REQUEST_THREADS = 200
"""Most of what they do takes milliseconds; what asks a host that does not answer may take many seconds."""

HOST_ROOM = 60
"""So many of them may be asking hosts."""

T = TypeVar("T")


class HostRoom:
    """For requests that ask hosts."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(HOST_ROOM)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Once there is room; it is given back at the end."""
        async with self._room:
            yield

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` gives, on a thread, once there is room."""
        async with self._room:
            return await run_in_threadpool(work)


def share_out(app: FastAPI) -> None:
    """On the loop that the application runs on, once."""
    to_thread.current_default_thread_limiter().total_tokens = REQUEST_THREADS
    app.state.host_room = HostRoom()


async def host_room_of(request: Request) -> HostRoom:
    """As dependencies.product_of."""
    return cast("HostRoom", request.app.state.host_room)


HostRoomNeeded = Annotated[HostRoom, Depends(host_room_of)]
