"""Agents of Docker hosts nobody can dial, wired: this process's hub, and those of other servers of the database."""

from __future__ import annotations

import itertools
import secrets
import time
import uuid
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lading.backends.database.service_database import ServiceDatabase
from lading.backends.edge_hub.elsewhere import OtherServers
from lading.backends.edge_hub.hub import LocalHub
from lading.backends.http.addresses import resolve_beyond_link
from lading.backends.http.transport import HttpTransport
from lading.engine.cancel import Cancellation
from lading.errors import InputInvalid
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.certificate import ServerCertificate
from lading.fronts.http.limits import Limits
from lading.fronts.replica_api.application import ReplicaApi
from lading.main.own_engine import USER_AGENT, Keeping
from lading.services.hub.shared_hub import Replica, SharedHub
from lading.services.secrets import SecretBox
from lading.setting_readers import address_of
from lading.settings import Settings
from lading.wire.endpoint import Endpoint

SPILLED = "agents"
"""The folder, in the data folder, of what agents sent faster than anybody read it."""

ANYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  nobody listens there by this
"""What listeners call all addresses of their machine."""

BRIEF_SECONDS = 15.0
"""How long another server may take over a short question."""


@dataclass(frozen=True, slots=True)
class EdgeHubs:
    """`local` holds the agents of this process, `shared` finds those of all servers."""

    local: LocalHub
    shared: SharedHub


def edge_hubs(stack: ExitStack, settings: Settings, data: Path, database: ServiceDatabase, box: SecretBox) -> EdgeHubs:
    """Closed with the stack: agents come again when there is a server again."""
    local = LocalHub(
        data / SPILLED,
        settings.agent_buffer,
        time.time,
        time.monotonic,
        lambda: str(uuid.uuid4()),
        room=Keeping.of(settings).reserve.check_running,
    )
    stack.callback(local.close)
    ways = partial(_endpoint, settings.tls_ca)
    transport = HttpTransport(ways, {}, USER_AGENT, resolve=resolve_beyond_link)
    stack.callback(transport.close)
    beginning, counted = secrets.token_hex(8), itertools.count()
    others = OtherServers(transport, box, time.time, lambda: f"{beginning}-{next(counted)}", _brief)
    replica = Replica(uuid.uuid4().hex, replica_url(settings))
    shared = SharedHub(local, local.attach, database.agents, others, replica, steady=time.monotonic)
    stack.callback(shared.close)
    return EdgeHubs(local, shared)


class ReplicaUrlMissing(InputInvalid):
    """A server listens for the others on all addresses of its machine: whoever asked at that address asked itself."""

    hint = "Give --replica-url http://HOST:PORT, by which the other servers reach this one."

    def __init__(self, listen: str) -> None:
        super().__init__(listen)
        self.listen = listen

    def __str__(self) -> str:
        return f"--replica-listen {self.listen} does not say where other servers find this one"


def replica_url(settings: Settings) -> str:
    """How other servers reach this one; empty where they cannot. Raises ReplicaUrlMissing."""
    if settings.replica_listen is None:
        return ""
    host, _ = address_of(settings.replica_listen)
    if settings.replica_url is None and host in ANYWHERE:
        raise ReplicaUrlMissing(settings.replica_listen)
    return settings.replica_url or f"{'https' if settings.tls_cert else 'http'}://{settings.replica_listen}"


def replica_door(
    settings: Settings, hub: LocalHub, box: SecretBox, certificate: ServerCertificate | None, limits: Limits
) -> AbstractContextManager[object]:
    """Open while inside, where the settings say so; entering it raises ListenFailed."""
    if settings.replica_listen is None:
        return nullcontext()
    door, address = ReplicaApi(hub, box, time.time), address_of(settings.replica_listen)
    return ByteServer([address], door, limits, certificate=certificate, watches_work=True, half_close_leaves=True)


def _endpoint(authorities: str | None, host: str) -> Endpoint:
    return Endpoint(host, ca_file=authorities)


def _brief() -> AbstractContextManager[Cancellation]:
    return Cancellation(BRIEF_SECONDS, clock=time.monotonic)
