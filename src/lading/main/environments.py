"""Environments over the backends: our own engine, and Docker hosts in every way they are reached."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from lading.backends.docker_client.breaks import Back, at_once
from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.naming import Names
from lading.backends.docker_client.standard_agent import StandardAgent
from lading.backends.http.addresses import resolve_beyond_link
from lading.backends.http.transport import HttpTransport
from lading.main.access_places import AccessPlaces
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.records import EnvironmentRow
from lading.services.hub.hub import BACK_SECONDS, Hub
from lading.wire.docker_address import DockerAddress
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.message import Transport

KEPT_HOSTS = 128
"""Docker hosts whose connections are kept at a time."""

SOCKET_ORIGIN = "http://docker"
"""What a daemon at a unix socket, or behind an agent, is called in URLs; the transport knows the way."""


@dataclass(frozen=True, slots=True)
class _Host:
    """A Docker host that is spoken to, as its row and secret were; `close` ends the connections to it."""

    row: EnvironmentRow
    secret: str | None = field(repr=False)
    environment: DockerEnvironment
    close: Callable[[], None]


class EnvironmentBuilder:
    """Rows to environments: fulfils services.environments.environments.Builder. Docker hosts keep their connections,
    and the names that pushes gave, from one piece of work to the next; those at the edge are reached through the
    `hub`."""

    def __init__(self, places: AccessPlaces, embedded: Callable[[], Environment], user_agent: str, hub: Hub) -> None:
        self._places, self._embedded, self._user_agent, self._hub = places, embedded, user_agent, hub
        self._lock = threading.Lock()
        self._hosts: OrderedDict[int, _Host] = OrderedDict()
        self._names: defaultdict[int, Names] = defaultdict(Names)
        """By the row's id: a row that is changed is another environment, while pushes of the one before still run."""

    def __call__(self, row: EnvironmentRow, key: str | None) -> Environment:
        """The environment of a row; `key` is its secret, opened: a direct one's TLS key, a standard agent's token."""
        if row.connection_type is ConnectionType.EMBEDDED:
            return self._embedded()
        with self._lock:
            host, dropped = self._hosts.pop(row.id, None), None
            if host is not None and (host.row, host.secret) != (row, key):
                host, dropped = None, host
            host = host or self._open(row, key, self._names[row.id])
            self._hosts[row.id] = host
            if len(self._hosts) > KEPT_HOSTS:
                dropped = self._hosts.popitem(last=False)[1]
        if dropped is not None:
            dropped.close()
        return host.environment

    @contextmanager
    def trial(self, row: EnvironmentRow, key: str | None) -> Iterator[Environment]:
        """The same for a row that is only tried: nothing of it is kept."""
        if row.connection_type is ConnectionType.EMBEDDED:
            yield self._embedded()
            return
        host = self._open(row, key, Names())
        try:
            yield host.environment
        finally:
            host.close()

    def endpoint(self, row: EnvironmentRow, key: str | None) -> Endpoint:
        """How the Docker host of a row is reached."""
        return endpoint_of(row, key)

    def close(self) -> None:
        """Ends the connections that are kept."""
        with self._lock:
            hosts = list(self._hosts.values())
            self._hosts.clear()
        for host in hosts:
            host.close()

    def _open(self, row: EnvironmentRow, key: str | None, names: Names) -> _Host:
        if row.connection_type is ConnectionType.HAWSER_EDGE:
            return self._host(row, key, names, self._hub.transport(row.id), _keep_nothing)
        http = self._dialled(row, key)
        standard = row.connection_type is ConnectionType.HAWSER_STANDARD
        return self._host(row, key, names, StandardAgent(http, row.name, key) if standard else http, http.close)

    def _dialled(self, row: EnvironmentRow, key: str | None) -> HttpTransport:
        """Without a proxy: Docker hosts stand in networks of one's own, and their API is nobody else's to see."""
        endpoint = endpoint_of(row, key)
        return HttpTransport(
            lambda host: replace(endpoint, host=host), {}, self._user_agent, resolve=resolve_beyond_link
        )

    def _host(
        self, row: EnvironmentRow, key: str | None, names: Names, transport: Transport, close: Callable[[], None]
    ) -> _Host:
        prove, back = self._places.prove, self._back(row)
        return _Host(row, key, DockerEnvironment(transport, origin_of(row), row.name, prove, names, back=back), close)

    def _back(self, row: EnvironmentRow) -> Back:
        """An agent at the edge dials us, so it is waited for."""
        if row.connection_type is not ConnectionType.HAWSER_EDGE:
            return at_once
        return lambda cancel: self._hub.back(row.id, cancel, BACK_SECONDS)


def _keep_nothing() -> None:
    """The hub keeps the connections of agents."""


def endpoint_of(row: EnvironmentRow, key: str | None) -> Endpoint:
    """How the Docker host of a row is reached."""
    if row.connection_type is ConnectionType.SOCKET:
        return Endpoint("docker", socket=row.socket_path)
    endpoint = Endpoint(row.host or "", Tls.SKIP if row.tls_skip_verify else Tls.VERIFY, ca_pem=row.tls_ca)
    if row.connection_type is ConnectionType.HAWSER_STANDARD:
        return endpoint  # the secret of such a row is the agent's token
    return replace(endpoint, client_certificate_pem=row.tls_cert, client_key_pem=key)


def origin_of(row: EnvironmentRow) -> str:
    """scheme://host:port of a row."""
    if row.connection_type in {ConnectionType.SOCKET, ConnectionType.HAWSER_EDGE}:
        return SOCKET_ORIGIN
    return DockerAddress(None, row.host or "", row.port).origin(row.protocol or "http")
