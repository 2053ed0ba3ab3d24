from __future__ import annotations

import io
import json

import pytest

from lading.fronts.cli.console import Console, Streams
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.progress import ProgressUnknown, Silent, renderer
from lading.fronts.cli.progress.bars import Bars, Row
from lading.fronts.cli.progress.lines import JsonLines, PlainLines
from lading.fronts.cli.progress.speed import Speed, seconds_left
from lading.fronts.cli.texts import visible
from lading.wire.progress import Advanced, Piece, Planned, State
from tests.fakes.application import MemoryApplication
from tests.fakes.progress_fixture import read_events, read_objects


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


PLAIN = """\
ghcr.io/acme/web:1.4: login: alice from ~/.docker/config.json
ghcr.io/acme/web:1.4: 7 pieces, 416.2 MB in all
ghcr.io/acme/web:1.4: a30000000000 layer exists, 300.0 MB
ghcr.io/acme/web:1.4: a40000000000 layer mounted (acme/base), 28.0 MB
ghcr.io/acme/web:1.4: a10000000000 layer moving, 58.0 MB
ghcr.io/acme/web:1.4: a20000000000 layer moving, 26.2 MB (6.2 MB kept from an earlier attempt)
ghcr.io/acme/web:1.4: a20000000000 layer retrying in 2.0 s: the connection to ghcr.io was lost
ghcr.io: waiting, it asked for a pause of 30 s
ghcr.io/acme/web:1.4: a20000000000 layer moving, 26.2 MB (6.2 MB kept from an earlier attempt)
ghcr.io/acme/web:1.4: a50000000000 layer failed: ghcr.io refused it
ghcr.io/acme/web:1.4: a10000000000 layer done, 58.0 MB
ghcr.io/acme/web:1.4: 1.4 is sha256:d0000000000000000000000000000000000000000000000000000000000000d0
"""


def test_plain_lines_come_on_change_and_never_return_the_carriage() -> None:
    stream = io.StringIO()
    lines = PlainLines(stream, Clock())

    for event in (*read_events(), *read_events("last")):
        lines.report(event)
    lines.close()

    assert stream.getvalue() == PLAIN
    assert "\r" not in stream.getvalue()


def test_a_plain_line_with_the_total_comes_every_five_seconds_while_bytes_move() -> None:
    stream, clock = io.StringIO(), Clock()
    lines = PlainLines(stream, clock)
    lines.report(Planned("t", (Piece("a", size=100_000_000),)))
    lines.report(Advanced("t", "a", State.MOVING))
    begun = stream.getvalue()

    for second in range(1, 11):
        clock.now = float(second)
        lines.report(Advanced("t", "a", State.MOVING, second * 1_000_000))

    assert stream.getvalue()[len(begun) :].splitlines() == [
        "total 5.0 MB/100.0 MB, 0 B/s",
        "total 10.0 MB/100.0 MB, 1.0 MB/s, 1 min 30 s left",
    ]


def test_json_lines_are_the_events_one_a_line() -> None:
    stream = io.StringIO()
    lines = JsonLines(stream, lambda report: report)

    for event in read_events():
        lines.report(event)
    lines.close()

    assert [json.loads(line) for line in stream.getvalue().splitlines()] == read_objects()


def test_bars_show_what_moves_and_the_total() -> None:
    stream, clock = io.StringIO(), Clock()
    bars = Bars(stream, clock, colours=False, live=False)

    for event in read_events():
        bars.report(event)
    rows = bars.rows()
    bars.close()

    assert rows == [
        Row("a10000000000", 44_100_000, 58_000_000, "0 B/s"),
        Row("a20000000000", 7_300_000, 26_200_000, "0 B/s"),
        Row("total", 52_400_000, 88_203_000, "0 B/s  328.0 MB already there"),
    ]
    drawn = stream.getvalue()
    assert "ghcr.io/acme/web:1.4: login: alice" in drawn
    assert "ghcr.io/acme/web:1.4: a50000000000 failed: ghcr.io refused it" in drawn
    assert "44.1 MB/58.0 MB" in drawn


def test_a_bar_that_goes_back_says_why_above_the_bars() -> None:
    stream = io.StringIO()
    bars = Bars(stream, Clock(), colours=False, live=False)
    bars.report(Advanced("t", "a", State.RETRYING, detail="from the start"))
    bars.report(Advanced("t", "b", State.RETRYING, detail="it was lost", seconds=2.0))
    rows = bars.rows()
    bars.close()

    assert "t: a retrying: from the start" in stream.getvalue()
    assert "t: b" not in stream.getvalue()
    assert rows[1].note == "retrying in 2.0 s: it was lost"


