"""`lading agent`: the agent over its WebSocket, and the engine that it stands beside.

--docker, DOCKER_HOST, DOCKER_SOCKET, docker's context, its usual socket
--no-docker   our own engine over the data folder, by our own Docker door at a socket in it
"""

from __future__ import annotations

import logging
import random
import socket
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lading import __version__
from lading.backends.http.addresses import resolve_beyond_link
from lading.backends.http.transport import HttpTransport
from lading.backends.http.websocket_dial import WebSocketDialer
from lading.backends.machine.docker_host import docker_host
from lading.errors import InputInvalid
from lading.fronts.agent.agent import Agent, Clocks, Identity
from lading.fronts.agent.engine import Engine
from lading.main.agent_variables import AgentVariables, agent_variables
from lading.main.docker_source import endpoint_of_host
from lading.main.logs import logged_to
from lading.oci.platform import Platform
from lading.settings import Settings
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.guard import is_loopback
from lading.wire.message import Cancel
from lading.wire.tunnel_login import CONNECT_PATH

log = logging.getLogger("lading.agent")

STOP_SECONDS = 10
"""How long a stop waits for answers of our own engine that are being written."""

_SCHEMES = {"http": "ws", "https": "wss"}


class ServerMissing(InputInvalid):
    """The agent was not told where to connect to."""

    command = "lading agent --server https://lading.example.com --token TOKEN"

    def __str__(self) -> str:
        return "the agent needs the address of a server: --server, LADING_SERVER or DOCKHAND_SERVER_URL"


class TokenMissing(InputInvalid):
    """The agent has nothing to log in with."""

    hint = "The server makes one for each environment, and shows it once."

    def __str__(self) -> str:
        return "the agent needs a token: --token, LADING_TOKEN, LADING_TOKEN_FILE or TOKEN"


class EngineUnclear(InputInvalid):
    """The agent is told of a Docker host, and that there is none."""

    hint = "Say one of the two."

    def __str__(self) -> str:
        return "docker and no-docker are both set"


@dataclass(frozen=True, slots=True)
class OpenedAgent:
    """Fulfils fronts.cli.running.EdgeAgent."""

    server: str
    engine: str
    name: str
    agent: Agent

    def run(self, cancel: Cancel) -> None:
        """See EdgeAgent."""
        self.agent.run(cancel)


@contextmanager
def opened_agent(settings: Settings, environment: Mapping[str, str], native: Platform) -> Iterator[OpenedAgent]:
    """Ready to run while inside; `environment` are this process's variables.

    Raises ServerMissing, TokenMissing, EngineUnclear, SettingInvalid, UrlInvalid, DockerHostInvalid, FolderServed.
    """
    said = agent_variables(settings, environment)
    if said.server is None:
        raise ServerMissing
    if said.token is None:
        raise TokenMissing
    if settings.no_docker and settings.docker is not None:
        raise EngineUnclear
    url = connect_url(said.server)
    endpoint = Endpoint("", Tls.SKIP if said.skips_verification else Tls.VERIFY, ca_file=said.ca_file)
    dial = WebSocketDialer(url, endpoint, environment, f"lading/{__version__}")
    host = dial.target.authority
    name = said.name or socket.gethostname()
    identity = Identity(said.id or str(uuid.uuid4()), name, socket.gethostname(), __version__, said.token)
    with logged_to(sys.stderr, said.level), _engine(settings, environment, native, said) as (shown, engine):
        if dial.target.scheme == "http" and not is_loopback(host):
            log.warning("the token and everything else goes to %s in the clear: it is no https:// address", host)
        clocks = Clocks(time.monotonic, time.time, random.random)
        agent = Agent(dial, url, engine, identity, pace=said.pace, clocks=clocks)
        yield OpenedAgent(url, shown, name, agent)


def connect_url(server: str) -> str:
    """Where agents connect at a server; its address may be its pages' or a WebSocket's, with the path or without."""
    scheme, _, rest = server.partition("://")
    whole = rest if rest.endswith(CONNECT_PATH) else rest.rstrip("/") + CONNECT_PATH
    return f"{_SCHEMES.get(scheme, scheme)}://{whole}"


@contextmanager
def _engine(
    settings: Settings, environment: Mapping[str, str], native: Platform, said: AgentVariables
) -> Iterator[tuple[str, Engine]]:
    """What it is called, and the way to it."""
    if settings.no_docker:
        with _own_engine(settings, native) as path:
            shown = f"Lading's own, in {settings.data}"
            with _asked(Endpoint("docker", socket=str(path))) as transport:
                yield shown, Engine(transport)
        return
    host = docker_host(environment, said.docker)
    with _asked(endpoint_of_host(host)) as transport:
        yield host.name, Engine(transport, host.origin)


@contextmanager
def _asked(endpoint: Endpoint) -> Iterator[HttpTransport]:
    """Without a proxy, as every Docker host."""
    transport = HttpTransport(
        lambda host: replace(endpoint, host=host), {}, f"lading/{__version__}", resolve=resolve_beyond_link
    )
    try:
        yield transport
    finally:
        transport.close()


@contextmanager
def _own_engine(settings: Settings, native: Platform) -> Iterator[Path]:
    """The socket in the data folder where our own engine is asked while inside, by this user alone."""
    from lading.fronts.http.limits import DEFAULT_LIMITS  # noqa: PLC0415  who has a Docker host pays for none of it
    from lading.main.data_folder import private_folder, served_alone  # noqa: PLC0415
    from lading.main.docker_addresses import OFF, SOCKET  # noqa: PLC0415
    from lading.main.docker_door import docker_door  # noqa: PLC0415
    from lading.main.product import running  # noqa: PLC0415

    data = private_folder(settings.data)
    path = data / SOCKET
    alone = replace(settings, docker_api=(OFF, f"unix://{path}"), docker_api_group=None, no_auth=False)
    with (
        served_alone(data),
        running(alone, native) as product,
        docker_door(alone, product, native, DEFAULT_LIMITS, STOP_SECONDS),
    ):
        try:
            yield path
        finally:
            product.stop_jobs()
