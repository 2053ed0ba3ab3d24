"""A WebSocket as its server offers it to what is said over it, beside what ASGI knows of one."""

from __future__ import annotations

from typing import Protocol

EXTENSION = "lading.open_socket"
"""The ASGI extension under which a connection offers an OpenSocket."""


class OpenSocket(Protocol):
    """One connection; on its loop alone."""

    def known(self, longest: int) -> bool:
        """Who is there has logged in: its messages may have so many bytes from now on, and it no longer takes one of
        the places that its address has for strangers. False where it is gone."""

    def abort(self) -> None:
        """Hangs up, whatever has not been sent yet. Harmless where it is gone."""
