"""`lading serve`: the API and its pages on the first listener, the registry on the second, and the Docker door's."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from lading.backends.machine.looks import docker_sockets
from lading.backends.machine.readiness import supervised
from lading.engine.cancel import Cancellation
from lading.errors import InputInvalid
from lading.fronts.edge_api.door import EdgeDoor
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.certificate import ServerCertificate
from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.limits import DEFAULT_LIMITS, Limits
from lading.fronts.http.ours import OurNames
from lading.fronts.registry_api.serving import OpenToOthers
from lading.fronts.rest_api.application import application
from lading.fronts.rest_api.connections import API_LIMITS
from lading.fronts.rest_api.sub_path import SubPath
from lading.fronts.rest_api.web_app import WebApp
from lading.main.agents import replica_door
from lading.main.api_loop import STOP_SECONDS, api_listener, looping
from lading.main.awaiting import awaited
from lading.main.certificates import certificate_of, renew
from lading.main.data_folder import KeptPort, open_to_others, private_folder, served_alone, telling_port
from lading.main.docker_door import check_doors, docker_door
from lading.main.handing_over import shared_places
from lading.main.logs import logged_to
from lading.main.open_files import raise_open_files
from lading.main.product import Running, running
from lading.main.reaching import reach
from lading.main.registry_plane import RegistryParts, registry_plane
from lading.main.registry_processes import registry_processes
from lading.main.short_looks import short_looks
from lading.main.signing_on import sign_on_client
from lading.main.waiting_door import WaitingDoor
from lading.oci.platform import Platform
from lading.services.server.serving import listening
from lading.settings import Settings
from lading.wire.guard import is_loopback
from lading.wire.message import Cancel

log = logging.getLogger("lading.serve")

WEB = files("lading.fronts.rest_api") / "web"
"""The built web app's folder in this package; empty in a checkout that was never built."""

LOGIN_THREADS = 4
"""For agents' logins, which are quick, and come in hundreds after a restart."""


@dataclass(frozen=True, slots=True)
class ServedProduct:
    """What runs: `address` is the registry's host:port, `api` the URL of the API and its pages, `folder` where the data
    lives. `docker_hosts` are sockets here that could be added as environments. `open` says that nobody logs in. `setup`
    is the one-time link, while there is no admin. `renew` reads the certificate again, None without TLS; it logs what
    it cannot use. `docker` is what DOCKER_HOST may say."""

    address: str
    api: str
    folder: str
    docker_hosts: Sequence[str]
    open: bool
    setup: str | None
    renew: Callable[[], None] | None
    docker: Sequence[str] = ()


@contextmanager
def served_product(
    settings: Settings, native: Platform, web: Traversable = WEB, *, cancel: Cancel | None = None
) -> Iterator[ServedProduct]:
    """All listeners while inside; `web` is where the built web app is. Where the database or the object store is away
    it waits for them, until `cancel` ends that.

    Raises FolderServed, PortTaken, NothingShared, OpenToOthers, HostUnknown, CertificateUnusable, CertificateHalf,
    StorageFailed, ChildFailed, Cancelled.
    """
    if settings.no_auth and not is_loopback(settings.host):
        raise OpenToOthers(settings.host)
    _check_host(settings.host)
    check_doors(settings)
    if settings.workers:
        shared_places(settings)
    sign_on_client(settings)
    certificate = certificate_of(settings)
    data = private_folder(settings.data)
    with (
        served_alone(data),
        logged_to(sys.stderr),
        closing(WaitingDoor(settings, _limits(settings, DEFAULT_LIMITS), certificate)) as waiting,
        awaited(
            partial(reach, settings),
            lambda: _served(settings, native, certificate, WebApp.of(web), data=data, free_port=waiting.close),
            waiting.waits_for,
            cancel or Cancellation(),
        ) as product,
        supervised(os.environ),
    ):
        yield product


