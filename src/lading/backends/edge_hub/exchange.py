"""One request to an agent, from the frame that asks to the frame that ends its answer: what all kinds have in common.

plain.py     stock agents: asked and answered whole
stock.py     stock agents: a stream without a status
ours.py      agents that speak LADING_STREAMS
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from lading.backends.edge_hub.answer import Answer
from lading.wire.message import Cancel, Reader, Request
from lading.wire.tunnel_frames import (
    ErrorFrame,
    Head,
    Received,
    RequestFrame,
    ResponseFrame,
    StreamEnd,
    StreamFrame,
)
from lading.wire.tunnel_pieces import BodyPiece

OfRequest = ErrorFrame | Head | Received | ResponseFrame | StreamEnd | StreamFrame | BodyPiece
"""The frames of an agent that belong to one request."""

READ_AT_ONCE = 256 * 1024
"""Bytes of a body that are read at a time."""

Send = Callable[[str | bytes], None]
"""Over the agent's socket; nothing where it is gone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`path` is where the request goes, with its query."""

    id: str
    request: Request
    path: str


class Exchange(Protocol):
    """The seat opens it, and hands it what it is to hear; the thread that asked sends the body and reads the answer."""

    @property
    def id(self) -> str:
        """Of the request."""

    @property
    def answer(self) -> Answer:
        """What comes of it."""

    @property
    def frame(self) -> RequestFrame:
        """What asks."""

    @property
    def cancelable(self) -> bool:
        """Whether the agent can be told to stop it."""

    def opened(self, out: Send) -> None:
        """It is asked over this socket."""

    def hear(self, frame: OfRequest) -> None:
        """In the order of the wire. Raises FrameInvalid, AgentGone, and what a Buffer raises: it cannot go on then."""

    def lost(self, now: float) -> None:
        """The socket is gone; the agent may come back. What cannot wait for that fails."""

    def send_body(self, cancel: Cancel, passed: Callable[[int], None]) -> None:
        """What did not go with the frame that asks, or as much of it as the engine wants. Raises Stalled, ReadFailed,
        Cancelled."""

    def handed_on(self, count: int) -> None:
        """The reader has so much more of the answer."""


def has_body(request: Request) -> bool:
    """Whether anything is to be sent with it."""
    return request.reader is not None or request.body_size > 0


@contextmanager
def opened_body(request: Request) -> Iterator[Reader]:
    """The body of a request that has one; a reader stays its owner's to close."""
    if request.reader is not None:
        yield request.reader
        return
    assert request.content is not None
    reader = request.content.open(request.start, request.length)
    try:
        yield reader
    finally:
        reader.close()