@pytest.mark.parametrize("name", ["[/b]", "\x1b[2J", "[red]x", "\x9b2J"])
def test_a_piece_that_somebody_else_named_commands_no_terminal(name: str) -> None:
    stream = io.StringIO()
    bars = Bars(stream, Clock(), colours=False, live=False)
    bars.report(Advanced("t", name, State.MOVING, 1, 2))
    bars.close()

    assert visible(name) in stream.getvalue()


def test_the_cursor_comes_back_when_bars_end() -> None:
    stream = io.StringIO()
    Bars(stream, Clock(), colours=False, live=False).close()

    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


def test_bars_make_way_for_a_question_and_come_back() -> None:
    stream = io.StringIO()
    bars = Bars(stream, Clock(), colours=False, live=False)
    with bars.paused():
        there = stream.getvalue()
    bars.close()

    assert there.rindex("\x1b[?25h") > there.rindex("\x1b[?25l"), "the cursor is the person's"
    assert stream.getvalue().count("\x1b[?25l") == 2


def test_a_question_during_work_has_the_terminal_to_itself() -> None:
    stream = io.StringIO()
    invocation = Invocation(MemoryApplication().start, Streams(io.BytesIO(), io.StringIO(), stream), {})
    invocation.flags["progress"] = "tty"

    with invocation.progress():
        with invocation.asking():
            asked = stream.getvalue()
        assert asked.rindex("\x1b[?25h") > asked.rindex("\x1b[?25l")
        with invocation.asking():
            assert stream.getvalue().count("\x1b[?25h") == 2
    with invocation.asking():
        assert stream.getvalue().count("\x1b[?25h") == 3, "nothing is drawn any more"


def test_the_total_says_what_time_is_left() -> None:
    clock = Clock()
    bars = Bars(io.StringIO(), clock, colours=False, live=False)
    bars.report(Planned("t", (Piece("a", size=100_000_000),)))
    bars.report(Advanced("t", "a", State.MOVING))
    bars.rows()
    clock.now = 5.0
    bars.report(Advanced("t", "a", State.MOVING, 50_000_000))
    rows = bars.rows()
    bars.close()

    assert rows[-1].note == "10.0 MB/s  5.0 s left"


def test_bars_do_not_pretend_to_know_a_total_that_nobody_knows() -> None:
    bars = Bars(io.StringIO(), Clock(), colours=False, live=False)
    bars.report(Advanced("t", "a", State.MOVING, 5_000_000))
    rows = bars.rows()
    bars.close()

    assert [row.total for row in rows] == [None, None]


def test_speed_is_that_of_the_last_seconds() -> None:
    speed = Speed(window=2)
    seen = [speed.at(now, moved) for now, moved in [(0.0, 0), (1.0, 10), (2.0, 20), (3.0, 20), (4.0, 20), (5.0, 20)]]

    assert seen[:3] == [0, 10, 10]
    assert seen[-1] == 0
    assert seconds_left(100, 10) == 10
    assert seconds_left(None, 10) is None
    assert seconds_left(100, 0) is None


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("mode", "terminal", "environment", "quiet", "expected"),
    [
        ("auto", True, {"TERM": "xterm"}, False, Bars),
        ("auto", True, {"TERM": "dumb"}, False, PlainLines),
        ("auto", True, {"TERM": "xterm", "CI": "true"}, False, PlainLines),
        ("auto", False, {"TERM": "xterm"}, False, PlainLines),
        ("auto", True, {"TERM": "xterm"}, True, Silent),
        ("tty", False, {}, False, Bars),
        ("plain", True, {"TERM": "xterm"}, False, PlainLines),
        ("json", True, {"TERM": "xterm"}, True, JsonLines),
        ("none", True, {"TERM": "xterm"}, False, Silent),
    ],
)
def test_progress_is_shown_as_the_terminal_and_the_flags_ask(
    mode: str, terminal: bool, environment: dict[str, str], quiet: bool, expected: type
) -> None:
    stderr = Terminal() if terminal else io.StringIO()
    console = Console(Streams(io.BytesIO(), io.StringIO(), stderr), environment)
    console.wishes.quiet = quiet

    shown = renderer(mode, console)
    shown.close()

    assert type(shown) is expected


def test_an_unknown_way_of_showing_progress_is_refused() -> None:
    with pytest.raises(ProgressUnknown):
        renderer("loud", Console(Streams(io.BytesIO(), io.StringIO(), io.StringIO()), {}))
