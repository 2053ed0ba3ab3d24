"""Trying out an environment step by step, so that the first thing that is wrong is the one that is named.

    resolve ─> connect ─> tls ─> ping ─> version        one that we dial; a socket begins with connect, and has no TLS
                          agent ─> ping ─> version        one whose agent dials us

Each step asks only for its own thing; after one that failed nothing more is tried. Whatever is at the other end, no
more of its answer is shown than one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from lading.errors import Cancelled, LadingError, TimedOut
from lading.oci.instants import instant
from lading.services.environments.environment import Engine, Environment
from lading.services.hub.hub import AgentAway, Hub
from lading.services.hub.recorded_hub import AgentAtServer
from lading.wire.docker_faults import one_line
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel

SHOWN = 80
"""Characters of what the other side calls itself that are shown."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried. `detail` says what was found, `error` and `hint` what was wrong."""

    name: str
    ok: bool
    detail: str = ""
    error: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """What came of all steps that were tried; `error` is that of the last one where it failed."""

    steps: tuple[Step, ...]

    @property
    def success(self) -> bool:
        """Whether every step worked."""
        return all(step.ok for step in self.steps)

    @property
    def error(self) -> str | None:
        """What was wrong, as a sentence."""
        return next((step.error for step in self.steps if not step.ok), None)


class Probe(Protocol):
    """The parts of a connection, each by itself. Every method raises NetworkFailed leaves and Cancelled."""

    def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of a host."""

    def connect(self, host: str, port: int, cancel: Cancel) -> None:
        """Whether somebody listens."""

    def connect_socket(self, path: str, cancel: Cancel) -> None:
        """Whether somebody listens at a unix socket."""

    def secure(self, endpoint: Endpoint, host: str, port: int, cancel: Cancel) -> str:
        """The TLS version agreed on, checked as the endpoint says. Raises TlsRefused, InputInvalid (PEM) besides."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where to knock: at `socket`, at `host` and `port` by `endpoint` (None: without TLS), or nowhere, where the agent
    of an environment, `agent_of`, comes to us."""

    socket: str | None = None
    host: str = ""
    port: int = 0
    endpoint: Endpoint | None = None
    agent_of: int | None = None


def try_out(way: Way | None, environment: Environment, probe: Probe, hub: Hub, cancel: Cancel) -> ConnectionReport:
    """`way` None: an environment without a connection. Raises Cancelled, TimedOut."""
    return report_of(_attempts(way, environment, probe, hub, cancel))


def _attempts(
    way: Way | None, environment: Environment, probe: Probe, hub: Hub, cancel: Cancel
) -> Iterator[tuple[str, Callable[[], str]]]:
    if way is not None and way.agent_of is not None:
        agent = way.agent_of
        yield "agent", lambda: _connected(agent, hub)
    elif way is not None:
        yield from _connection(way, probe, cancel)

    def ping() -> str:
        environment.ping(cancel)
        return "it answers"

    yield "ping", ping
    yield "version", lambda: _described(environment.engine(cancel))


def _connection(way: Way, probe: Probe, cancel: Cancel) -> Iterator[tuple[str, Callable[[], str]]]:
    def connect() -> str:
        if way.socket is not None:
            probe.connect_socket(way.socket, cancel)
            return way.socket
        probe.connect(way.host, way.port, cancel)
        return f"{way.host}:{way.port}"

    if way.socket is None:
        yield "resolve", lambda: ", ".join(probe.resolve(way.host, way.port)[:4])
    yield "connect", connect
    endpoint = way.endpoint
    if endpoint is not None:
        yield "tls", lambda: probe.secure(endpoint, way.host, way.port, cancel)


def _connected(environment: int, hub: Hub) -> str:
    """What its agent says of itself, and since when it is here. Raises AgentAway."""
    presence = hub.presence(environment)
    if presence is None:
        raise AgentAway(environment)
    hello = presence.hello
    name = one_line(hello.agent_name)[:SHOWN] or "an agent without a name"
    version, docker = (one_line(each)[:SHOWN] for each in (hello.version, hello.docker_version))
    return f"{name} {version}, Docker {docker}, connected since {instant(presence.connected)}"


def report_of(attempts: Iterable[tuple[str, Callable[[], str]]]) -> ConnectionReport:
    """One after the other, up to the first that does not work, or that only a server could try. Raises Cancelled,
    TimedOut."""
    tried: list[Step] = []
    for name, attempt in attempts:
        try:
            tried.append(_step(name, attempt))
        except AgentAtServer:
            break
        if not tried[-1].ok:
            break
    return ConnectionReport(tuple(tried))


def _step(name: str, attempt: Callable[[], str]) -> Step:
    """Try one thing. Raises Cancelled, TimedOut, AgentAtServer; every other fault of ours is the step's error."""
    try:
        return Step(name, True, attempt())
    except (Cancelled, TimedOut, AgentAtServer):
        raise
    except LadingError as error:
        sentence = error.afar if error.why is None else f"{error.afar}: {error.why}"
        return Step(name, False, error=one_line(sentence), hint=error.hint)


def _described(engine: Engine) -> str:
    api = f", API {one_line(engine.api)[:SHOWN]}" if engine.api else ""
    return f"{engine.name} {one_line(engine.version)[:SHOWN]}{api}, {one_line(engine.platform)[:SHOWN]}"
