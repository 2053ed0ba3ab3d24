"""Registries that want to be left alone: who is told, who keeps to it, and until when."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, StorageFailed
from lading.services.registries.holds import Hold, RegistryHolds
from lading.services.registries.shared_holds import AGAIN_SECONDS, TOPIC, SharedHolds
from tests.fakes.clock import WaitingClock

HOST = "r.example"
HALF_MINUTE = Hold(HOST, 30, "the rate limit")


class Rows:
    """Fulfils HoldRecords: what all processes have written down, by one clock. `reads` counts who asks."""

    def __init__(self, clock: WaitingClock) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, str]] = {}
        self.reads, self.failing = 0, False

    def put_hold(self, hold: Hold) -> None:
        self._check()
        until = self._clock() + hold.seconds
        if until > self._kept.get(hold.host, (0.0, ""))[0]:
            self._kept[hold.host] = until, hold.reason

    def holds(self) -> Sequence[Hold]:
        self._check()
        self.reads += 1
        now = self._clock()
        return [Hold(host, until - now, reason) for host, (until, reason) in self._kept.items() if until > now]

    def _check(self) -> None:
        if self.failing:
            raise StorageFailed


class Installation:
    """Processes at the same rows; each hears what another one tells."""

    def __init__(self) -> None:
        self.clock = WaitingClock()
        self.rows = Rows(self.clock)
        self.processes: list[SharedHolds] = []

    def begin(self) -> RegistryHolds:
        self.processes.append(SharedHolds(self.rows, self._tell, self.clock))
        return RegistryHolds(self.clock, self.processes[-1])

    def wake(self, topic: str | None) -> None:
        """As when somebody tells this."""
        for process in self.processes:
            process.woken(topic)

    def waited(self, holds: RegistryHolds, host: str = HOST) -> list[float]:
        """How long who asks that host waits."""
        before = len(self.clock.waited)
        holds.wait(host, Cancellation(pause=self.clock.pause), lambda _hold: None)
        return self.clock.waited[before:]

    def _tell(self) -> None:
        self.wake(TOPIC)


@pytest.fixture
def installation() -> Installation:
    return Installation()


def test_what_one_process_was_told_all_keep_to(installation: Installation) -> None:
    first, second = installation.begin(), installation.begin()
    assert installation.waited(second) == []

    first.hold(HALF_MINUTE)
    installation.clock.now += 10

    assert installation.waited(second, "other.example") == []
    assert installation.waited(second) == [20]
    assert installation.waited(first) == []


def test_one_that_begins_later_keeps_to_it_as_well(installation: Installation) -> None:
    installation.begin().hold(HALF_MINUTE)

    installation.clock.now += 29

    assert installation.waited(installation.begin()) == [1]


def test_a_hold_that_gets_longer_is_waited_for_to_its_end(installation: Installation) -> None:
    first, second = installation.begin(), installation.begin()
    first.hold(HALF_MINUTE)

    def longer(hold: Hold) -> None:
        if hold.seconds == 30:
            first.hold(Hold(HOST, 45, "status 503"))

    second.wait(HOST, Cancellation(pause=installation.clock.pause), longer)

    assert installation.clock.now == 45


def test_a_shorter_one_ends_nothing_early_wherever_it_was_told(installation: Installation) -> None:
    first, second = installation.begin(), installation.begin()
    first.hold(HALF_MINUTE)

    second.hold(Hold(HOST, 5, "status 503"))

    assert installation.waited(second) == [30]
    assert installation.waited(first) == []


def test_nobody_asks_the_rows_while_nobody_tells_anything(installation: Installation) -> None:
    process = installation.begin()

    for _ in range(100):
        installation.waited(process)

    assert installation.rows.reads == 1


def test_what_cannot_be_written_or_read_holds_here_and_is_read_later(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    process = installation.begin()
    installation.rows.failing = True

    assert process.hold(Hold(HOST, 2, "the rate limit"))
    assert installation.waited(process) == [2]
    installation.rows.failing = False
    installation.begin().hold(HALF_MINUTE)
    assert installation.waited(process) == []  # it tried to read a moment ago

    installation.clock.now += AGAIN_SECONDS
    assert installation.waited(process) == [30 - AGAIN_SECONDS]
    assert len(caplog.records) == 2


def test_other_topics_are_none_of_its_business(installation: Installation) -> None:
    process = installation.begin()
    installation.waited(process)

    installation.wake("job/1")
    installation.waited(process)
    assert installation.rows.reads == 1
    installation.wake(None)  # anything may have changed
    installation.waited(process)
    assert installation.rows.reads == 2


def test_all_that_stand_are_told_with_what_is_left(installation: Installation) -> None:
    first, second = installation.begin(), installation.begin()
    first.hold(HALF_MINUTE)
    second.hold(Hold("b.example", 5, "status 503"))

    installation.clock.now += 10

    assert first.all() == second.all() == [Hold(HOST, 20, "the rate limit")]


def test_a_cancel_ends_the_wait_and_not_the_hold() -> None:
    clock = WaitingClock()
    alone, cancel = RegistryHolds(clock), Cancellation(pause=clock.pause)
    alone.hold(HALF_MINUTE)
    cancel.cancel()

    with pytest.raises(Cancelled):
        alone.wait(HOST, cancel, lambda _hold: None)

    assert alone.all() == [HALF_MINUTE]
