"""Resting until there is news, and no longer than a stream may be silent."""

from __future__ import annotations

import asyncio
from typing import Protocol

from lading.wire.event_stream import COMMENT_SECONDS


class Rester(Protocol):
    """Somebody who has had all there was. `spoken` is when its client was last written to, on the loop's clock: also
    while it rests."""

    woken: asyncio.Event
    spoken: float


async def rung(rester: Rester) -> bool:
    """Whether it was woken before a silence had become too long: one timer for a whole silence, however often it is
    broken."""
    loop = asyncio.get_running_loop()
    while (until := rester.spoken + COMMENT_SECONDS) > loop.time():
        try:
            async with asyncio.timeout_at(until):
                return await rester.woken.wait()
        except TimeoutError:
            continue
    return False
