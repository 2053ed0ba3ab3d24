"""A job of a server that says what no Lading server says: told as far as it can be, and it breaks nothing here."""

from __future__ import annotations

import io

import pytest

from lading.fronts.cli.far.following import Retelling
from lading.fronts.cli.progress import Renderer
from lading.fronts.cli.progress.bars import Bars
from lading.fronts.cli.progress.lines import JsonLines, PlainLines
from lading.wire.docker_words import Verb
from lading.wire.progress import Advanced, Event, Noted, State

HUGE = 10**400


def told(kind: str, *said: dict[str, object]) -> list[Event]:
    events: list[Event] = []
    retelling = Retelling(Verb.PULL, "app:1", events.append)
    for each in said:
        retelling.hear(kind, each)
    return events


@pytest.mark.parametrize(
    "layers", [7, None, "x", [7], [None], [[]], [{"id": {}, "status": []}], [{"progressDetail": 7, "status": "x"}]]
)
def test_a_tick_that_is_none_says_nothing(layers: object) -> None:
    assert told("tick", {"layers": layers}) == []


@pytest.mark.parametrize(
    "line", [{}, {"status": 7}, {"id": 7}, {"status": "tagged", "digest": "none"}, {"message": {}}]
)
def test_a_line_that_is_none_says_nothing(line: dict[str, object]) -> None:
    assert [event for event in told("line", line) if isinstance(event, Noted | Advanced)] == []


@pytest.mark.parametrize("figure", [HUGE, -HUGE, -1, 1.5, True, "9", None, float("inf")])
def test_figures_that_cannot_be_are_none(figure: object) -> None:
    stream = io.StringIO()
    shown: list[Renderer] = [
        Bars(stream, lambda: 0.0, colours=False, live=False),
        PlainLines(stream, lambda: 0.0),
        JsonLines(stream, lambda report: report),
    ]
    detail: dict[str, object] = {"current": figure, "total": figure}
    lines: list[dict[str, object]] = [
        {"id": "a", "status": word, "progressDetail": detail} for word in ("Downloading", "Pull complete")
    ]
    events = told("line", *lines)
    for each in shown:
        for event in events:
            each.report(event)
        each.close()

    assert all(event.current in {0, 1} for event in events if isinstance(event, Advanced))
    assert any(isinstance(event, Advanced) and event.state is State.MOVING for event in events)
