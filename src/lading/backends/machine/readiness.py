"""Telling whoever supervises this process how it stands: systemd's readiness protocol (sd_notify(3)).

NOTIFY_SOCKET=/run/systemd/notify      a datagram socket's path; with @ in front a name without a file
READY=1   STOPPING=1                   one datagram each
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

log = logging.getLogger("lading.serve")


@contextmanager
def supervised(environment: Mapping[str, str]) -> Iterator[None]:
    """Ready while inside, stopping afterwards. Nobody is told where nobody asks, in the variable NOTIFY_SOCKET."""
    address = environment.get("NOTIFY_SOCKET", "")
    _tell(address, "READY=1")
    try:
        yield
    finally:
        _tell(address, "STOPPING=1")


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
