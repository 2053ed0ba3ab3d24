"""What waits to be written: the lines of one job stay in order, and nothing is left behind, whoever comes and goes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lading.services.audit.records import AuditEntry
from lading.services.jobs.job import JobState, JsonObject, Line
from lading.services.running.lines import AT_ONCE, Batch, Said, WaitingLines


@dataclass
class Sitting:
    """Fulfils Seat."""

    job: str
    followed: bool = False
    given_up: bool = False
    run: int = 1

    def entry(self, state: JobState, line: JsonObject) -> AuditEntry | None:
        return None

    def kept(self, lines: Collection[Line], end: JobState | None) -> None:
        """Nobody follows."""

    def lost(self) -> None:
        self.given_up = True


def said(seat: Sitting, *numbers: int) -> list[Said]:
    return [Said(seat, Line(number, 1.0, {})) for number in numbers]


def numbers(batch: Batch) -> dict[str, list[int]]:
    return {job: [each.line.number for each in lines] for job, lines in batch.items()}


def test_what_is_followed_has_a_way_of_its_own() -> None:
    lines = WaitingLines()
    lines.put([*said(Sitting("a"), 1), *said(Sitting("b", followed=True), 1)])

    assert numbers(lines.take(True)) == {"b": [1]}
    assert numbers(lines.take(False)) == {"a": [1]}


def test_nobody_writes_for_a_job_beside_another() -> None:
    lines, seat = WaitingLines(), Sitting("a")
    lines.put(said(seat, 1))
    batch = lines.take(False)
    seat.followed = True
    lines.put(said(seat, 2))

    assert not lines.take(True)
    lines.written(batch)
    assert numbers(lines.take(True)) == {"a": [2]}


def test_who_waits_is_woken_for_what_another_left() -> None:
    """Each of these returns, though nothing was put for it."""
    lines, seat = WaitingLines(), Sitting("a", followed=True)
    lines.put(said(seat, 1))
    lines.wait(True)
    seat.followed = False
    assert not lines.take(True)

    lines.wait(False)
    batch = lines.take(False)
    seat.followed = True
    lines.put(said(seat, 2))
    lines.wait(True)
    assert not lines.take(True)
    lines.written(batch)

    lines.wait(True)
    assert numbers(lines.take(True)) == {"a": [2]}


def test_who_gathers_lines_is_woken_by_an_end_of_that_way_alone() -> None:
    """The first of these would take a minute for each, were nobody woken."""
    lines, seat = WaitingLines(), Sitting("a", followed=True)
    lines.put([Said(seat, Line(1, 1.0, {}), None, JobState.DONE)])
    lines.gather(True, 60)
    lines.hurry()
    lines.gather(True, 60)
    lines.gather(False, 60)


def test_what_could_not_be_written_comes_before_what_was_said_since() -> None:
    lines, seat = WaitingLines(), Sitting("a")
    lines.put(said(seat, 1, 2))
    batch = lines.take(False)
    lines.put([*said(Sitting("b"), 1), *said(seat, 3)])

    assert lines.put_back(batch) == 4
    assert numbers(lines.take(False)) == {"a": [1, 2, 3], "b": [1]}


def test_what_is_given_up_is_forgotten() -> None:
    lines, lost = WaitingLines(), Sitting("a")
    lines.put([*said(lost, 1), *said(Sitting("a"), 5)])
    lost.lost()

    assert numbers(lines.take(False)) == {"a": [5]}


def test_a_batch_is_bounded() -> None:
    lines = WaitingLines()
    for number in range(AT_ONCE + 1):
        lines.put(said(Sitting(f"job {number}"), 1))

    assert len(lines.take(False)) == AT_ONCE
    assert len(lines.take(False)) == 1
