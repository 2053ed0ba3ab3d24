"""Transfers from this machine to one registry with one login: what a server's registry is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace

from lading.backends.http.transport import HttpTransport
from lading.backends.registry_client.client import RegistryClient
from lading.engine.throttle import RateLimit
from lading.main.local_store import LocalStore
from lading.main.places import HeldRelay, Openers, Places
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.services.embedded.environment import OneLogin
from lading.services.environments.docker_hosts import HostImages
from lading.services.environments.orders import Access
from lading.services.transfers.transfers import Transfers
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel


@dataclass(frozen=True, slots=True)
class Machine:
    """What uploads are made with: our own store, the environment's variables, how we are called over there, and who
    hears that a registry asks us to wait."""

    store: LocalStore
    environment: Mapping[str, str]
    user_agent: str
    native: Platform
    limit: RateLimit | None
    held: HeldRelay


def uploading(
    access: Access,
    machine: Machine,
    closing: ExitStack,
    docker: Callable[[str | None], AbstractContextManager[HostImages]],
    cancel: Cancel,
) -> Transfers:
    """What is opened for it, `closing` closes."""

    def endpoint_of(host: str) -> Endpoint:
        return replace(access.endpoint, host=host)

    catalogue, credential = machine.store.catalogue, access.credential
    account = Digest.of((credential.username if credential else "").encode()).encoded[:16]
    transport = HttpTransport(endpoint_of, machine.environment, machine.user_agent)
    closing.callback(transport.close)
    client = RegistryClient(
        transport,
        endpoint_of,
        lambda _repository: credential,
        catalogue.profiles,
        catalogue.uploads(account),
        clock=time.time,
        report_held=machine.held,
        cancel=cancel,
    )
    openers = Openers(
        lambda: machine.store.own,
        lambda: catalogue.locations(account),
        lambda: client,
        machine.store.scratch,
        docker,
    )
    places = Places(openers, machine.held, set(), machine.native)
    return Transfers(places, machine.store.image_names, lambda: OneLogin(access), machine.native, machine.limit)
