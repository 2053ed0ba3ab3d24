"""What of a job is told to Docker's clients, and when something is told that says nothing new."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest

from lading.fronts.docker_api.following import QUIET_SECONDS, Heard
from lading.fronts.docker_api.streams import Layers
from lading.wire.docker_lines import BLANK_LINE
from lading.wire.docker_words import Verb

COUNTS = {"current": 1, "total": 2}


class Ticking:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def line(status: str, layer: str = "aaa", counts: Mapping[str, int] | None = None) -> dict[str, object]:
    text = {"progress": "[=>  ] 1B/2B"} if counts else {}
    return {"id": layer, "status": status, "progressDetail": counts or {}, **text}


def told(verb: Verb, *lines: Heard) -> list[tuple[str, str]]:
    """Layer and status of each line that is told."""
    layers = Layers(verb, Ticking())
    written = b"".join(layers.lines(lines)) + layers.rest()
    return [(each["id"], each["status"]) for each in map(json.loads, written.splitlines()) if "id" in each]


def test_what_is_here_is_told_without_being_planned() -> None:
    plan = [line("Pulling fs layer", layer) for layer in "ab"]

    assert told(Verb.PULL, *plan, line("Already exists", "a"), line("Downloading", "b", COUNTS)) == [
        ("a", "Already exists"),
        ("b", "Pulling fs layer"),
        ("b", "Downloading"),
    ]


def test_a_push_tells_its_plan_at_once() -> None:
    layers = Layers(Verb.PUSH, Ticking())

    assert json.loads(layers.line(line("Preparing"))) == {"status": "Preparing", "progressDetail": {}, "id": "aaa"}


def test_only_layers_that_move_have_bytes() -> None:
    layers = Layers(Verb.PULL, Ticking())

    assert json.loads(layers.line(line("Downloading", counts=COUNTS)))["progressDetail"] == COUNTS
    assert json.loads(layers.line(line("Verifying Checksum", counts=COUNTS)))["progressDetail"] == {}


def test_the_same_line_is_not_told_twice() -> None:
    assert told(Verb.PULL, *[line("Verifying Checksum", counts=COUNTS)] * 3) == [("aaa", "Verifying Checksum")]


@pytest.mark.parametrize(
    ("detail", "word"),
    [("127.0.0.1:5000/team/base", "team/base"), ("docker.io/library/x", "library/x"), ("team/base", "team/base")],
)
def test_a_mount_is_told_by_its_path(detail: str, word: str) -> None:
    assert told(Verb.PUSH, line(f"Mounted from {detail}")) == [("aaa", f"Mounted from {word}")]


@pytest.mark.parametrize(
    "general",
    [{"status": "tagging", "message": "Tagging image..."}, {"status": "note", "message": "x"}, {}, {"id": "a"}],
)
def test_what_is_about_the_whole_is_not_told(general: dict[str, object]) -> None:
    assert Layers(Verb.PUSH, Ticking()).line(general) == b""


def test_a_rate_limit_is_told() -> None:
    held = {"status": "held", "message": "Waiting for registry.example: it asks to wait"}

    assert json.loads(Layers(Verb.PULL, Ticking()).line(held)) == {"status": held["message"]}


def spoken(*each: tuple[float, Heard], verb: Verb = Verb.PUSH) -> list[bytes]:
    """What is written where these are told, each at its time."""
    clock = Ticking()

    def telling() -> Iterator[Heard]:
        for at, what in each:
            clock.now = at
            yield what

    return list(Layers(verb, clock).lines(telling()))


def test_silence_is_broken_by_the_last_layer_that_counts() -> None:
    pushing = line("Pushing", counts=COUNTS)

    first, again = spoken((0, pushing), (0.1, None), (QUIET_SECONDS, None), (0.5, None))

    assert first == again
    assert json.loads(again)["progressDetail"] == COUNTS


def test_silence_is_broken_by_nothing_where_nothing_counts() -> None:
    assert spoken((0, line("Pushing", counts=COUNTS)), (0.1, line("Pushed")), (1, None))[-1] == BLANK_LINE
    assert spoken((1, {"status": "note", "message": "x"})) == [BLANK_LINE]


def test_seconds_are_counted_down() -> None:
    told = spoken((0, line("Retrying in 3 seconds")), (0.5, None), (1.1, None), (2.2, None), (9, None))

    assert [json.loads(each)["status"] if each.strip() else "" for each in told] == [
        "Retrying in 3 seconds",
        "",
        "Retrying in 2 seconds",
        "Retrying in 1 second",
        "",
    ]


def test_what_was_held_back_is_told_after_a_silence() -> None:
    plan = line("Pulling fs layer")

    assert [json.loads(each)["status"] for each in spoken((0, plan), (1, None), verb=Verb.PULL)] == ["Pulling fs layer"]


def test_a_scan_is_told_by_its_beginning_and_its_end() -> None:
    layers = Layers(Verb.PULL, Ticking())
    begun = {"status": "scanning", "message": "Starting vulnerability scan..."}
    progress = {"status": "scan-progress", "stage": "analyzing", "message": "Analyzing image layers", "progress": 45}
    complete = {"status": "scan-complete", "message": "Scan complete - found 12 vulnerabilities", "results": []}

    assert json.loads(layers.line(begun)) == {"status": begun["message"]}
    assert layers.line(progress) == b""
    assert json.loads(layers.line(complete)) == {"status": complete["message"]}
