"""Those who are not known, or are slow to say what they want, keep nobody out who is known."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.certificate import ServerCertificate
from lading.fronts.http.exchange import Answer, IncomingRequest, Peer
from lading.fronts.http.guests import Guests
from lading.fronts.http.limits import Limits
from lading.fronts.http.occupancy import no_proxy
from lading.fronts.http.spare_places import SparePlaces
from lading.wire.http_framing import RequestRefused
from lading.wire.message import ConnectionLost, Stalled
from tests.fakes.certificates import Authority
from tests.fakes.clock import WaitingClock
from tests.fakes.raw_client import WAIT_SECONDS, RawClient

ANY = [("127.0.0.1", 0)]
CLIENT, OTHER, PROXY, SECOND_PROXY = "198.51.100.7", "198.51.100.8", "192.0.2.1", "192.0.2.2"
OK = Answer(200, (("Content-Length", "0"),))
SLOW = "POST /form HTTP/1.1\nHost: localhost\nContent-Length: 9999\nExpect: 100-continue\n\n"


def request_of(client: str = CLIENT, known: str = "yes") -> str:
    return f"GET /x HTTP/1.1\nHost: localhost\nX-Client: {client}\nX-Known: {known}\n\n"


# ── guests


@pytest.mark.parametrize(
    ("inside", "comes", "refused"),
    [
        ([], (CLIENT, False), None),
        ([(CLIENT, False)] * 2, (OTHER, False), "without a login"),
        ([(CLIENT, False)] * 2, (OTHER, True), None),
        ([(CLIENT, True)] * 3, (CLIENT, True), "of this client"),
        ([(CLIENT, True)] * 3, (OTHER, True), None),
        ([(PROXY, True)] * 3, (PROXY, True), None),
        ([(SECOND_PROXY, True)] * 3, (SECOND_PROXY, True), None),
        ([(PROXY, False)] * 2, (PROXY, False), "without a login"),
    ],
)
def test_who_may_have_a_request_at_work(
    inside: list[tuple[str, bool]], comes: tuple[str, bool], refused: str | None
) -> None:
    guests = Guests(Limits(connections=4, per_client=3), lambda address: address in {PROXY, SECOND_PROXY})
    visits = [guests.visit(PROXY) for _ in inside]
    for visit, who in zip(visits, inside, strict=True):
        visit.let_in(*who)

    last = guests.visit(PROXY)
    if refused is None:
        last.let_in(*comes)
    else:
        with pytest.raises(RequestRefused, match=refused) as said:
            last.let_in(*comes)
        assert said.value.status == 503
    for visit in (*visits, last):
        visit.close()
        visit.close()
    guests.visit(PROXY).let_in(*comes)


def test_a_request_counts_once_and_one_that_nobody_spoke_of_not_at_all() -> None:
    guests = Guests(Limits(connections=2), no_proxy)
    visit = guests.visit(CLIENT)
    guests.visit(CLIENT).close()

    visit.let_in(CLIENT, False)
    visit.let_in(OTHER, False)
    visit.close()

    guests.visit(OTHER).let_in(OTHER, False)


def test_who_comes_by_itself_is_bounded_by_its_connections_alone() -> None:
    guests = Guests(Limits(connections=8, per_client=1), no_proxy)

    for _ in range(3):
        guests.visit(CLIENT).let_in(CLIENT, True)


# ── spare places


def test_the_longest_idle_goes_first_and_nobody_twice() -> None:
    places: SparePlaces[str] = SparePlaces(1.0, WaitingClock())
    for name in ("a", "b", "c"):
        places.rests(name)

    assert places.take_idle(lambda name: name != "a") == "b"
    assert not places.stirs("b")
    assert places.take_idle(lambda _: True) == "a"
    assert places.stirs("c")
    assert places.take_idle(lambda _: True) is None


def test_who_takes_long_may_lose_the_place_and_who_is_served_may_not() -> None:
    clock = WaitingClock()
    places: SparePlaces[str] = SparePlaces(1.0, clock)
    for name in ("a", "b", "c"):
        places.arrives(name)
        clock.now += 0.4
    assert places.is_served("a")

    assert places.take_unserved(lambda _: True) is None
    clock.now += 0.3
    assert places.take_unserved(lambda _: True) == "b"
    assert not places.is_served("b")
    assert places.take_unserved(lambda _: True) is None
    assert len(places) == 1
    places.ends("c")
    assert len(places) == 0


# ── over connections


class Door:
    """Says who asks, as the headers have it; a form is waited for before anybody is known."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)

    def __call__(self, request: IncomingRequest) -> Answer:
        if request.method == "POST":
            request.let_in(request.headers.get("x-client", CLIENT), False)
            self.begun.release()
            while request.body.readinto(memoryview(bytearray(100))):
                pass
        else:
            request.let_in(request.headers["x-client"], request.headers["x-known"] == "yes")
        return OK


def is_served(server: ByteServer, what: str, tls: ssl.SSLContext | None = None) -> bool:
    try:
        with RawClient(server.addresses[0], tls) as client:
            return client.send(what).reply().status == 200
    except OSError:
        return False


def soon(ask: Callable[[], bool]) -> bool:
    return any(ask() for _ in range(10_000))


def test_slow_strangers_have_half_of_the_places_and_the_known_the_others() -> None:
    door = Door()
    limits = Limits(connections=8, per_address=8)
    with ByteServer(ANY, door, limits) as server, ExitStack() as stack:
        slow = [stack.enter_context(RawClient(server.addresses[0])) for _ in range(limits.strangers)]
        for each in slow:
            assert each.send(SLOW).head().status == 100
        with RawClient(server.addresses[0]) as stranger:
            reply = stranger.send(SLOW).reply()
            assert (reply.status, reply.headers["retry-after"]) == (503, "5")

        assert is_served(server, request_of(OTHER))
        assert not is_served(server, request_of(OTHER, known="no"))
        slow[0].close()
        assert soon(lambda: is_served(server, request_of(OTHER, known="no")))


