"""The byte server at a unix socket: who may connect, who they are, whose file it is, and when somebody has hung up."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue

import pytest

from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.http.limits import Limits
from lading.fronts.http.listening import LONGEST_PATH, ListenFailed, PathTooLong
from tests.fakes.raw_client import WAIT_SECONDS, RawClient

GET = "GET /x HTTP/1.1\nHost: docker\n\n"
OK = Answer(200, (("Content-Length", "0"),))


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path, which a test's own folder has not."""
    with tempfile.TemporaryDirectory(prefix="s") as folder:
        yield Path(folder) / "d.sock"


def test_a_request_is_answered_and_its_process_is_known(place: Path) -> None:
    seen: Queue[IncomingRequest] = Queue()

    def application(request: IncomingRequest) -> Answer:
        seen.put(request)
        return OK

    with ByteServer([place], application) as server, RawClient(place) as client:
        assert client.send(GET).reply().status == 200
        assert client.send(GET).reply().status == 200
        assert list(server.addresses) == []

    peer = seen.get(timeout=WAIT_SECONDS).peer
    assert (peer.uid, peer.pid, peer.address) == (os.geteuid(), os.getpid(), f"uid {os.geteuid()}")
    assert peer.certificate is None


def test_the_file_is_for_its_owner_and_group_before_anybody_connects(place: Path) -> None:
    with ByteServer([place], lambda _: OK, group=os.getegid()):
        seen = place.lstat()

    assert stat.S_ISSOCK(seen.st_mode)
    assert (stat.S_IMODE(seen.st_mode), seen.st_gid) == (0o660, os.getegid())


def test_the_mode_does_not_depend_on_the_umask(place: Path) -> None:
    before = os.umask(0)
    try:
        with ByteServer([place], lambda _: OK):
            mode = stat.S_IMODE(place.lstat().st_mode)
    finally:
        os.umask(before)

    assert mode == 0o660


def test_the_file_goes_with_the_server(place: Path) -> None:
    with ByteServer([place], lambda _: OK):
        assert place.exists()

    assert not place.exists()


def test_the_file_of_a_server_that_took_over_stays(place: Path) -> None:
    first = ByteServer([place], lambda _: OK)
    with first:
        place.unlink()
        with ByteServer([place], lambda _: OK):
            first.stop(0)
            with RawClient(place) as client:
                assert client.send(GET).reply().status == 200


def test_what_a_dead_server_left_is_taken(place: Path) -> None:
    _abandon(place)

    with ByteServer([place], lambda _: OK), RawClient(place) as client:
        assert client.send(GET).reply().status == 200


def test_a_server_that_answers_keeps_its_place(place: Path) -> None:
    with ByteServer([place], lambda _: OK):
        with pytest.raises(ListenFailed, match="another server listens there"), ByteServer([place], lambda _: OK):
            pass
        with RawClient(place) as client:
            assert client.send(GET).reply().status == 200


def test_of_many_that_come_at_once_one_gets_the_place(place: Path) -> None:
    _abandon(place)
    together, served, refused = threading.Barrier(8), threading.Event(), Queue[str]()

    def serve() -> None:
        together.wait(WAIT_SECONDS)
        try:
            with ByteServer([place], lambda _: OK):
                served.wait(WAIT_SECONDS)
        except ListenFailed as error:
            refused.put(error.reason)

    threads = [threading.Thread(target=serve) for _ in range(8)]
    for thread in threads:
        thread.start()
    reasons = {refused.get(timeout=WAIT_SECONDS) for _ in range(7)}
    with RawClient(place) as client:
        assert client.send(GET).reply().status == 200
    served.set()
    for thread in threads:
        thread.join()

    assert reasons == {"another server listens there"}


def test_a_file_that_is_no_socket_is_not_touched(place: Path) -> None:
    place.write_text("mine")

    with pytest.raises(ListenFailed, match="no socket"), ByteServer([place], lambda _: OK):
        pass
    assert place.read_text() == "mine"


def test_a_path_that_is_too_long_is_told(place: Path) -> None:
    longest = place.parent / ("x" * (LONGEST_PATH - len(str(place.parent)) - 1))
    with ByteServer([longest], lambda _: OK), RawClient(longest) as client:
        assert client.send(GET).reply().status == 200
    with pytest.raises(PathTooLong, match=f"{LONGEST_PATH} at most"), ByteServer([Path(f"{longest}y")], lambda _: OK):
        pass


