"""What an agent is told by settings, and by the variables that agents of the field read: a host that has one of those
gets another program, and keeps its configuration.

    DOCKHAND_SERVER_URL TOKEN CA_CERT TLS_SKIP_VERIFY DOCKER_HOST DOCKER_SOCKET AGENT_ID AGENT_NAME
    HEARTBEAT_INTERVAL RECONNECT_DELAY MAX_RECONNECT_DELAY LOG_LEVEL
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from lading import setting_readers as readers
from lading.fronts.agent.agent import Pace
from lading.settings import SettingInvalid, Settings

T = TypeVar("T")

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


@dataclass(frozen=True, slots=True)
class AgentVariables:
    """None: nobody said. `docker` is an address that goes before docker's own; `level` is one of logging's."""

    server: str | None
    token: str | None = field(repr=False)
    ca_file: str | None
    skips_verification: bool
    docker: str | None
    name: str | None
    id: str | None
    pace: Pace
    level: int


def agent_variables(settings: Settings, environment: Mapping[str, str]) -> AgentVariables:
    """Settings first. Raises SettingInvalid."""

    def said(name: str, read: Callable[[object], T]) -> T | None:
        """An empty variable says nothing."""
        value = environment.get(name)
        if not value:
            return None
        try:
            return read(value)
        except ValueError as error:
            raise SettingInvalid(name, "environment", str(error)) from error

    usual = Pace()
    level = said("LOG_LEVEL", readers.one_of(*_LEVELS, *(name.upper() for name in _LEVELS)))
    return AgentVariables(
        server=settings.server or said("DOCKHAND_SERVER_URL", readers.server_address),
        token=settings.token or said("TOKEN", readers.login),
        ca_file=settings.tls_ca or said("CA_CERT", readers.text),
        skips_verification=settings.insecure or bool(said("TLS_SKIP_VERIFY", readers.switch)),
        docker=settings.docker or _socket(environment),
        name=settings.name or said("AGENT_NAME", readers.text),
        id=said("AGENT_ID", readers.text),
        pace=Pace(
            said("HEARTBEAT_INTERVAL", readers.seconds) or usual.heartbeat,
            said("RECONNECT_DELAY", readers.seconds) or usual.first,
            said("MAX_RECONNECT_DELAY", readers.seconds) or usual.most,
        ),
        level=_LEVELS[level.lower()] if level else logging.INFO,
    )


def _socket(environment: Mapping[str, str]) -> str | None:
    """DOCKER_SOCKET is a path, and counts where DOCKER_HOST says nothing."""
    path = environment.get("DOCKER_SOCKET")
    return f"unix://{path}" if path and not environment.get("DOCKER_HOST") else None
