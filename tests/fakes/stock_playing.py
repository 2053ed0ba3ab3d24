"""Played stock agents that live beside a test, and whose connections it cuts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.fakes.own_loop import OwnLoop, own_loop
from tests.fakes.stock_agent import StockAgent


class Played:
    """Agents that run on a loop of their own."""

    def __init__(self, loop: OwnLoop) -> None:
        self._loop = loop

    def cut(self, agent: StockAgent) -> None:
        """Its connection is gone; it comes again by itself."""
        self._loop.run(_cut(agent))


async def _cut(agent: StockAgent) -> None:
    agent.cut()


@contextlib.contextmanager
def playing(*agents: StockAgent) -> Iterator[Played]:
    """They live until the end of the block; then everything they do is broken off."""
    with own_loop("stock-agents") as loop:
        for agent in agents:
            loop.start(agent.run())
        yield Played(loop)