@contextmanager
def _served(
    settings: Settings,
    native: Platform,
    certificate: ServerCertificate | None,
    web_app: WebApp | None,
    *,
    data: Path,
    free_port: Callable[[], object],
) -> Iterator[ServedProduct]:
    """In the data folder `data`; `free_port` makes the API's port free. Raises Unavailable where what it stands on is
    away."""
    with (
        running(settings, native) as product,
        _registry(settings, product, certificate) as registry,
        replica_door(settings, product.hubs.local, product.box, certificate, _limits(settings, DEFAULT_LIMITS)),
        docker_door(settings, product, native, _limits(settings, DEFAULT_LIMITS), STOP_SECONDS) as docker,
        _api(settings, product, certificate, web_app, free_port) as port,
        short_looks(),
    ):
        scheme = "https" if certificate else "http"
        api = settings.public_url or f"{scheme}://{_host(settings.host)}:{port}"
        setup = f"{api}/setup?token={product.setup_token}" if product.setup_token else None
        renewing = partial(_renew, certificate, registry) if certificate else None
        if settings.public_url is None and not is_loopback(settings.host):
            log.warning("others reach this by its IP address alone, not by name: --public-url is not set")
        if open_to_others(data):
            log.warning("other users of this machine may look into %s: chmod 700 keeps its images private", data)
        hosts = [path for path, usable in docker_sockets(os.environ) if usable and f"unix://{path}" not in docker]
        yield ServedProduct(registry.address, api, str(data), hosts, settings.no_auth, setup, renewing, docker)


class HostUnknown(InputInvalid):
    """What --host names is no address."""

    hint = "lading serve --host 127.0.0.1, or 0.0.0.0 for all addresses of this machine"

    def __init__(self, host: str, why: str) -> None:
        super().__init__(host, why)
        self.host, self.why = host, why

    def __str__(self) -> str:
        return f"cannot listen on {self.host!r}"


def _check_host(host: str) -> None:
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError) as error:
        raise HostUnknown(
            host, error.strerror or "it is no name" if isinstance(error, OSError) else str(error)
        ) from error


@dataclass(frozen=True, slots=True)
class _Registry:
    """The one that is served at `address`, host:port; `renew` has others read the certificate again as well."""

    address: str
    renew: Callable[[], None]


@contextmanager
def _registry(settings: Settings, product: Running, certificate: ServerCertificate | None) -> Iterator[_Registry]:
    limits = _limits(settings, DEFAULT_LIMITS)
    with ExitStack() as stack:
        if settings.registry_processes > 1:
            processes = stack.enter_context(registry_processes(settings, limits))
            product.counting.processes("registry", processes.children)
            (address, port), renewed = processes.address, processes.renew
        else:
            server = stack.enter_context(_registry_here(settings, product, limits, certificate))
            (address, port), renewed = server.addresses[0], _nobody_else
        product.product.registry_address.listens(port, tls=certificate is not None)
        stack.enter_context(telling_port(settings.data, port))
        yield _Registry(f"{_host(address)}:{port}", renewed)


def _nobody_else() -> None:
    pass


def _registry_here(
    settings: Settings, product: Running, limits: Limits, certificate: ServerCertificate | None
) -> AbstractContextManager[ByteServer]:
    parts = RegistryParts(
        product.database,
        product.trail,
        product.box,
        product.content,
        product.product.authentication,
        product.pull_counts,
        product.trust_gate,
    )
    application = registry_plane(settings, parts, alone=True)
    trusts = Forwarding.parse(settings.trusted_proxies).trusts

    def listen(port: int) -> ByteServer:
        return ByteServer([(settings.host, port)], application, limits, certificate=certificate, is_proxy=trusts)

    return listening(listen, settings.registry_port, KeptPort.of(settings.data))


def _renew(certificate: ServerCertificate, registry: _Registry) -> None:
    if renew(certificate):
        registry.renew()


@contextmanager
def _api(
    settings: Settings,
    product: Running,
    certificate: ServerCertificate | None,
    web_app: WebApp | None,
    free_port: Callable[[], object],
) -> Iterator[int]:
    names = OurNames.of_urls([settings.public_url] if settings.public_url else [])
    forwarding = Forwarding.parse(settings.trusted_proxies)
    public, count = settings.public_url, product.counting.request
    app = application(product.product, names, forwarding, count, public_url=public, web_app=web_app)
    free_port()
    with ThreadPoolExecutor(LOGIN_THREADS, "agent login") as threads, api_listener(settings) as listener:
        door = EdgeDoor(app, product.product.agents, product.hubs.shared, names, forwarding, threads)
        limits = _limits(settings, API_LIMITS)
        with looping(settings, SubPath(door, forwarding, public), listener, certificate, limits) as server:
            try:
                yield int(listener.getsockname()[1])
            finally:
                server.should_exit = True  # nobody comes any more …
                product.stop_jobs()  # … and who waits for a job is answered


def _limits(settings: Settings, limits: Limits) -> Limits:
    """Of one listener: no more connections than a third of the files that may be open, and on loopback as many from one
    address as in all, as everybody there has the same."""
    connections = min(limits.connections, raise_open_files() // 3)
    each = connections if is_loopback(settings.host) else min(limits.per_address, connections)
    return replace(limits, connections=connections, per_address=each)


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
