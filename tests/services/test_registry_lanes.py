"""Room for layers at a registry: no more than the share of this process at a time, each way for itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.services.registries.lanes import Everything, Lane, RegistryLanes
from tests.fakes.jobs import BOUND_SECONDS

HOST = "r.example"


class Shares:
    """Fulfils lanes.Shares; `joined` are the hosts in the order of being asked for. `asked` is set while the lanes,
    locked, look whether there is room: who finds none waits before anybody else can change that."""

    def __init__(self, share: int) -> None:
        self.share = share
        self.joined: list[str] = []
        self.asked = threading.Event()

    def join(self, host: str) -> None:
        self.joined.append(host)

    def of(self, host: str) -> int:
        self.asked.set()
        return self.share


def waiting(lanes: RegistryLanes, shares: Shares, threads: ThreadPoolExecutor, cancel: Cancellation) -> Future[Lane]:
    """Somebody who asks for room where there is none, and waits for it."""
    shares.asked.clear()
    asked = threads.submit(lanes.send, HOST, cancel)
    assert shares.asked.wait(BOUND_SECONDS)
    return asked


def test_there_is_room_for_so_many_each_way_at_each_registry() -> None:
    lanes, cancel = RegistryLanes(Everything(2)), Cancellation()

    taken = [
        take(host, cancel) for host in (HOST, "other.example") for take in (lanes.send, lanes.read) for _ in range(2)
    ]

    assert len(taken) == 8
    assert lanes.hosts == {HOST, "other.example"}
    for lane in taken:
        lane.leave()
        lane.leave()
    assert lanes.hosts == set()


@pytest.mark.parametrize("makes_room", ["left", "share"])
def test_who_waits_goes_on_once_there_is_room(makes_room: str) -> None:
    shares = Shares(1)
    lanes, cancel = RegistryLanes(shares), Cancellation()
    first = lanes.send(HOST, cancel)
    with ThreadPoolExecutor(1) as threads:
        asked = waiting(lanes, shares, threads, cancel)
        assert not asked.done()
        if makes_room == "left":
            first.leave()
        else:
            shares.share = 2
            lanes.changed()
        with asked.result(BOUND_SECONDS):
            assert lanes.hosts == {HOST}

    assert shares.joined == [HOST, HOST]


def test_a_cancel_ends_the_wait() -> None:
    shares = Shares(1)
    lanes, cancel = RegistryLanes(shares), Cancellation()
    lanes.send(HOST, Cancellation())
    with ThreadPoolExecutor(1) as threads:
        asked = waiting(lanes, shares, threads, cancel)
        cancel.cancel()
        with pytest.raises(Cancelled):
            asked.result(BOUND_SECONDS)

    with pytest.raises(Cancelled):
        lanes.read(HOST, cancel)
    assert lanes.hosts == {HOST}


def test_never_more_at_a_time_than_there_is_room_for() -> None:
    lanes, lock, most, now = RegistryLanes(Everything(3)), threading.Lock(), 0, 0
    together = threading.Barrier(12)

    def move() -> None:
        nonlocal most, now
        together.wait(BOUND_SECONDS)
        for _ in range(50):
            with lanes.read(HOST, Cancellation()):
                with lock:
                    now += 1
                    most = max(most, now)
                with lock:
                    now -= 1

    tasks: list[Callable[[], None]] = [move] * 12
    with ThreadPoolExecutor(12) as threads:
        for done in [threads.submit(task) for task in tasks]:
            done.result(BOUND_SECONDS)

    assert 1 <= most <= 3
    assert lanes.hosts == set()
