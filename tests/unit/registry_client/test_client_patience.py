"""Patience and back-off around single exchanges, and bodies that go on where they were lost."""

from __future__ import annotations

import pytest

from lading.errors import Cancelled, LadingError
from lading.wire.message import (
    BytesContent,
    ConnectionLost,
    Reader,
    Response,
    Stalled,
)
from lading.wire.registry_errors import RegistryFailed, TooManyRequests
from tests.fakes.registry_client import HOST, Bench
from tests.fakes.transport import Cut
from tests.unit.registry_client.exchanges import CONTENT, LAYER, LOST, UNREACHED

# ── patience


def test_a_question_is_repeated_until_it_is_answered() -> None:
    bench = Bench()
    bench.transport.trouble("HEAD", LOST, Stalled(HOST, 60), Response(502), UNREACHED)

    assert not bench.repository().has(LAYER)
    assert bench.clock.waited == [0.5, 1, 2, 4]


@pytest.mark.parametrize(("trouble", "error"), [(LOST, ConnectionLost), (Response(503), RegistryFailed)])
def test_patience_ends(trouble: Response | LadingError, error: type[LadingError]) -> None:
    bench = Bench()
    bench.transport.trouble("HEAD", *[trouble] * 9)

    with pytest.raises(error):
        bench.repository().has(LAYER)
    assert len(bench.transport.asked) == 6


@pytest.mark.parametrize("trouble", [Stalled(HOST, 60), LOST, Response(502), Response(429)])
def test_who_only_tries_a_registry_out_asks_once(trouble: Response | LadingError) -> None:
    bench = Bench()
    bench.transport.trouble("GET", trouble)

    with pytest.raises(LadingError):
        bench.client.at_once().check(HOST, None)

    assert len(bench.transport.asked) == 1


def test_a_cancel_ends_a_wait() -> None:
    bench = Bench()
    bench.transport.trouble("HEAD", LOST)
    bench.cancel.cancel()

    with pytest.raises(Cancelled):
        bench.repository().has(LAYER)


def test_a_rate_limit_holds_everybody_at_that_host_and_is_told() -> None:
    bench = Bench()
    bench.transport.trouble("HEAD", Response(429, {"retry-after": "30"}))

    bench.repository("a").has(LAYER)

    [held] = bench.held
    assert (held.host, held.until) == (HOST, 31.0)
    assert bench.clock.waited == [31.0]


def test_a_limit_longer_than_we_may_wait_is_an_error_with_its_time() -> None:
    bench = Bench()
    bench.transport.trouble("HEAD", Response(429, {"retry-after": "21600"}))

    with pytest.raises(TooManyRequests, match="asks to wait 21600 s"):
        bench.repository().has(LAYER)


def test_the_allowance_is_kept_for_whoever_asks() -> None:
    bench = Bench()
    bench.transport.trouble("HEAD", Response(404, {"ratelimit-remaining": "37;w=21600"}))

    bench.repository().has(LAYER)

    quota = bench.client.quota(HOST)
    assert quota is not None
    assert quota.remaining == 37


# ── bodies


def test_a_lost_body_goes_on_inside_the_blob() -> None:
    bench = Bench()
    bench.transport.trouble("PUT", Cut(70), Cut(30))

    bench.repository().push(LAYER, BytesContent(CONTENT), bench.track, bench.cancel)

    assert bench.registry.received == len(CONTENT)
    assert bench.registry.repositories["a"].blobs == {LAYER.digest: CONTENT}
    assert bench.clock.waited == [0.5, 0.5]  # what got further starts counting anew


def test_bodies_that_get_nowhere_are_given_up() -> None:
    bench = Bench()
    bench.registry.forgets = True
    bench.transport.trouble("PUT", *[Cut(70)] * 9)

    with pytest.raises(ConnectionLost):
        bench.repository().push(LAYER, BytesContent(CONTENT), bench.track, bench.cancel)
    assert bench.transport.methods.count("PUT") == 6


def test_a_refused_body_is_given_up_after_a_while() -> None:
    bench = Bench()
    bench.transport.trouble("PUT", *[Response(503)] * 9)

    with pytest.raises(RegistryFailed):
        bench.repository().push(LAYER, BytesContent(CONTENT), bench.track, bench.cancel)
    assert bench.transport.methods.count("PUT") == 6


class LostSource:
    """Content whose own source loses its connection."""

    size = len(CONTENT)

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        return self

    def readinto(self, _buffer: memoryview, /) -> int:
        raise ConnectionLost("source.example", "reset")

    def close(self) -> None:
        pass


def test_a_source_that_is_lost_is_not_taken_for_the_target() -> None:
    bench = Bench()

    with pytest.raises(ConnectionLost, match=r"source\.example"):
        bench.repository().push(LAYER, LostSource(), bench.track, bench.cancel)
    assert bench.transport.methods == "POST"
    assert bench.clock.waited == []
