"""The API's listener, and the event loop that serves it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from lading.fronts.http.certificate import ServerCertificate
from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.limits import Limits
from lading.fronts.http.listening import ListenFailed
from lading.fronts.rest_api.application import Asgi
from lading.fronts.rest_api.connections import bounded
from lading.fronts.rest_api.sockets import bounded_sockets
from lading.services.server.serving import ApiPortTaken
from lading.settings import Settings
from lading.wire.tunnel_frames import STOCK_FRAME_LIMIT

STOP_SECONDS = 10
"""How long a stop waits for answers that are being written; streams are cut then, and their clients come again."""


@contextmanager
def api_listener(settings: Settings) -> Iterator[socket.socket]:
    """Bound, and closed at the end. Raises ApiPortTaken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise ApiPortTaken(settings.port, (error.strerror or "it cannot be bound").lower()) from error
        yield listener


@contextmanager
def looping(
    settings: Settings, app: Asgi, listener: socket.socket, certificate: ServerCertificate | None, limits: Limits
) -> Iterator[uvicorn.Server]:
    """The event loop, on a thread of its own: the first thread waits for signals. Raises ListenFailed."""
    connections = bounded(limits, Forwarding.parse(settings.trusted_proxies).trusts)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        http=connections,
        ws=bounded_sockets(connections),
        ws_max_size=STOCK_FRAME_LIMIT,
        ws_ping_interval=None,  # both sides of an agent's socket have pings of their own
        ws_per_message_deflate=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_context_factory=(lambda *_: certificate.context) if certificate else None,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=[[listener]], name="event loop")
    thread.start()
    server.up.wait()
    try:
        if not server.started:
            raise ListenFailed((settings.host, settings.port), "the API could not be started; see the log")
        yield server
    finally:
        server.should_exit = True
        thread.join()


class _Server(uvicorn.Server):
    """Tells when it is up, or has failed to be."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.up.set()
