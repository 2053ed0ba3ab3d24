"""Environments as places of the command line, which asks no server: what is put there is on record all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.services.access import LADING, Actor, Denied
from lading.services.environments.docker_hosts import NotDockerHost, configured_host
from lading.services.environments.environments import Environments
from lading.services.environments.forms import EnvironmentForm
from lading.services.named_rows import RowUnknown
from tests.contract.environments.suite import told
from tests.fakes.agents import PlayedHub
from tests.fakes.docker_archives import docker_archive, read_to_end, reader
from tests.fakes.embedded import embedded
from tests.fakes.environment_records import KeptTrail, MemoryEnvironments, OneBuilder, PlainSeals, PlayedProbe

CANCEL = Cancellation()
NAME = "docker.io/library/app:1"


class Bench:
    """One Docker host among the environments; a real embedded engine stands behind it."""

    def __init__(self, builder: OneBuilder) -> None:
        self.trail = KeptTrail()
        records, hub = MemoryEnvironments(), PlayedHub()
        self.environments = Environments(records, PlainSeals(), self.trail, builder, PlayedProbe(), hub=hub)
        self.environments.ensure_embedded()
        self.environments.add(LADING, EnvironmentForm("build", "direct", host="build.corp", port=2375))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with embedded(tmp_path / "lading") as made:
        yield Bench(OneBuilder(made.environment))


def test_what_the_command_line_puts_into_an_environment_is_on_record(bench: Bench) -> None:
    host = configured_host(bench.environments, LADING, "Build")

    host.load(reader(docker_archive([NAME])), told, CANCEL)
    assert bench.trail.said[-2:] == [("import", "started"), ("import", "done")]
    with pytest.raises(LadingError):
        host.load(reader(b"no archive"), told, CANCEL)
    assert bench.trail.said[-2:] == [("import", "started"), ("import", "failed")]


def test_what_the_command_line_takes_from_an_environment_is_on_record(bench: Bench) -> None:
    host = configured_host(bench.environments, LADING, "build")
    host.load(reader(docker_archive([NAME])), told, CANCEL)
    assert NAME in host.image(NAME, CANCEL).summary.names
    assert host.engine(CANCEL).platform

    with host.export([NAME], CANCEL) as archive:
        assert read_to_end(archive)
    assert bench.trail.said[-2:] == [("export", "started"), ("export", "done")]


def test_only_docker_hosts_are_places(bench: Bench) -> None:
    with pytest.raises(RowUnknown):
        configured_host(bench.environments, LADING, "nowhere")
    with pytest.raises(NotDockerHost):
        configured_host(bench.environments, LADING, "local")
    with pytest.raises(Denied):
        configured_host(bench.environments, Actor("ann", user=2), "build")
