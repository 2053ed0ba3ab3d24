"""Image events: what the trail says was done, told again from a moment on, and live."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.services.access import Actor, Denied, Grant
from lading.services.audit.audit import Deed, Result
from lading.services.environment_images import ImageEvent
from lading.services.environments.environment import ConnectionType, Environment, Events, TellsEvents
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.environments.image_events import MOST_FOLLOWERS, ImageEvents, TooManyFollow
from lading.services.environments.records import EnvironmentRow
from lading.wire.message import Cancel
from tests.fakes.people import NOW, People, people

HERE, ELSEWHERE = 1, 2
CANCEL = Cancellation()
ANYBODY = Actor("ann", (Grant(frozenset({"images:view"})),), 7)
ID = "sha256:" + "a" * 64
OTHER = "sha256:" + "1" * 64


@dataclass(frozen=True, slots=True)
class Place:
    """Fulfils Followed."""

    host: TellsEvents | None = None
    id: int = HERE

    def events(self, since: float | None, until: float | None, cancel: Cancel) -> Events | None:
        return None if self.host is None else self.host.events(since, until, cancel)


EMBEDDED = Place()


class Host:
    """Fulfils TellsEvents: tells these, and is silent then until it is given up."""

    def __init__(self, *events: ImageEvent | None) -> None:
        self._told, self.asked, self.over = events, list[tuple[float | None, float | None]](), threading.Event()
        self.silent = threading.Event()

    def events(self, since: float | None, until: float | None, cancel: Cancel) -> Events:
        self.asked.append((since, until))
        return self._silent_in_the_end(cancel)

    def _silent_in_the_end(self, cancel: Cancel) -> Events:
        try:
            yield from self._told
            given_up = threading.Event()
            with cancel.closing(given_up.set):
                self.silent.set()
                assert given_up.wait(20)
            cancel.check()
        finally:
            self.over.set()


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
    found = events.follow(actor, EMBEDDED, NOW - 1, NOW + 1, CANCEL)
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

    found = events.follow(ANYBODY, EMBEDDED, NOW - 1, NOW + 1, CANCEL)

    assert next(each.told for each in found if each) == {"reclaimed": "4711"}


@pytest.mark.parametrize("result", [each for each in Result if each is not Result.DONE])
def test_only_what_was_done_is_told(all_: People, events: ImageEvents, result: Result) -> None:
    record(all_, deed("pull", "a"), result=result)

    assert told(all_, events) == []


def test_since_and_until_are_moments(all_: People, events: ImageEvents) -> None:
    for moment in (10.0, 20.0, 30.0):
        all_.clock.now = NOW + moment
        record(all_, deed("pull", f"a:{moment:g}"))

    found = events.follow(ANYBODY, EMBEDDED, NOW + 15, NOW + 30, CANCEL)

    assert list(found) == [ImageEvent("pull", "a:20", "a:20", NOW + 20)]


def test_nothing_from_before_is_told_where_nobody_asked(all_: People, events: ImageEvents) -> None:
    record(all_, deed("pull", "before"))
    found = events.follow(ANYBODY, EMBEDDED, None, None, CANCEL)
    record(all_, deed("pull", "after"))

    first = next(each for each in found if each)
    assert first.name == "after:latest"


def test_what_is_done_while_following_is_told_at_once(all_: People, events: ImageEvents) -> None:
    found = events.follow(ANYBODY, EMBEDDED, NOW - 1, None, CANCEL)
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
    found = events.follow(ANYBODY, EMBEDDED, None, None, CANCEL)
    assert next(found) is None

    all_.trail.send_away()

    assert list(found) == []


def test_more_than_one_piece_comes_in_order_and_once(all_: People, events: ImageEvents) -> None:
    names = [f"a:{count}" for count in range(450)]
    half = [deed("pull", name) for name in names[:225]]
    record(all_, *half)
    found = events.follow(ANYBODY, EMBEDDED, NOW - 1, NOW + 1, CANCEL)
    seen = [each.name for each in (next(found), next(found)) if each]
    record(all_, *[deed("pull", name) for name in names[225:]])
    all_.clock.now = NOW + 2

    assert [*seen, *(each.name for each in found if each)] == names


def test_names_are_told_to_those_who_may_see_them(all_: People, events: ImageEvents) -> None:
    team = Actor("bob", (Grant(frozenset({"images:view"}), None, ("team/*",)),), 8)
    deeds = [deed("pull", "docker.io/team/a"), deed("pull", "b"), deed("remove", ID, imageId=ID, deleted=[ID])]

    assert told(all_, events, *deeds, actor=team) == [("pull", "team/a:latest", "team/a:latest")]


def test_who_may_see_no_image_is_refused_at_once(all_: People, events: ImageEvents) -> None:
    eve = Actor("eve", (Grant(frozenset({"audit:view"})),), 9)
    row = EnvironmentRow(HERE, "dock", ConnectionType.SOCKET)

    def nobody() -> Environment:
        raise AssertionError("who may not is not led there")

    with pytest.raises(Denied):
        events.follow(eve, GuardedEnvironment(eve, row, all_.trail, nobody), None, None, CANCEL)

    assert all_.said == [("view", "image", "denied")]


def test_who_goes_away_is_told_nothing_more(all_: People, events: ImageEvents) -> None:
    found = events.follow(ANYBODY, EMBEDDED, None, None, CANCEL)
    assert next(found) is None
    found.close()

    record(all_, deed("pull", "a"))
    assert list(found) == []


def done(name: str, action: str = "pull") -> ImageEvent:
    return ImageEvent(action, name or ID, name, NOW)


def test_what_a_host_tells_is_told(events: ImageEvents) -> None:
    host = Host(done("a:1"), None, done("", "delete"))

    found = events.follow(ANYBODY, Place(host), NOW - 5, NOW + 5, CANCEL)

    assert [next(found) for _ in range(3)] == [done("a:1"), None, done("", "delete")]
    assert host.asked == [(NOW - 5, NOW + 5)]
    found.close()
    assert host.over.is_set()


def test_what_a_host_tells_is_told_to_those_who_may_see_it(events: ImageEvents) -> None:
    team = Actor("bob", (Grant(frozenset({"images:view"}), None, ("team/*",)),), 8)
    host = Host(done("b:1"), done("team/a:1"), done("", "delete"), None)

    found = events.follow(team, Place(host), None, None, CANCEL)

    assert [next(found), next(found)] == [done("team/a:1"), None]
    found.close()


def test_following_a_silent_host_ends_with_the_process(all_: People, events: ImageEvents) -> None:
    host = Host()
    found, rest = events.follow(ANYBODY, Place(host), None, None, CANCEL), list[ImageEvent | None]()
    thread = threading.Thread(target=lambda: rest.extend(found))
    thread.start()
    assert host.silent.wait(20)

    all_.trail.send_away()

    thread.join(20)
    assert host.over.is_set()
    assert rest == []


def test_a_host_is_asked_before_the_first_event_is_taken(events: ImageEvents) -> None:
    host = Host()

    events.follow(ANYBODY, Place(host), None, None, CANCEL).close()

    assert host.asked == [(None, None)]


def test_nobody_is_waited_for_once_the_process_ends(all_: People, events: ImageEvents) -> None:
    all_.trail.send_away()

    assert list(events.follow(ANYBODY, Place(Host()), None, None, CANCEL)) == []


def test_who_hangs_up_ends_the_question_to_a_silent_host(events: ImageEvents) -> None:
    host, cancel, raised = Host(), Cancellation(), list[BaseException]()
    found = events.follow(ANYBODY, Place(host), None, None, cancel)

    def follow() -> None:
        try:
            next(found)
        except Cancelled as error:
            raised.append(error)

    thread = threading.Thread(target=follow)
    thread.start()
    assert host.silent.wait(20)

    cancel.cancel()

    thread.join(20)
    assert host.over.is_set()
    assert len(raised) == 1


def test_a_host_is_followed_by_so_many_at_a_time(events: ImageEvents) -> None:
    def follow(environment: int = HERE) -> Events:
        found = events.follow(ANYBODY, Place(Host(None), environment), None, None, CANCEL)
        assert next(found) is None
        return found

    following = [follow() for _ in range(MOST_FOLLOWERS)]
    with pytest.raises(TooManyFollow):
        follow()
    elsewhere = follow(ELSEWHERE)

    following.pop().close()

    for each in (follow(), elsewhere, *following):
        each.close()


def test_who_comes_at_the_same_moment_is_one_too_many_as_well(events: ImageEvents) -> None:
    place = Place(Host(None))
    came = [events.follow(ANYBODY, place, None, None, CANCEL) for _ in range(MOST_FOLLOWERS + 1)]
    for each in came[1:]:
        next(each)

    with pytest.raises(TooManyFollow):
        next(came[0])
    for each in came:
        each.close()
