"""Trying a registry out, step by step: whoever configures one learns which step does not work.

resolve ─> connect ─> tls ─> v2 ─> mint ─> token ─> scope    without TLS where the registry speaks plain HTTP, and mint
                                                             only where the provider mints logins
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from lading.errors import AccessDenied, NotFound, Refused
from lading.services.environments.connection_test import ConnectionReport, Probe, report_of
from lading.services.environments.orders import Access
from lading.services.registries.configured_registries import Trial
from lading.services.registries.providers import TEMPLATES
from lading.wire.authorize import Credential
from lading.wire.endpoint import Tls
from lading.wire.guard import is_this_machine, name_and_port
from lading.wire.message import Cancel, PlainHttpAnswered
from lading.wire.registry_urls import api_host


class TriedRegistry(Protocol):
    """Fulfilled by main. Every method raises AccessDenied, NetworkFailed and their like."""

    def knock(self, access: Access, credential: Credential | None, cancel: Cancel) -> None:
        """Whether it answers as a registry and takes this login, or nobody's. Raises AccessDenied."""

    def repositories(self, access: Access, cancel: Cancel) -> Iterator[str]:
        """The catalog. Raises NotFound, Refused or AccessDenied where there is none for us."""


def try_registry(trial: Trial, door: TriedRegistry, probe: Probe, cancel: Cancel) -> ConnectionReport:
    """Up to the first step that does not work. Raises Cancelled, TimedOut."""
    return report_of(_Attempt(trial, door, probe, cancel).steps())


class _Attempt:
    """One registry's steps; `access` gets its login on the way, which may be minted for it."""

    def __init__(self, trial: Trial, door: TriedRegistry, probe: Probe, cancel: Cancel) -> None:
        self._trial, self._door, self._probe, self._cancel = trial, door, probe, cancel
        self._access = Access(trial.row.name, trial.login.endpoint)
        plain, host = trial.row.tls is Tls.HTTP, api_host(trial.row.host)
        self._host, self._port = name_and_port(f"{'http' if plain else 'https'}://{host}")

    def steps(self) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "resolve", lambda: ", ".join(self._probe.resolve(self._host, self._port)[:4])
        yield "connect", self._connect
        if self._trial.row.tls is not Tls.HTTP:
            yield "tls", self._secure
        yield "v2", self._knock
        if self._trial.login.minted:
            yield "mint", self._mint
        yield "token", self._login
        yield "scope", self._scope

    def _connect(self) -> str:
        self._probe.connect(self._host, self._port, self._cancel)
        return f"{self._host}:{self._port}"

    def _secure(self) -> str:
        """On this machine a registry without TLS is spoken to as it is: the next step tells whether it answers so."""
        try:
            return self._probe.secure(self._access.endpoint, self._host, self._port, self._cancel)
        except PlainHttpAnswered:
            if not is_this_machine(self._host):
                raise
            return "none: on this machine plain HTTP is tried as well"

    def _knock(self) -> str:
        try:
            self._door.knock(self._access, None, self._cancel)
        except AccessDenied:
            return "it answers, and wants a login"
        return "it answers, to everybody"

    def _mint(self) -> str:
        self._access = self._trial.access()
        return f"{TEMPLATES[self._trial.row.provider].title} gives a login that ends"

    def _login(self) -> str:
        if not self._trial.login.minted:
            self._access = self._trial.access()
        credential = self._access.credential
        self._door.knock(self._access, credential, self._cancel)
        return f"it takes the login of {credential.username}" if credential else "no login is needed"

    def _scope(self) -> str:
        if self._trial.row.path:
            return f"it is used for {self._trial.row.path}/"
        try:
            next(self._door.repositories(self._access, self._cancel), None)
        except (NotFound, Refused, AccessDenied):
            return "it does not list its repositories: name them"
        return "its repositories can be listed"
