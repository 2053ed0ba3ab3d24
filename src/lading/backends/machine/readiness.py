"""Telling whoever supervises this process how it stands: systemd's readiness protocol (sd_notify(3)).

NOTIFY_SOCKET=/run/systemd/notify      a datagram socket's path; with @ in front a name without a file
READY=1   STOPPING=1                   one datagram each
EXTEND_TIMEOUT_USEC=…                  another one: the start goes on, and takes so much longer
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

log = logging.getLogger("lading.serve")

TRY_SECONDS = 60
"""What one more try may take at most."""


@contextmanager
def supervised(environment: Mapping[str, str]) -> Iterator[None]:
    """Ready while inside, stopping afterwards. Nobody is told where nobody asks, in the variable NOTIFY_SOCKET."""
    address = environment.get("NOTIFY_SOCKET", "")
    _tell(address, "READY=1")
    try:
        yield
    finally:
        _tell(address, "STOPPING=1")


def tell_waiting(environment: Mapping[str, str], seconds: float) -> None:
    """The start waits for something, for so many seconds before it tries again: nobody is to end it meanwhile."""
    allowed = round((seconds + TRY_SECONDS) * 1_000_000)
    _tell(environment.get("NOTIFY_SOCKET", ""), f"STATUS=Waits for what it stands on\nEXTEND_TIMEOUT_USEC={allowed}")


def _tell(address: str, state: str) -> None:
    """Never raises and never waits: who supervises has a time limit of its own."""
    if not address.startswith(("/", "@")):
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.connect(name)
            sender.send(state.encode())
    except OSError as error:
        log.warning("who started this could not be told %s: %s", state, error)
