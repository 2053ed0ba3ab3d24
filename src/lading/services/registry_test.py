"""Trying a registry out, step by step: whoever configures one learns which step does not work.

resolve ─> connect ─> tls ─> v2 ─> token ─> scope        without TLS where the registry speaks plain HTTP
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from lading.errors import AccessDenied, NotFound, Refused
from lading.services.connection_test import ConnectionReport, Probe, report_of
from lading.services.environment_orders import Access
from lading.services.registry_records import RegistryRow
from lading.wire.authorize import Credential
from lading.wire.endpoint import Tls
from lading.wire.guard import name_and_port
from lading.wire.message import Cancel
from lading.wire.registry_urls import api_host


class TriedRegistry(Protocol):
    """Fulfilled by main. Every method raises AccessDenied, NetworkFailed and their like."""

    def knock(self, access: Access, credential: Credential | None, cancel: Cancel) -> None:
        """Whether it answers as a registry and takes this login, or nobody's. Raises AccessDenied."""

    def repositories(self, access: Access, cancel: Cancel) -> Iterator[str]:
        """The catalog. Raises NotFound, Refused or AccessDenied where there is none for us."""


def try_registry(
    row: RegistryRow, access: Access, door: TriedRegistry, probe: Probe, cancel: Cancel
) -> ConnectionReport:
    """Up to the first step that does not work. Raises Cancelled, TimedOut."""
    return report_of(_attempts(row, access, door, probe, cancel))


def _attempts(
    row: RegistryRow, access: Access, door: TriedRegistry, probe: Probe, cancel: Cancel
) -> Iterator[tuple[str, Callable[[], str]]]:
    host, port = name_and_port(f"{'http' if row.tls is Tls.HTTP else 'https'}://{api_host(row.host)}")

    def connect() -> str:
        probe.connect(host, port, cancel)
        return f"{host}:{port}"

    def knock() -> str:
        try:
            door.knock(access, None, cancel)
        except AccessDenied:
            return "it answers, and wants a login"
        return "it answers, to everybody"

    def login() -> str:
        door.knock(access, access.credential, cancel)
        return f"it takes the login of {access.credential.username}" if access.credential else "no login is needed"

    def scope() -> str:
        if row.path:
            return f"it is used for {row.path}/"
        try:
            next(door.repositories(access, cancel), None)
        except (NotFound, Refused, AccessDenied):
            return "it does not list its repositories: name them"
        return "its repositories can be listed"

    yield "resolve", lambda: ", ".join(probe.resolve(host, port)[:4])
    yield "connect", connect
    if row.tls is not Tls.HTTP:
        yield "tls", lambda: probe.secure(access.endpoint, host, port, cancel)
    yield "v2", knock
    yield "token", login
    yield "scope", scope