@pytest.mark.parametrize("prepare", [lambda path: path.parent.rmdir(), lambda path: path.mkdir()])
def test_a_place_that_cannot_be_had_is_told(place: Path, prepare: Callable[[Path], None]) -> None:
    inner = place.parent / "in" / "d.sock"
    inner.parent.mkdir()
    prepare(inner)

    with pytest.raises(ListenFailed), ByteServer([inner], lambda _: OK):
        pass


def test_one_user_does_not_take_all_places(place: Path) -> None:
    limits = Limits(connections=3, per_address=1)
    waiting = Waiting(streaming=False)
    with ByteServer([place], waiting, limits), RawClient(place) as first:
        first.send(GET)
        waiting.begun.get(timeout=WAIT_SECONDS)
        with RawClient(place) as second:
            assert second.send(GET).reply().status == 503
        waiting.released.set()
        assert first.reply().status == 200


class Waiting:
    """Works, or streams, until whoever asked hangs up."""

    def __init__(self, *, streaming: bool) -> None:
        self._streaming = streaming
        self.begun: Queue[IncomingRequest] = Queue()
        self.gone, self.released = threading.Event(), threading.Event()

    def __call__(self, request: IncomingRequest) -> Answer:
        def stream() -> Iterator[bytes]:
            yield b"first\n"
            self._wait(request)

        if self._streaming:
            return Answer(200, content=stream())
        self._wait(request)
        return OK

    def _wait(self, request: IncomingRequest) -> None:
        with request.cancel.closing(self.gone.set):
            self.begun.put(request)
            while not (self.gone.is_set() or self.released.wait(0.01)):
                pass


@pytest.mark.parametrize("streaming", [False, True])
def test_a_hang_up_is_noticed_while_nothing_is_written(place: Path, streaming: bool) -> None:
    waiting = Waiting(streaming=streaming)
    with ByteServer([place], waiting, watches_work=True), RawClient(place) as client:
        client.send(GET)
        waiting.begun.get(timeout=WAIT_SECONDS)
        client.close()

        assert waiting.gone.wait(WAIT_SECONDS)


@pytest.mark.parametrize("streaming", [False, True])
def test_a_half_close_is_no_hang_up(place: Path, streaming: bool) -> None:
    waiting = Waiting(streaming=streaming)
    with ByteServer([place], waiting, watches_work=True), RawClient(place) as client:
        client.send(GET).half_close()
        request = waiting.begun.get(timeout=WAIT_SECONDS)
        waiting.released.set()

        assert client.reply().whole
        request.cancel.check()
    assert not waiting.gone.is_set()


def test_stopping_lets_a_running_answer_end(place: Path) -> None:
    waiting = Waiting(streaming=True)
    server = ByteServer([place], waiting)
    with server, RawClient(place) as client:
        client.send(GET)
        waiting.begun.get(timeout=WAIT_SECONDS)
        stopping = threading.Thread(target=server.stop, args=[WAIT_SECONDS])
        stopping.start()
        waiting.released.set()

        assert client.reply().body == b"first\n"
        stopping.join()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_another_user_is_known_as_the_one_it_is(place: Path) -> None:
    seen: Queue[IncomingRequest] = Queue()

    def application(request: IncomingRequest) -> Answer:
        seen.put(request)
        return OK

    place.parent.chmod(0o755)
    with ByteServer([place], application, group=65534):
        assert _ask_as(65534, 65534, place) == "200"
        assert _ask_as(65534, 12345, place) == "PermissionError"

    assert seen.get(timeout=WAIT_SECONDS).peer.uid == 65534
    assert seen.empty()


def _ask_as(uid: int, gid: int, place: Path) -> str:
    """What a process of that user and group is answered."""
    asking = (
        "import os, socket, sys\n"
        f"os.setgroups([]); os.setgid({gid}); os.setuid({uid})\n"
        "connection = socket.socket(socket.AF_UNIX)\n"
        "try:\n"
        "    connection.connect(sys.argv[1])\n"
        "except OSError as error:\n"
        "    sys.exit(print(type(error).__name__))\n"
        "connection.sendall(b'GET /x HTTP/1.1\\r\\nHost: docker\\r\\n\\r\\n')\n"
        "print(connection.recv(100).split()[1].decode())\n"
    )
    command = [sys.executable, "-Sc", asking, str(place)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=WAIT_SECONDS).stdout.strip()


def _abandon(place: Path) -> None:
    """A server that ended without a word."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))
        dead.listen()
