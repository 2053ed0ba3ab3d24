"""Image events: what the trail says was done, told again from a moment on, and live."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.services.access import Actor, Denied, Grant
from lading.services.audit import Deed, Result
from lading.services.image_events import ImageEvent, ImageEvents
from tests.fakes.people import NOW, People, people

HERE, ELSEWHERE = 1, 2
ANYBODY = Actor("ann", (Grant(frozenset({"images:view"})),), 7)
ID = "sha256:" + "a" * 64
OTHER = "sha256:" + "1" * 64


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


@pytest.fixture
def events(all_: People) -> ImageEvents:
    return ImageEvents(all_.database.audit, all_.trail, all_.clock)


def deed(action: str, name: str, environment: int = HERE, **details: object) -> Deed:
    return Deed(action, "image", name, name, environment, details)


def record(all_: People, *deeds: Deed, result: Result = Result.DONE) -> None:
    for each in deeds:
        all_.trail.record(ANYBODY, each, result)


def told(all_: People, events: ImageEvents, *deeds: Deed, actor: Actor = ANYBODY) -> list[tuple[str, str, str]]:
    """Action, id and name of what is replayed of these."""
    record(all_, *deeds)
    found = events.follow(actor, HERE, NOW - 1, NOW + 1)
    all_.clock.now = NOW + 2
    return [(each.action, each.id, each.name) for each in found if each is not None]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (deed("pull", "docker.io/library/alpine"), [("pull", "alpine:latest", "alpine:latest")]),
        (deed("pull", "alpine", imageId=ID), [("pull", "alpine:latest", "alpine:latest")]),
        (deed("push", "r.example/a:1", targetTag="r.example/a:1"), [("push", "r.example/a:1", "r.example/a:1")]),
        (deed("tag", "a:1", target="docker.io/b/c:2", imageId=ID), [("tag", ID, "b/c:2")]),
        (
            deed("remove", "a:1", imageId=ID, untagged=["docker.io/library/a:1"], deleted=[ID]),
            [("untag", ID, "a:1"), ("delete", ID, "")],
        ),
        (deed("remove", "a:1", imageId=ID, untagged=["a:1", f"a@{ID}"]), [("untag", ID, "a:1")]),
        (deed("remove", "a", imageId=ID, untagged=[f"a@{ID}"]), [("untag", ID, f"a@{ID}")]),
        (deed("prune", "", untagged=[], deleted=[ID]), [("delete", ID, ""), ("prune", "", "")]),
        (
            deed("import", "archive", images=["a:1", "b:2"], imageIds=[ID, OTHER]),
            [("load", ID, "a:1"), ("load", OTHER, "b:2")],
        ),
        (deed("import", "archive", images=["a:1", "b:2"]), [("load", "a:1", "a:1"), ("load", "b:2", "b:2")]),
        (deed("import", "docker.io/library/a:1", imageId=ID), [("tag", ID, "a:1"), ("import", ID, "a:1")]),
        (deed("import", "", imageId=ID), [("import", ID, "")]),
        (deed("import", "archive"), [("load", "", "")]),
        (deed("remove", "x", imageId=ID, untagged=["<none>", "a:1"]), [("untag", ID, ""), ("untag", ID, "a:1")]),
        (deed("export", "a:1,b:2"), [("save", "a:1", "a:1"), ("save", "b:2", "b:2")]),
        (deed("export", "a:1,b:", images=["a:1", "b:2"]), [("save", "a:1", "a:1"), ("save", "b:2", "b:2")]),
        (deed("view", "a:1"), []),
        (replace(deed("create", "x"), entity_type="user"), []),
        (deed("pull", "alpine", ELSEWHERE), []),
    ],
)
def test_deeds_are_told_in_dockers_words(
    all_: People, events: ImageEvents, given: Deed, expected: list[tuple[str, str, str]]
) -> None:
    assert told(all_, events, given) == expected


def test_a_prune_tells_what_came_free(all_: People, events: ImageEvents) -> None:
    record(all_, deed("prune", "", reclaimed=4711))

    found = events.follow(ANYBODY, HERE, NOW - 1, NOW + 1)

    assert next(each.told for each in found if each) == {"reclaimed": "4711"}


@pytest.mark.parametrize("result", [each for each in Result if each is not Result.DONE])
def test_only_what_was_done_is_told(all_: People, events: ImageEvents, result: Result) -> None:
    record(all_, deed("pull", "a"), result=result)

    assert told(all_, events) == []


def test_since_and_until_are_moments(all_: People, events: ImageEvents) -> None:
    for moment in (10.0, 20.0, 30.0):
        all_.clock.now = NOW + moment
        record(all_, deed("pull", f"a:{moment:g}"))

    found = events.follow(ANYBODY, HERE, NOW + 15, NOW + 30)

    assert list(found) == [ImageEvent("pull", "a:20", "a:20", NOW + 20)]


def test_nothing_from_before_is_told_where_nobody_asked(all_: People, events: ImageEvents) -> None:
    record(all_, deed("pull", "before"))
    found = events.follow(ANYBODY, HERE, None, None)
    record(all_, deed("pull", "after"))

    first = next(each for each in found if each)
    assert first.name == "after:latest"


def test_what_is_done_while_following_is_told_at_once(all_: People, events: ImageEvents) -> None:
    found = events.follow(ANYBODY, HERE, NOW - 1, None)
    record(all_, deed("pull", "first"))
    waiting, names = threading.Event(), [each.name for each in (next(found),) if each]

    def follow() -> None:
        for each in found:
            if each is None:
                waiting.set()
            else:
                names.append(each.name)
                return

    thread = threading.Thread(target=follow)
    thread.start()
    assert waiting.wait(20)
    record(all_, deed("pull", "second"))
    thread.join(20)

    assert names == ["first:latest", "second:latest"]


def test_following_ends_with_the_process(all_: People, events: ImageEvents) -> None:
    found = events.follow(ANYBODY, HERE, None, None)
    assert next(found) is None

    all_.trail.send_away()

    assert list(found) == []


def test_more_than_one_piece_comes_in_order_and_once(all_: People, events: ImageEvents) -> None:
    names = [f"a:{count}" for count in range(450)]
    half = [deed("pull", name) for name in names[:225]]
    record(all_, *half)
    found = events.follow(ANYBODY, HERE, NOW - 1, NOW + 1)
    seen = [each.name for each in (next(found), next(found)) if each]
    record(all_, *[deed("pull", name) for name in names[225:]])
    all_.clock.now = NOW + 2

    assert [*seen, *(each.name for each in found if each)] == names


def test_names_are_told_to_those_who_may_see_them(all_: People, events: ImageEvents) -> None:
    team = Actor("bob", (Grant(frozenset({"images:view"}), None, ("team/*",)),), 8)
    deeds = [deed("pull", "docker.io/team/a"), deed("pull", "b"), deed("remove", ID, imageId=ID, deleted=[ID])]

    assert told(all_, events, *deeds, actor=team) == [("pull", "team/a:latest", "team/a:latest")]


def test_who_may_see_no_image_is_refused_at_once(all_: People, events: ImageEvents) -> None:
    with pytest.raises(Denied):
        events.follow(Actor("eve", (Grant(frozenset({"audit:view"})),), 9), HERE, None, None)

    assert all_.said == [("view", "image", "denied")]


def test_who_goes_away_is_told_nothing_more(all_: People, events: ImageEvents) -> None:
    found = events.follow(ANYBODY, HERE, None, None)
    assert next(found) is None
    found.close()

    record(all_, deed("pull", "a"))
    assert list(found) == []
