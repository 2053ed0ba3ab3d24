"""The network between a Docker host and the service is gone for a while, in the midst of a push: a real one, of network
namespaces, with the times that agents and the service really have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.edge_place import Kind, edge_place
from tests.peers import programs
from tests.peers.programs import RunningDocker
from tests.proof_table import Tell

pytestmark = [pytest.mark.proof, pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry")]

HERE, THERE = "10.213.77.1", "10.213.77.2"


@dataclass(frozen=True)
class Cable:
    """Between this machine's network and that of a namespace, in which programs run by `within`."""

    name: str

    @property
    def within(self) -> tuple[str, ...]:
        """A command that runs another there."""
        return ("ip", "netns", "exec", self.name)

    def pull(self) -> None:
        """Nobody is told."""
        programs.run("ip", "-n", self.name, "link", "set", "there", "down")

    def plug(self) -> None:
        """It is back."""
        programs.run("ip", "-n", self.name, "link", "set", "there", "up")


@contextmanager
def cable() -> Iterator[Cable]:
    """Gone with the block, and the namespace with it."""
    made, here = Cable(f"lading-{os.getpid()}"), f"lad{os.getpid()}"[:15]
    programs.run("ip", "netns", "add", made.name)
    try:
        programs.run("ip", "link", "add", here, "type", "veth", "peer", "name", "there", "netns", made.name)
        programs.run("ip", "address", "add", f"{HERE}/30", "dev", here)
        programs.run("ip", "link", "set", here, "up")
        programs.run("ip", "-n", made.name, "address", "add", f"{THERE}/30", "dev", "there")
        made.plug()
        yield made
    finally:
        programs.run("ip", "netns", "delete", made.name)


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name.lower())
@pytest.mark.parametrize("seconds", [5, 60, 600])
def test_a_push_over_a_network_that_is_gone_for_a_while(
    tmp_path: Path, docker_engine: RunningDocker, seconds: int, kind: Kind, record_property: Tell
) -> None:
    """It is half done when the cable is pulled, and the Docker host goes on with it meanwhile."""
    settings = {"LADING_HOST": "0.0.0.0"}
    with (
        cable() as wire,
        edge_place(tmp_path, docker_engine, settings) as place,
        place.running(),
        place.prepared(),
        place.agent(
            kind=kind,
            within=wire.within,
            DOCKHAND_SERVER_URL=f"ws://{HERE}:{place.service.port}",
            RECONNECT_DELAY="1",
            MAX_RECONNECT_DELAY="60",
        ),
    ):
        place.connected()
        job = place.held_push("network")
        wire.pull()
        place.pipe.let_go()
        place.arrived()
        programs.select_nothing(seconds)
        wire.plug()
        ended = place.ended(job, 300)
        record_property("ended", ended["status"])
        place.assert_true(ended)
        place.assert_audited(ended)
        assert ended["status"] == "done" or seconds > 90
        place.connected()
