"""The way to the server, as the agent wants it: backends.http.websocket fulfils it."""

from __future__ import annotations

from typing import Protocol

from lading.wire.message import Cancel


class Connection(Protocol):
    """An open WebSocket. One thread receives, which also moves what others send; any thread may send."""

    def send(self, frame: str | bytes) -> None:
        """Returns at once; frames go out in the order in which they were given. Nothing happens where it is over."""

    def room(self, cancel: Cancel) -> None:
        """Waits while too much is on its way out; returns where the connection is over. Raises Cancelled."""

    def receive(self, seconds: float) -> str | bytes | None:
        """The next message; None where none came in this time, or somebody called `wake`.

        Raises ConnectionLost once it is over, ProtocolBroken.
        """

    def wake(self) -> None:
        """Lets `receive` return, from any thread."""

    def close(self, code: int, reason: str) -> None:
        """Says goodbye, and waits a moment for the answer; harmless twice. The thread that receives calls it."""


class Dial(Protocol):
    """Opens connections to one server."""

    def __call__(self, cancel: Cancel) -> Connection:
        """Raises NetworkFailed, ProtocolBroken, Cancelled."""
