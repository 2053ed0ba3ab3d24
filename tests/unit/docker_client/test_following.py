"""A Docker host's events, as whoever follows them sees them: without a gap and without a repetition."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.faults import DaemonUnreachable
from lading.backends.docker_client.naming import Names
from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.services.environment_images import ImageEvent
from lading.services.environments.environment import TellsEvents
from lading.wire.docker_lines import LinesBroken
from lading.wire.message import BytesReader, Cancel, ConnectFailed, ConnectionLost, Request, Response, Stalled

CANCEL = Cancellation()
ID = "sha256:" + "1" * 64
NOW = 1_766_000_000


def line(action: str, nanoseconds: int, name: str = "app:1", type: str = "image") -> bytes:  # noqa: A002  the event's
    actor = {"ID": ID, "Attributes": {"name": name, "label": "x"}}
    told = {"Type": type, "Action": action, "Actor": actor, "time": NOW, "timeNano": NOW * 10**9 + nanoseconds}
    return json.dumps(told).encode() + b"\n"


class Ending:
    """A Reader over bytes that ends as it is told to."""

    def __init__(self, content: bytes, end: LadingError | None) -> None:
        self._bytes, self._end, self.closed = BytesReader(content), end, False

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._bytes.readinto(buffer[:7])
        if not count and self._end is not None:
            raise self._end
        return count

    def close(self) -> None:
        self.closed = True


class Daemon:
    """Fulfils Transport: answers each question for events with the next of these."""

    def __init__(self, *answers: Ending | LadingError, info: dict[str, object] | None = None) -> None:
        self._answers = list(answers)
        self._info = {"SystemTime": "2025-12-17T19:33:20.000000005Z"} if info is None else info
        self.asked: list[dict[str, list[str]]] = []

    def send(self, request: Request, _cancel: Cancel, _passed: object = None) -> Response:
        url = urlsplit(request.url)
        if url.path == "/_ping":
            return Response(200, {"api-version": "1.41"}, b"OK")
        if url.path == "/v1.41/info":
            return Response(200, {}, json.dumps(self._info).encode())
        assert (request.method, url.path, request.streamed) == ("GET", "/v1.41/events", True)
        self.asked.append(parse_qs(url.query))
        answer = self._answers.pop(0)
        if isinstance(answer, LadingError):
            raise answer
        return Response(200, {}, stream=answer)

    @property
    def since(self) -> list[str | None]:
        return [each.get("since", [None])[0] for each in self.asked]


def environment(daemon: Daemon) -> DockerEnvironment:
    return DockerEnvironment(daemon, "http://docker", "dock", lambda *_: None, Names())


def told(daemon: Daemon, since: float | None = None, until: float | None = None) -> list[str | None]:
    found = environment(daemon).events(since, until, CANCEL)
    return [None if each is None else f"{each.action} {each.name}" for each in found]


def test_a_docker_host_is_one_that_tells_events() -> None:
    assert isinstance(environment(Daemon()), TellsEvents)


def test_an_event_has_what_the_host_says_of_it() -> None:
    daemon = Daemon(Ending(line("tag", 7, "r.example/app:1"), None))

    (event,) = environment(daemon).events(None, None, CANCEL)

    attributes = {"name": "r.example/app:1", "label": "x"}
    exact = NOW * 10**9 + 7
    assert event == ImageEvent("tag", ID, "r.example/app:1", exact / 1e9, attributes, nanoseconds=exact)


@pytest.mark.parametrize("called", [ID, "", "Not a name", ID[:19]])
def test_what_is_called_by_its_id_has_no_name(called: str) -> None:
    assert told(Daemon(Ending(line("untag", 1, called), None))) == ["untag "]


def test_only_images_are_told_of() -> None:
    content = line("create", 1, type="container") + line("pull", 2)

    daemon = Daemon(Ending(content, None))

    assert told(daemon) == ["pull app:1"]
    assert daemon.asked == [{"since": [f"{NOW}.000000005"], "filters": ['{"type":["image"]}']}]


def test_moments_are_handed_on() -> None:
    daemon = Daemon(Ending(b"", None))

    told(daemon, NOW + 0.25, NOW + 1)

    assert daemon.asked[0]["since"] == [f"{NOW}.250000000"]
    assert daemon.asked[0]["until"] == [f"{NOW + 1}.000000000"]


def test_after_silence_it_goes_on_where_it_was() -> None:
    silent = Stalled("dock", 20)
    first, second = line("pull", 7) + line("tag", 9), line("tag", 9) + line("tag", 9, "other:1") + line("push", 11)
    daemon = Daemon(Ending(first, silent), Ending(second, None))

    assert told(daemon) == ["pull app:1", "tag app:1", None, "tag other:1", "push app:1"]
    assert daemon.since == [f"{NOW}.000000005", f"{NOW}.000000009"]


def test_silence_before_the_first_event_loses_none() -> None:
    """Over a stock agent nothing is answered before the first event."""
    daemon = Daemon(Stalled("dock", 20), Ending(b"", Stalled("dock", 20)), Ending(line("pull", 7), None))

    assert told(daemon) == [None, None, "pull app:1"]
    assert daemon.since == [f"{NOW}.000000005"] * 3


def test_what_was_asked_from_a_moment_on_is_asked_so_again() -> None:
    daemon = Daemon(Ending(b"", Stalled("dock", 20)), Ending(b"", None))

    told(daemon, NOW - 1.0)

    assert daemon.since == [f"{NOW - 1}.000000000"] * 2


def test_a_host_that_does_not_say_its_time_is_followed_all_the_same() -> None:
    daemon = Daemon(Stalled("dock", 20), Ending(line("pull", 7), None), info={})

    assert told(daemon) == [None, "pull app:1"]
    assert daemon.since == [None, None]


@pytest.mark.parametrize("lost", [ConnectionLost("dock", "reset"), ConnectFailed("dock", "refused")])
def test_a_lost_host_is_an_error(lost: LadingError) -> None:
    stream = Ending(line("pull", 1), lost)
    found = environment(Daemon(stream)).events(None, None, CANCEL)
    assert next(found)

    with pytest.raises(DaemonUnreachable):
        next(found)
    assert stream.closed


@pytest.mark.parametrize("content", [b"<html>\n", line("tag", 1)[:-9]])
def test_what_are_no_events_is_an_error(content: bytes) -> None:
    with pytest.raises(LinesBroken):
        told(Daemon(Ending(content, None)))


def test_who_stops_following_ends_the_connection() -> None:
    stream = Ending(line("pull", 1) * 2, None)
    found = environment(Daemon(stream)).events(None, None, CANCEL)
    assert next(found)

    found.close()

    assert stream.closed
