"""Lines and ticks: what a job tells of a transfer, in Docker's words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.digest import Digest
from lading.wire.docker_words import Verb
from lading.wire.job_events import Fold
from lading.wire.ledger import TICK_SECONDS, Ledger
from lading.wire.progress import Advanced, Event, Held, Kind, Noted, Piece, Planned, State, Tagged
from tests.fakes.progress_fixture import read_events, read_totals

TARGET = "registry.example/app:1"
LAYER = "sha256:" + "ab" * 32
SHORT = "abababababab"
SIZE = 10_000_000


def planned(*ids: str, target: str = TARGET, kind: Kind = Kind.LAYER) -> Planned:
    return Planned(target, tuple(Piece(id, kind, SIZE) for id in ids or (LAYER,)))  # noqa: A001


def advanced(
    state: State,
    current: int = 0,
    *,
    id: str = LAYER,  # noqa: A002
    detail: str = "",
    seconds: float | None = None,
    target: str = TARGET,
) -> Advanced:
    return Advanced(target, id, state, current, SIZE, 0, detail, seconds)


def statuses(fold: Fold, *events: Event) -> list[object]:
    return [line["status"] for event in events for line in fold.apply(event)]


MOVE = (advanced(State.CHECKING), advanced(State.MOVING), advanced(State.MOVING, 5), advanced(State.COMMITTING, SIZE))
WORDS: list[tuple[Verb, Sequence[Event], list[str]]] = [
    (Verb.PUSH, (planned(), *MOVE, advanced(State.DONE, SIZE)), ["Preparing", "Pushing", "Pushed"]),
    (Verb.PUSH, (planned(), advanced(State.EXISTS, SIZE)), ["Preparing", "Layer already exists"]),
    (
        Verb.PUSH,
        (planned(), advanced(State.MOUNTED, SIZE, detail="acme/base")),
        ["Preparing", "Mounted from acme/base"],
    ),
    (
        Verb.PUSH,
        (planned(), advanced(State.MOVING), advanced(State.RETRYING, seconds=1.2), advanced(State.MOVING)),
        ["Preparing", "Pushing", "Retrying in 2 seconds", "Pushing"],
    ),
    (Verb.PUSH, (planned(), advanced(State.MOVING), advanced(State.FAILED, 3)), ["Preparing", "Pushing"]),
    (Verb.PUSH, (planned(), advanced(State.WAITING)), ["Preparing", "Waiting"]),
    (
        Verb.PULL,
        (planned(), *MOVE, advanced(State.DONE, SIZE)),
        ["Pulling fs layer", "Downloading", "Verifying Checksum", "Download complete", "Pull complete"],
    ),
    (
        Verb.PULL,
        (planned(), *MOVE, advanced(State.UNPACKING), advanced(State.UNPACKING, 7), advanced(State.DONE, SIZE)),
        ["Pulling fs layer", "Downloading", "Verifying Checksum", "Download complete", "Extracting", "Pull complete"],
    ),
    (Verb.PULL, (planned(), advanced(State.EXISTS, SIZE)), ["Pulling fs layer", "Already exists"]),
]


@pytest.mark.parametrize(("verb", "events", "words"), WORDS)
def test_a_layer_is_told_in_dockers_words(verb: Verb, events: Sequence[Event], words: list[str]) -> None:
    assert statuses(Fold.of(verb), *events) == words


def test_a_layer_that_was_never_planned_begins_like_one_that_was() -> None:
    """A daemon names its layers as it goes."""
    assert statuses(Fold.of(Verb.PUSH), advanced(State.CHECKING, id="5f70bf18a086")) == ["Preparing"]


def test_a_line_has_dockers_fields() -> None:
    fold = Fold.of(Verb.PUSH)
    (prepared,) = fold.apply(planned())
    (pushing,) = fold.apply(advanced(State.MOVING, 5_000_000))

    assert prepared == {"id": SHORT, "status": "Preparing", "progressDetail": {}, "size": SIZE}
    assert pushing == {
        "id": SHORT,
        "status": "Pushing",
        "progressDetail": {"current": 5_000_000, "total": SIZE},
        "progress": f"[{'=' * 25}>{' ' * 25}]      5MB/10MB",
    }


def test_what_made_a_layer_is_told_once() -> None:
    fold = Fold.of(Verb.PULL)
    (prepared,) = fold.apply(Planned("t", (Piece(LAYER, size=SIZE, label="RUN make"),)))
    (waiting,) = fold.apply(Advanced("t", LAYER, State.WAITING))

    assert (prepared["size"], prepared["label"]) == (SIZE, "RUN make")
    assert not {"size", "label"} & waiting.keys()


def test_a_daemons_count_down_is_one_state() -> None:
    fold = Fold.of(Verb.PUSH)
    fold.apply(planned())
    told = statuses(fold, *(advanced(State.RETRYING, seconds=left) for left in (5, 4, 3, 2, 1, 10)))

    assert told == ["Retrying in 5 seconds", "Retrying in 10 seconds"]


def test_layers_beyond_the_lanes_wait() -> None:
    fold = Fold(Verb.PUSH, lanes=2)
    fold.apply(planned("a", "b", "c"))

    assert statuses(fold, advanced(State.MOVING, id="a")) == ["Pushing"]
    assert statuses(fold, advanced(State.MOVING, id="b")) == ["Pushing", "Waiting"]
    assert statuses(fold, advanced(State.DONE, id="a"), advanced(State.MOVING, id="c")) == ["Pushed", "Pushing"]


def test_only_layers_have_lines_and_all_pieces_count() -> None:
    fold = Fold.of(Verb.PUSH)

    assert not statuses(fold, planned("config", kind=Kind.CONFIG), advanced(State.MOVING, 7, id="config"))
    assert fold.totals()["sent"] == 7


def test_a_second_target_is_named() -> None:
    fold = Fold.of(Verb.PUSH)
    first, second = (fold.apply(planned(target=target))[0] for target in ("a", "b"))

    assert "target" not in first
    assert second["target"] == "b"


def test_what_is_about_no_layer_is_told_too() -> None:
    fold, digest = Fold.of(Verb.PUSH), Digest.parse(LAYER)
    lines = [fold.apply(event) for event in (Tagged("t", "1", digest, 5), Noted("t", "n"), Held("h", "slow", 9.0))]

    assert [line["status"] for (line,) in lines] == ["tagged", "note", "held"]
    assert lines[0][0]["message"] == f"1: digest: {LAYER} size: 5"


def test_a_tick_tells_of_all_that_moved_and_of_nothing_twice() -> None:
    fold = Fold.of(Verb.PUSH)
    fold.apply(planned("a", "b", "c"))
    for piece in ("a", "b"):
        fold.apply(advanced(State.MOVING, 5, id=piece))

    assert fold.due(100.0)
    tick = fold.tick(100.0)
    assert [layer["id"] for layer in layers(tick)] == ["a", "b"]
    assert tick["progress"] == fold.totals()
    assert not fold.due(101.0)

    fold.apply(advanced(State.MOVING, 6, id="b"))
    assert not fold.due(100.0 + TICK_SECONDS / 2)
    assert fold.due(100.0 + TICK_SECONDS)
    assert [layer["id"] for layer in layers(fold.tick(101.0))] == ["b"]


def test_a_tick_that_is_a_little_late_does_not_put_off_the_next_and_a_very_late_one_hurries_none() -> None:
    fold = Fold.of(Verb.PUSH)
    fold.apply(planned())

    def next_tick_after(moment: float) -> float:
        fold.apply(advanced(State.MOVING, 5))
        fold.tick(moment)
        fold.apply(advanced(State.MOVING, 6))
        return next(at for at in (moment + part * TICK_SECONDS / 10 for part in range(1, 20)) if fold.due(at))

    assert next_tick_after(100.0) == pytest.approx(100.0 + TICK_SECONDS)
    assert next_tick_after(100.0 + 1.4 * TICK_SECONDS) == pytest.approx(100.0 + 2 * TICK_SECONDS)
    assert next_tick_after(200.0) == pytest.approx(200.0 + TICK_SECONDS)


def test_a_layer_that_has_ended_is_in_no_tick() -> None:
    fold = Fold.of(Verb.PUSH)
    fold.apply(planned())
    fold.apply(advanced(State.MOVING, 5))
    fold.apply(advanced(State.DONE, SIZE))

    assert fold.tick(100.0)["layers"] == []


def test_the_last_layers_end_is_in_the_totals_at_once_because_nothing_may_come_for_long() -> None:
    fold = Fold.of(Verb.LOAD)
    fold.apply(planned("a", "b"))
    for each in "ab":
        fold.apply(advanced(State.MOVING, 5, id=each))
    fold.tick(100.0)
    fold.apply(advanced(State.DONE, SIZE, id="a"))
    assert not fold.due(100.1), "another layer still moves, and its next tick tells of this one too"
    fold.apply(advanced(State.DONE, SIZE, id="b"))

    assert fold.due(100.1)
    assert fold.tick(100.1)["progress"] == fold.totals()
    assert not fold.due(200.0)


def test_ticks_of_ends_do_not_put_off_those_of_what_moves() -> None:
    fold = Fold.of(Verb.PUSH)
    fold.apply(planned("a", "b", "c"))
    for at, each in ((100.0, "a"), (100.01, "b")):
        fold.apply(advanced(State.EXISTS, SIZE, id=each))
        assert fold.due(at)
        fold.tick(at)
    fold.apply(advanced(State.MOVING, 5, id="c"))

    assert fold.due(100.0 + TICK_SECONDS)


def test_who_comes_late_is_told_where_each_layer_stands() -> None:
    fold = Fold.of(Verb.PUSH)
    fold.apply(planned("a", "b"))
    fold.apply(advanced(State.MOVING, 5, id="a"))

    assert [line["status"] for line in fold.standing()] == ["Pushing", "Preparing"]
    assert [line["id"] for line in fold.moving()] == ["a"]


def test_the_fixture_of_all_forms_of_progress_comes_to_its_totals() -> None:
    fold = Fold.of(Verb.PUSH)
    for event in read_events():
        fold.apply(event)

    expected = read_totals()
    assert fold.totals()["sent"] == expected.sent
    assert fold.totals()["left"] == expected.left


EVENTS = st.lists(
    st.one_of(
        st.builds(lambda ids: planned(*ids), st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True)),
        st.builds(
            lambda state, current, id, seconds: advanced(state, current, id=id, seconds=seconds),  # noqa: A006
            st.sampled_from(list(State)),
            st.integers(0, SIZE),
            st.sampled_from("abcd"),
            st.none() | st.floats(0, 60),
        ),
    ),
    max_size=60,
)


@given(EVENTS, st.sampled_from(list(Verb)))
def test_no_order_of_events_repeats_a_line_or_loses_a_count(events: list[Event], verb: Verb) -> None:
    fold, ledger, last = Fold.of(verb), Ledger(), dict[object, object]()
    for event in events:
        ledger.apply(event)
        for line in fold.apply(event):
            assert last.get(line["id"]) != line["status"], "a line is a change of state"
            last[line["id"]] = line["status"]

    assert {line["id"]: line["status"] for line in fold.standing()} == last
    assert fold.totals()["sent"] == ledger.totals().sent


def layers(tick: dict[str, object]) -> list[dict[str, object]]:
    found = tick["layers"]
    assert isinstance(found, list)
    return found
