"""What happens to a transfer at the edge when somebody goes away in its midst: no false success, no lost job, and the
audit record true."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.edge_place import EdgePlace, Kind, edge_place
from tests.peers.programs import RunningDocker
from tests.peers.service_process import kill

pytestmark = [pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry")]


@pytest.fixture(scope="module")
def shared(docker_engine: RunningDocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgePlace]:
    """Its service runs."""
    with edge_place(tmp_path_factory.mktemp("place"), docker_engine) as made, made.running():
        yield made


@pytest.fixture
def place(shared: EdgePlace) -> Iterator[EdgePlace]:
    """With an environment of its own."""
    with shared.prepared():
        yield shared
    shared.link.let_go()
    shared.pipe.let_go()


@pytest.fixture(
    params=[pytest.param(kind, marks=[] if kind is Kind.OLD else [pytest.mark.proof], id=kind.name) for kind in Kind]
)
def kind(request: pytest.FixtureRequest) -> Kind:
    """The one that can least, every time."""
    found: Kind = request.param
    return found


def test_a_push_survives_a_cut_network(place: EdgePlace, kind: Kind) -> None:
    """The agent comes again and goes on with the old request."""
    with place.agent(kind=kind):
        place.connected()
        job = place.held_push("cut")
        place.link.cut()
        place.connected()
        place.pipe.let_go()
        ended = place.ended(job)
        place.assert_done(ended)
        place.assert_audited(ended)


@pytest.mark.proof
def test_a_push_whose_end_was_told_while_nobody_listened_is_proven(place: EdgePlace, kind: Kind) -> None:
    with place.agent(kind=kind):
        place.connected()
        job = place.held_push("gap")
        place.link.hold()
        place.link.cut()
        place.gone()
        place.pipe.let_go()
        place.arrived()
        place.link.let_go()
        ended = place.ended(job, 150)
        place.assert_done(ended)
        place.assert_audited(ended)


def test_a_push_survives_its_agents_death(place: EdgePlace, kind: Kind) -> None:
    """The daemon gives the push up; the agent that comes next is asked again."""
    with place.agent("first", kind) as first:
        place.connected("first")
        job = place.held_push("killed")
        kill(first)
    place.pipe.let_go()
    with place.agent("second", kind):
        ended = place.ended(job)
        place.assert_done(ended)
        place.assert_audited(ended)


def test_a_pull_survives_its_agents_death(place: EdgePlace, kind: Kind) -> None:
    with place.agent("first", kind) as first:
        place.connected("first")
        job = place.held_pull("killed-pull")
        kill(first)
    place.pipe.let_go()
    with place.agent("second", kind):
        ended = place.ended(job)
        place.assert_pulled(ended)
        place.assert_audited(ended)


def test_a_push_survives_a_newer_login(place: EdgePlace, kind: Kind) -> None:
    """The newer agent knows nothing of it, and stands at the same host."""
    with place.agent("first", kind, RECONNECT_DELAY="30"):
        place.connected("first")
        job = place.held_push("replaced")
        with place.agent("second", kind):
            place.connected("second")
            place.pipe.let_go()
            ended = place.ended(job, 150)
            place.assert_done(ended)
            place.assert_audited(ended)


def test_a_push_survives_the_servers_death(tmp_path: Path, docker_engine: RunningDocker, kind: Kind) -> None:
    with edge_place(tmp_path, docker_engine) as place, ExitStack() as stack:
        with place.running() as child, place.prepared():
            stack.enter_context(place.agent(kind=kind))
            place.connected()
            job = place.held_push("restarted")
            kill(child)
        place.pipe.let_go()
        with place.service.running():
            ended = place.ended(job, 150)
            place.assert_done(ended)
            place.assert_audited(ended)


def test_nobody_there_is_said_at_once(place: EdgePlace) -> None:
    image = place.image("away/one")
    job = place.ended(place.push(image, "away/one:1"), 10)
    assert [line["data"] for line in job["lines"]] == [  # type: ignore[attr-defined]  # the job's JSON
        {"status": "error", "error": "Edge agent not connected"}
    ]
    headers = {"Accept": "application/json"}
    path = f"/api/images/push?env={place.environment}"
    body = {"imageId": image, "target": f"{place.host}/away/one:1"}
    status, answer = place.service.ask("POST", path, body, headers)
    assert (status, answer["error"]) == (503, "Edge agent not connected")