def test_one_client_behind_a_proxy_has_no_more_than_its_share() -> None:
    limits = Limits(connections=8, per_address=8, per_client=2)
    with (
        ByteServer(ANY, Door(), limits, is_proxy=lambda address: address == "127.0.0.1") as server,
        ExitStack() as stack,
    ):
        for _ in range(2):
            slow = stack.enter_context(RawClient(server.addresses[0]))
            assert slow.send(SLOW.replace("\n\n", f"\nX-Client: {CLIENT}\n\n")).head().status == 100

        assert not is_served(server, request_of(CLIENT))
        assert is_served(server, request_of(OTHER))


@pytest.mark.parametrize(
    "sent", ["", "GET /x HT", "\n", "POST /x HTTP/1.1\nHost: a b\nContent-Length: 9999\n\nx"], ids=str.split
)
def test_who_is_slow_to_say_what_it_wants_makes_room(sent: str) -> None:
    """Silent, in the middle of a head, or after an answer that it does not read: 400 closes the connection."""
    limits = Limits(connections=4, head_seconds=WAIT_SECONDS, drain_seconds=WAIT_SECONDS, patience_seconds=0.0)
    with ByteServer(ANY, Door(), limits) as server, ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(RawClient(server.addresses[0])).send(sent)

        assert soon(lambda: is_served(server, request_of()))


def test_who_is_slow_in_a_handshake_makes_room(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.server("127.0.0.1")
    trusting = ssl.create_default_context(cafile=authority.certificate)
    certificate = ServerCertificate(str(issued.certificate), str(issued.key))
    limits = Limits(connections=2, head_seconds=WAIT_SECONDS, patience_seconds=0.0)
    with ByteServer(ANY, Door(), limits, certificate=certificate) as server, ExitStack() as stack:
        slow = [stack.enter_context(RawClient(server.addresses[0])).send(b"\x16\x03\x01") for _ in range(2)]

        assert soon(lambda: is_served(server, request_of(), trusting))
        assert slow[0].at_end()


class TakingOver:
    """A Protection that has taken the first client's socket over, and says so only once the next client is here: who
    cost the first one its place."""

    def __init__(self) -> None:
        self.taken, self.next, self.over = threading.Event(), threading.Event(), threading.Event()

    def accept(
        self, connection: socket.socket, peer: Peer, seconds: float, begun: Callable[[socket.socket], None] = print
    ) -> tuple[socket.socket, Peer]:
        with socket.socket(fileno=connection.detach()) as ours:
            if self.taken.is_set():
                self.next.set()
                raise ConnectionLost(str(peer), "it is not what this is about")
            self.taken.set()
            self.next.wait(WAIT_SECONDS)
            begun(ours)
            ours.recv(1)
            self.over.set()
            raise ConnectionLost(str(peer), f"it was cut off before its {seconds:g} s")


def test_who_loses_the_place_just_as_tls_begins_is_cut_off_too() -> None:
    protection, limits = TakingOver(), Limits(connections=1, head_seconds=WAIT_SECONDS, patience_seconds=0.0)
    with ByteServer(ANY, Door(), limits, certificate=protection) as server, RawClient(server.addresses[0]):
        assert protection.taken.wait(WAIT_SECONDS)
        with RawClient(server.addresses[0]):
            assert protection.over.wait(WAIT_SECONDS)


def test_requests_that_follow_each_other_closely_keep_their_place() -> None:
    """Pipelined: the next is here before anybody waits for it."""
    limits = Limits(connections=1, patience_seconds=0.0)
    with ByteServer(ANY, Door(), limits) as server, RawClient(server.addresses[0]) as client:
        client.send(request_of() * 3)

        assert [client.reply().status for _ in range(3)] == [200] * 3


# ── a body that is waited for


class Form:
    """Reads a body that has to come within so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self.raised = seconds, list[Exception]()

    def __call__(self, request: IncomingRequest) -> Answer:
        request.body.hurry(self._seconds)
        try:
            while request.body.readinto(memoryview(bytearray(100))):
                pass
        except Stalled as error:
            self.raised.append(error)
            raise
        return OK


def send_for_ever(client: RawClient, piece: bytes) -> None:
    """Until the server has had enough: a body that never stops, and never stalls."""
    while True:
        client.send(piece)


@pytest.mark.parametrize(
    ("framing", "piece"), [("Content-Length: 99999999", b"x"), ("Transfer-Encoding: chunked", b"1\r\nx\r\n")]
)
def test_a_form_has_its_time_however_steadily_it_comes(framing: str, piece: bytes) -> None:
    form = Form(0.2)
    with ByteServer(ANY, form) as server, RawClient(server.addresses[0]) as client:
        client.send(f"POST /x HTTP/1.1\nHost: localhost\n{framing}\n\n")
        with pytest.raises(ConnectionError):
            send_for_ever(client, piece)

    assert len(form.raised) == 1


def test_a_form_that_comes_in_time_is_taken() -> None:
    with ByteServer(ANY, Form(WAIT_SECONDS)) as server, RawClient(server.addresses[0]) as client:
        client.send("POST /x HTTP/1.1\nHost: localhost\nContent-Length: 4\n\nab").send(b"cd")

        assert client.reply().status == 200
