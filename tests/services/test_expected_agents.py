"""Work at the edge waits for its agent only where a server went away with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lading.services.environments.environment import ConnectionType
from lading.services.environments.environments import Environments
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.environments.records import EnvironmentRow
from lading.services.hub.hub import BACK_SECONDS, AgentAway
from lading.services.jobs.job import JobState, JsonObject, Telling
from lading.services.running.runner import YOUNG_SECONDS
from lading.wire.message import Cancel
from tests.fakes.agents import PlayedHub, presence_of
from tests.fakes.embedded import embedded
from tests.fakes.environment_bench import ADMIN, CANCEL
from tests.fakes.environment_records import KeptTrail, MemoryEnvironments, OneBuilder, PlainSeals, PlayedProbe
from tests.fakes.jobs import ALICE, Stage, asked


@dataclass
class WaitedFor(PlayedHub):
    """Remembers how long somebody would wait."""

    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def back(self, environment: int, cancel: Cancel, seconds: float) -> bool:
        self.waits.append(seconds)
        return super().back(environment, cancel, seconds)


@pytest.mark.parametrize(("taken_up", "seconds"), [(False, 0.0), (True, BACK_SECONDS)])
def test_an_agent_that_is_away_is_waited_for_only_where_a_job_is_taken_up(
    tmp_path: Path, taken_up: bool, seconds: float
) -> None:
    hub = WaitedFor()
    environments, edge = edge_environment(tmp_path, hub)
    with pytest.raises(AgentAway, match=r"^Edge agent not connected$"):
        environments.expect(edge, CANCEL, taken_up=taken_up)
    assert hub.waits == [seconds]
    hub.here[edge.id] = presence_of(edge.id)
    environments.expect(edge, CANCEL, taken_up=taken_up)


def test_other_environments_are_not_waited_for(tmp_path: Path) -> None:
    hub = WaitedFor()
    environments, _ = edge_environment(tmp_path, hub)
    environments.expect(environments.open(ADMIN, None), CANCEL, taken_up=True)
    assert hub.waits == []


def edge_environment(folder: Path, hub: WaitedFor) -> tuple[Environments, GuardedEnvironment]:
    with embedded(folder) as made:
        records = MemoryEnvironments()
        builder = OneBuilder(made.environment)
        environments = Environments(records, PlainSeals(), KeptTrail(), builder, PlayedProbe(), hub=hub)
    environments.ensure_embedded()
    row = records.add_environment(lambda id: EnvironmentRow(id, "attic", ConnectionType.HAWSER_EDGE))  # noqa: A006
    return environments, environments.open(ADMIN, row.id)


def test_a_job_knows_whether_another_process_had_it() -> None:
    stage, told = Stage(), list[bool]()

    def work(telling: Telling, cancel: Cancel) -> JsonObject:
        told.append(telling.taken_up)
        return {}

    stage.play(work, resumes=True)
    new = stage.jobs.start(ALICE, asked())
    stage.run()
    begun, waiting = stage.jobs.start(ALICE, asked()), stage.jobs.start(ALICE, asked())
    stage.records.claim(begun.id, stage.clock.now)

    again = stage.restarted()
    assert again.runner.recover(0) == 2
    again.run()

    assert told == [False, True, True]
    assert {again.jobs.get(ALICE, job.id).state for job in (new, begun, waiting)} == {JobState.DONE}


def test_a_job_that_another_process_only_made_is_none_that_was_taken_up() -> None:
    stage, told = Stage(), list[bool]()

    def work(telling: Telling, cancel: Cancel) -> JsonObject:
        told.append(telling.taken_up)
        return {}

    stage.play(work, resumes=True)
    made, begun = stage.jobs.start(ALICE, asked()), stage.jobs.start(ALICE, asked())
    stage.records.claim(begun.id, stage.clock.now)
    server = stage.restarted()
    server.clock.now += YOUNG_SECONDS

    assert server.runner.recover(0) == 2
    server.run()

    assert sorted(told) == [False, True]
    assert {server.jobs.get(ALICE, job.id).state for job in (made, begun)} == {JobState.DONE}
