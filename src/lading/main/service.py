"""`lading serve` with logins: the API and its pages on the first listener, the registry on the second."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from lading.backends.content_store.locks import exclusive_at_once
from lading.fronts.http.byte_server import ByteServer, ListenFailed
from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.ours import OurNames
from lading.fronts.registry_api.gate import Gate, LoginGate
from lading.fronts.registry_api.serving import registry_application
from lading.fronts.rest_api.application import Asgi, application
from lading.main.data_folder import KeptPort, private_folder
from lading.main.product import Running, new_request, running
from lading.oci.platform import Platform
from lading.services.serving import ApiPortTaken, FolderServed, listening
from lading.settings import Settings

STOP_SECONDS = 10
"""How long a stop waits for answers that are being written; streams are cut then, and their clients come again."""


@dataclass(frozen=True, slots=True)
class ServedProduct:
    """What runs: `address` is the registry's host:port, `api` the URL of the API and its pages, `folder` where the data
    lives. `setup` is the one-time link, while there is no admin."""

    address: str
    api: str
    folder: str
    setup: str | None


@contextmanager
def served_product(settings: Settings, native: Platform) -> Iterator[ServedProduct]:
    """Both listeners while inside. Raises FolderServed, PortTaken, StorageFailed."""
    data = private_folder(settings.data)
    with exclusive_at_once(data / "serve.lock") as alone:
        if not alone:
            raise FolderServed(str(data))
        with (
            running(settings, native) as product,
            _registry(settings, product) as registry,
            _api(settings, product) as port,
        ):
            api = settings.public_url or f"http://{_host(settings.host)}:{port}"
            setup = f"{api}/setup?token={product.setup_token}" if product.setup_token else None
            yield ServedProduct(registry, api, str(data), setup)


@contextmanager
def _registry(settings: Settings, product: Running) -> Iterator[str]:
    door = registry_application(product.database.repositories, product.content, _gate(settings, product))

    def listen(port: int) -> ByteServer:
        return ByteServer([(settings.host, port)], door)

    with listening(listen, settings.registry_port, KeptPort.of(settings.data)) as server:
        address, port = server.addresses[0]
        yield f"{_host(address)}:{port}"


def _gate(settings: Settings, product: Running) -> Gate:
    names = OurNames.of_urls([url for url in (settings.public_url, settings.registry_public_url) if url])
    forwarding = Forwarding.parse(settings.trusted_proxies)
    return LoginGate(product.product.authentication, product.trail, names, forwarding, new_request)


@contextmanager
def _api(settings: Settings, product: Running) -> Iterator[int]:
    names = OurNames.of_urls([settings.public_url] if settings.public_url else [])
    app = application(product.product, names, Forwarding.parse(settings.trusted_proxies), lambda *_: None)
    with _listening(settings) as listener, _looping(settings, app, listener):
        yield int(listener.getsockname()[1])


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise ApiPortTaken(settings.port, (error.strerror or "it cannot be bound").lower()) from error
        yield listener


@contextmanager
def _looping(settings: Settings, app: Asgi, listener: socket.socket) -> Iterator[None]:
    """The event loop, on a thread of its own: the first thread waits for signals."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=[[listener]], name="event loop")
    thread.start()
    server.up.wait()
    try:
        if not server.started:
            raise ListenFailed(settings.host, settings.port, "the API could not be started; see the log")
        yield
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


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
