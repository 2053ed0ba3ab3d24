"""How many connections a server grants: in all, and to one address, unless that is a proxy of ours."""

from __future__ import annotations

import pytest

from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.exchange import Answer
from lading.fronts.http.limits import Limits
from lading.fronts.http.occupancy import Occupancy, no_proxy
from tests.fakes.raw_client import RawClient

LIMITS = Limits(connections=5, per_address=2)
PROXY, CLIENT, OTHER = "192.0.2.1", "198.51.100.7", "198.51.100.8"


def is_proxy(address: str) -> bool:
    return address == PROXY


@pytest.mark.parametrize(
    ("inside", "comes", "room"),
    [
        ([], CLIENT, True),
        ([CLIENT], CLIENT, True),
        ([CLIENT] * 2, CLIENT, False),
        ([CLIENT] * 2, OTHER, True),
        ([PROXY] * 4, PROXY, True),
        ([PROXY] * 5, PROXY, False),
        ([PROXY] * 5, CLIENT, False),
        ([CLIENT, CLIENT, OTHER, OTHER, PROXY], PROXY, False),
    ],
)
def test_who_may_come(inside: list[str], comes: str, room: bool) -> None:
    occupancy = Occupancy(LIMITS, is_proxy)
    for address in inside:
        occupancy.enter(address)

    assert occupancy.has_room(comes) == room


def test_who_leaves_makes_room() -> None:
    occupancy = Occupancy(LIMITS, no_proxy)
    for _ in range(3):
        occupancy.enter(CLIENT)
        occupancy.enter(CLIENT)
        assert not occupancy.has_room(CLIENT)
        occupancy.leave(CLIENT)
        assert occupancy.has_room(CLIENT)
        occupancy.leave(CLIENT)


def test_a_proxy_brings_more_connections_than_one_client_may_have() -> None:
    answer = Answer(200, (("Content-Length", "0"),))
    with (
        ByteServer([("127.0.0.1", 0)], lambda _: answer, LIMITS, is_proxy=lambda _: True) as server,
        RawClient(server.addresses[0]) as first,
        RawClient(server.addresses[0]) as second,
        RawClient(server.addresses[0]) as third,
    ):
        for client in (first, second, third):
            client.send("GET / HTTP/1.1\nHost: localhost\n\n")

        assert [client.reply().status for client in (first, second, third)] == [200] * 3
