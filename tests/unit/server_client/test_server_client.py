"""A server that answers as planned: what is asked of it, how a job is followed, how an archive arrives."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from lading import errors
from lading.backends.server_client import sending_archives
from lading.backends.server_client.client import ServerClient, path_of
from lading.backends.server_client.faults import JobOutOfSight, NotLading, ServerUnreachable
from lading.backends.server_client.following import PATIENCE
from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.wire import event_stream_reading
from lading.wire.event_stream import line_text, snapshot_text, tick_text
from lading.wire.message import BytesReader, Cancel, ConnectFailed, ConnectionLost, Request, Response

URL = "https://lading.example"
JOB = "0b6f2d9e-0d3c-4a8e-9d59-3a3c1e7b7b10"
DONE = {"id": JOB, "status": "done", "result": {"status": "complete"}}


class Cutting(BytesReader):
    """A stream that breaks where its bytes end."""

    def readinto(self, buffer: memoryview, /) -> int:
        count = super().readinto(buffer)
        if not count:
            raise ConnectionLost("lading.example", "cut")
        return count


class Waits:
    """A Cancel whose sleeping is only written down."""

    def __init__(self) -> None:
        self._cancel = Cancellation(clock=lambda: 0.0)
        self.seconds: list[float] = []

    def check(self) -> None:
        self._cancel.check()

    def wait(self, seconds: float) -> None:
        self.seconds.append(seconds)

    def closing(self, close: Callable[[], None]) -> AbstractContextManager[None]:
        return self._cancel.closing(close)


class Server:
    """Answers what it is told to, one after the other, and remembers what it was asked."""

    def __init__(self, *answers: Response | LadingError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Request, bytes]] = []
        self.cancel = Waits()
        self.client = ServerClient(self, URL, "lad_secret", lambda: "one-name")

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = lambda _: None) -> Response:
        body = b""
        if request.content is not None:
            buffer = memoryview(bytearray(request.content.size))
            request.content.open().readinto(buffer)
            body = bytes(buffer)
        self.asked.append((request, body))
        answer = self.answers.pop(0)
        if isinstance(answer, LadingError):
            raise answer
        return answer


def told(value: object, status: int = 200) -> Response:
    return Response(status, body=json.dumps(value).encode())


def stream(*texts: bytes, cut: bool = False) -> Response:
    content = b"".join(texts)
    return Response(200, stream=Cutting(content) if cut else BytesReader(content))


def line(number: int, status: str, *, terminal: bool = False) -> bytes:
    return line_text(number, {"status": status}, terminal)


def lost() -> ConnectionLost:
    return ConnectionLost("lading.example", "gone")


# ── questions


def test_a_question_carries_the_login_and_its_fields() -> None:
    server = Server(told({"ok": True}))

    found = server.client.ask("POST", path_of("x", "a/b"), server.cancel, query={"env": 3, "no": None}, body={"a": 1})

    request, body = server.asked[0]
    assert (request.method, request.url) == ("POST", f"{URL}/api/x/a%2Fb?env=3")
    assert request.headers["Authorization"] == "Bearer lad_secret"
    assert (json.loads(body), found) == ({"a": 1}, {"ok": True})
    assert "lad_secret" not in repr(request)


@pytest.mark.parametrize(
    ("status", "root"),
    [
        (400, errors.InputInvalid),
        (401, errors.AccessDenied),
        (403, errors.AccessDenied),
        (404, errors.NotFound),
        (409, errors.Refused),
        (422, errors.InputInvalid),
        (429, errors.RateLimited),
        (500, errors.LadingError),
        (502, errors.NetworkFailed),
        (503, errors.Unreachable),
        (504, errors.TimedOut),
        (507, errors.NoRoom),
    ],
)
def test_a_refusal_is_the_error_that_it_would_be_here(status: int, root: type[LadingError]) -> None:
    body = {"error": "No such thing", "code": "gone", "hint": "Look again.", "detail": "it went"}
    server = Server(told(body, status))

    with pytest.raises(root) as caught:
        server.client.get("/api/x", server.cancel)

    assert (str(caught.value), caught.value.code) == ("No such thing", "gone")
    assert (caught.value.hint, caught.value.why) == ("Look again.", "it went")


def test_a_proxys_own_page_is_no_reason_to_fail_otherwise() -> None:
    server = Server(Response(502, body=b"<html>bad gateway</html>"))

    with pytest.raises(errors.NetworkFailed, match="status 502"):
        server.client.get("/api/x", server.cancel)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b""])
def test_what_is_no_lading_server_is_told(body: bytes) -> None:
    server = Server(Response(200, body=body))

    with pytest.raises(NotLading):
        server.client.get("/api/x", server.cancel)


def test_an_answer_that_leads_elsewhere_is_not_followed_with_the_login() -> None:
    server = Server(Response(302, {"location": "https://elsewhere.example"}))

    with pytest.raises(NotLading):
        server.client.get("/api/x", server.cancel)
    assert len(server.asked) == 1


def test_a_server_that_is_away_is_unreachable() -> None:
    server = Server(ConnectFailed("lading.example", "refused"))

    with pytest.raises(errors.Unreachable, match=r"https://lading\.example does not answer"):
        server.client.get("/api/x", server.cancel)


def test_a_list_is_read_page_by_page() -> None:
    server = Server(told({"items": [{"id": 1}], "next": 2}), told({"items": [{"id": 2}], "total": 2}))

    rows = server.client.rows("/api/x", server.cancel, {"filter": "a"})

    assert [row["id"] for row in rows] == [1, 2]
    assert server.asked[1][0].url == f"{URL}/api/x?filter=a&page=2&limit=200"


def test_a_job_that_is_asked_for_twice_has_one_name() -> None:
    server = Server(lost(), told({"jobId": JOB}))

    assert server.client.started("/api/images/pull", server.cancel, body={"image": "a"}) == JOB
    assert [request.headers["Idempotency-Key"] for request, _ in server.asked] == ["one-name", "one-name"]


def test_a_job_is_not_asked_for_for_ever() -> None:
    server = Server(*[lost() for _ in range(5)])

    with pytest.raises(ServerUnreachable):
        server.client.started("/api/images/pull", server.cancel)


def test_a_login_makes_a_token_and_leaves_no_session() -> None:
    server = Server(
        Response(200, {"set-cookie": "session=abc; HttpOnly"}, b"{}"),
        told({"token": "lad_new"}, 201),
        Response(204),
    )

    assert server.client.login("ann", "pass", "lading on here", server.cancel) == "lad_new"
    assert [request.headers.get("Cookie") for request, _ in server.asked] == [None, "session=abc", "session=abc"]
    assert all("Authorization" not in request.headers for request, _ in server.asked)


# ── servers that nobody should have spoken to


def test_a_list_without_end_is_not_read_for_ever() -> None:
    page = told({"items": [], "next": 1})
    server = Server(*[page] * 5_000)

    with pytest.raises(NotLading):
        server.client.rows("/api/x", server.cancel)


@pytest.mark.parametrize("job", ["../users/1", "x; rm -rf ~", "\x1b[2J", "", 7, None, JOB + "\n"])
def test_an_id_that_no_job_has_is_none(job: object) -> None:
    server = Server(told({"jobId": job}))

    with pytest.raises(NotLading):
        server.client.started("/api/images/pull", server.cancel, body={})


@pytest.mark.parametrize("number", ["7\rx: y", "\u2603", "x", "9" * 40])
def test_a_number_that_no_line_has_is_not_sent_back(number: str) -> None:
    hostile = f'event: data\nid: {number}\ndata: {{"data":{{}}}}\n\n'.encode()
    server = Server(stream(line(1, "a"), hostile, cut=True), Response(204), told(DONE))

    list(server.client.follow(JOB, server.cancel))

    assert server.asked[1][0].headers["Last-Event-ID"] == "1"


def test_a_stream_that_is_no_events_is_not_asked_for_again() -> None:
    server = Server(stream(b"x" * (event_stream_reading.LONGEST + 1)))

    with pytest.raises(NotLading):
        list(server.client.follow(JOB, server.cancel))


# ── jobs


def test_a_job_is_followed_over_a_broken_connection() -> None:
    server = Server(
        stream(snapshot_text({"status": "running"}), line(1, "a"), tick_text({"layers": []}), line(2, "b"), cut=True),
        lost(),
        stream(snapshot_text({"status": "running"}), line(3, "complete", terminal=True)),
        told(DONE),
    )

    heard = list(server.client.follow(JOB, server.cancel))

    assert [each.told["status"] for each in heard if each.kind == "line"] == ["a", "b", "complete"]
    assert (heard[-1].kind, heard[-1].told) == ("end", DONE)
    assert [request.headers.get("Last-Event-ID") for request, _ in server.asked[:3]] == [None, "2", "2"]
    assert len(server.cancel.seconds) == 2


def test_a_stream_that_ends_before_the_job_is_asked_for_again() -> None:
    server = Server(stream(line(1, "a")), stream(line(2, "complete", terminal=True)), told(DONE))

    heard = [each.told["status"] for each in server.client.follow(JOB, server.cancel)]

    assert heard == ["a", "complete", "done"]


def test_a_job_that_ended_meanwhile_is_told_no_more() -> None:
    server = Server(stream(line(1, "complete"), cut=True), Response(204), told(DONE))

    assert [each.kind for each in server.client.follow(JOB, server.cancel)] == ["line", "end"]


def test_a_server_that_stays_away_is_not_waited_for_for_ever() -> None:
    server = Server(stream(line(1, "a"), cut=True), *[lost() for _ in PATIENCE])

    with pytest.raises(JobOutOfSight) as caught:
        list(server.client.follow(JOB, server.cancel))

    assert caught.value.command == f"lading jobs watch {JOB}"
    assert server.cancel.seconds == list(PATIENCE)


def test_who_may_not_look_is_told_at_once() -> None:
    server = Server(told({"error": "Job not found"}, 404))

    with pytest.raises(errors.NotFound):
        list(server.client.follow(JOB, server.cancel))


# ── archives


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_archives, "PIECE", 4)


def sent(server: Server) -> list[tuple[str, bytes]]:
    return [(request.url.rpartition("?")[2], body) for request, body in server.asked if request.method == "PATCH"]


@pytest.mark.usefixtures("small")
def test_an_archive_goes_by_pieces() -> None:
    server = Server(told({"id": "i", "offset": 0}, 201), told({}), told({}), told({}), told({"jobId": JOB}))

    assert server.client.load(io.BytesIO(b"0123456789").read, server.cancel, {"env": 2}) == JOB
    assert sent(server) == [("offset=0", b"0123"), ("offset=4", b"4567"), ("offset=8", b"89")]
    assert server.asked[-1][0].url == f"{URL}/api/images/imports/i/commit?env=2"


@pytest.mark.usefixtures("small")
def test_a_piece_that_was_cut_goes_on_where_it_arrived() -> None:
    server = Server(told({"id": "i"}, 201), lost(), told({"offset": 3}), told({}), told({}), told({"jobId": JOB}))

    server.client.load(io.BytesIO(b"01234567").read, server.cancel)

    assert sent(server) == [("offset=0", b"0123"), ("offset=3", b"3"), ("offset=4", b"4567")]


@pytest.mark.usefixtures("small")
def test_a_piece_that_had_arrived_whole_is_not_sent_again() -> None:
    server = Server(told({"id": "i"}, 201), lost(), told({"offset": 4}), told({"jobId": JOB}))

    server.client.load(io.BytesIO(b"0123").read, server.cancel)

    assert sent(server) == [("offset=0", b"0123")]


@pytest.mark.usefixtures("small")
def test_an_archive_that_is_refused_is_given_up() -> None:
    server = Server(told({"id": "i"}, 201), told({"error": "no room"}, 507), Response(204))

    with pytest.raises(errors.NoRoom):
        server.client.load(io.BytesIO(b"0123").read, server.cancel)
    assert server.asked[-1][0].method == "DELETE"
