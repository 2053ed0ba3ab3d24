"""A limit of layers at a registry for all processes: what part of it each has, and who is heard of."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence

import pytest

from lading.errors import StorageFailed
from lading.services.registries.shares import GONE_SECONDS, TOPIC, Place, SharedLimit
from tests.fakes.jobs import BOUND_SECONDS
from tests.fakes.records import Clock

HOST, OTHER = "r.example", "other.example"


@pytest.mark.parametrize(
    ("limit", "shares"),
    [(8, [8]), (8, [4, 4]), (8, [3, 3, 2]), (2, [1, 1]), (2, [1, 1, 1]), (1, [1, 1]), (7, [2, 2, 2, 1])],
)
def test_the_limit_is_divided_and_nobody_has_nothing(limit: int, shares: list[int]) -> None:
    assert [Place(number, len(shares)).share(limit) for number in range(len(shares))] == shares


class Rows:
    """Fulfils ShareRecords: rows of all processes by one clock. `asked` counts questions of any kind."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str], float] = {}
        self.asked, self.failing = 0, False

    def move(self, process: str, hosts: Collection[str], seconds: float) -> Mapping[str, Sequence[str]]:
        self._until = {key: until for key, until in self._until.items() if key[1] != process}
        self._until |= {(host, process): self._clock() + seconds for host in hosts}
        return self.movers(hosts)

    def movers(self, hosts: Collection[str]) -> Mapping[str, Sequence[str]]:
        self.asked += 1
        if self.failing:
            raise StorageFailed
        standing = sorted(key for key, until in self._until.items() if until > self._clock() and key[0] in hosts)
        return {host: [process for there, process in standing if there == host] for host, _ in standing}


class Installation:
    """Processes that share a limit of 8."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.rows = Rows(self.clock)
        self.processes: list[SharedLimit] = []

    def begin(self) -> SharedLimit:
        name = f"process {len(self.processes)}"
        self.processes.append(SharedLimit(8, name, self.rows, self._tell, self.clock))
        return self.processes[-1]

    def _tell(self) -> None:
        for process in self.processes:
            process.woken(TOPIC)


@pytest.fixture
def installation() -> Installation:
    return Installation()


def test_who_moves_layers_there_shares_the_limit(installation: Installation) -> None:
    first, second, third = (installation.begin() for _ in range(3))
    first.join(HOST)
    assert first.of(HOST) == 8

    second.join(HOST)
    third.join(OTHER)
    first.look()

    assert (first.of(HOST), second.of(HOST), third.of(OTHER)) == (4, 4, 8)


def test_who_stopped_leaves_its_share(installation: Installation) -> None:
    first, second = installation.begin(), installation.begin()
    first.join(HOST)
    second.join(HOST)

    second.beat(())
    first.look()

    assert first.of(HOST) == 8


def test_who_died_is_missed_after_a_while(installation: Installation) -> None:
    first, second = installation.begin(), installation.begin()
    first.join(HOST)
    second.join(HOST)

    for _ in range(2):
        installation.clock.advance(GONE_SECONDS / 2)
        first.beat([HOST])

    assert first.of(HOST) == 8


def test_nobody_asks_the_rows_while_nothing_moves(installation: Installation) -> None:
    process = installation.begin()

    process.beat(())
    process.look()
    process.join(HOST)
    process.join(HOST)

    assert installation.rows.asked == 1


def test_while_the_rows_are_away_it_does_the_least_and_waits_for_no_answer_twice(installation: Installation) -> None:
    process = installation.begin()
    installation.rows.failing = True

    process.join(HOST)
    process.join(HOST)
    assert (process.of(HOST), installation.rows.asked) == (1, 1)

    installation.rows.failing = False
    process.beat([HOST])
    assert process.of(HOST) == 8


def test_a_process_that_runs_hears_of_others_and_leaves_at_its_end(installation: Installation) -> None:
    first, second = installation.begin(), installation.begin()
    first.join(HOST)
    heard = threading.Event()
    first.begin(lambda: [HOST], heard.set)

    second.join(HOST)
    while first.of(HOST) != 4:
        assert heard.wait(BOUND_SECONDS)
        heard.clear()
    first.stop()
    first.stop()
    second.look()

    assert second.of(HOST) == 8
