"""Environments over rows in memory, each with the same real engine behind it."""

from __future__ import annotations

from lading.engine.cancel import Cancellation
from lading.services.access import Actor, Grant
from lading.services.environments.environment import Environment
from lading.services.environments.environments import Environments
from tests.contract.environments.suite import told
from tests.fakes.agents import PlayedHub
from tests.fakes.docker_archives import docker_archive, reader
from tests.fakes.environment_records import KeptTrail, MemoryEnvironments, OneBuilder, PlainSeals, PlayedProbe

CANCEL = Cancellation()
ADMIN = Actor("admin", (Grant(frozenset({"*"})),), user=1)


def actor(
    *permissions: str, environments: set[int] | None = None, repositories: tuple[str, ...] | None = None
) -> Actor:
    grant = Grant(frozenset(permissions), None if environments is None else frozenset(environments), repositories)
    return Actor("ann", (grant,), user=2)


class Bench:
    """Environments over memory, and a real embedded engine behind every row."""

    def __init__(self, environment: Environment) -> None:
        self.records, self.trail, self.probe = MemoryEnvironments(), KeptTrail(), PlayedProbe()
        self.builder, self.hub = OneBuilder(environment), PlayedHub()
        self.environments = Environments(self.records, PlainSeals(), self.trail, self.builder, self.probe, hub=self.hub)
        self.environments.ensure_embedded()

    def load(self, *names: str) -> str:
        guarded = self.environments.open(ADMIN, None)
        return guarded.load(reader(docker_archive(names)), told, CANCEL)[0].id
