"""A blob read from a registry, whatever the network makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import Cancelled, LadingError
from lading.wire.download import LengthWrong
from lading.wire.message import ConnectionLost, Reader, Request, Response, Stalled
from tests.fakes.registry_client import Bench, layer
from tests.fakes.transport import Break

CONTENT = bytes(range(200))
LAYER = layer(CONTENT)


def bench_with(content: bytes = CONTENT) -> Bench:
    bench = Bench()
    bench.registry.repositories["a"].blobs[layer(content).digest] = content
    return bench


def read(reader: Reader, size: int = 64) -> bytes:
    found, buffer = bytearray(), bytearray(size)
    while count := reader.readinto(memoryview(buffer)):
        found += buffer[:count]
    reader.close()
    return bytes(found)


def test_a_broken_answer_is_asked_for_from_where_it_broke() -> None:
    bench = bench_with()
    bench.transport.trouble("GET", Break(50), Break(30))

    assert read(bench.repository().open(LAYER)) == CONTENT
    assert [asked.request.headers.get("range") for asked in bench.transport.asked] == [
        None,
        "bytes=50-199",
        "bytes=80-199",
    ]
    assert bench.clock.waited == [0.5, 1]


@given(st.lists(st.integers(0, 60), max_size=4), st.integers(0, 200), st.none() | st.integers(0, 200))
def test_whatever_breaks_the_bytes_are_the_ones_asked_for(breaks: list[int], offset: int, length: int | None) -> None:
    bench = bench_with()
    reader_troubles = [Break(after) for after in breaks]
    bench.transport.trouble("GET", *reader_troubles)

    end = None if length is None else offset + length
    assert read(bench.repository().open(LAYER, offset, length)) == CONTENT[offset:end]


def test_a_registry_that_ignores_ranges_costs_bytes_and_nothing_else() -> None:
    def whole(request: Request, _body: bytes, _whole: bool) -> Response:
        return Response(200, {"content-length": "200"}, CONTENT)

    bench = Bench(answer=whole)
    bench.transport.trouble("GET", Break(50))

    assert read(bench.repository().open(LAYER, 30)) == CONTENT[30:]


def test_an_answer_in_parts_is_put_together() -> None:
    def parts(request: Request, _body: bytes, _whole: bool) -> Response:
        start = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        end = min(start + 30, 200)
        return Response(206, {"content-range": f"bytes {start}-{end - 1}/200"}, CONTENT[start:end])

    assert read(Bench(answer=parts).repository().open(LAYER)) == CONTENT


def test_a_body_that_ends_early_is_a_lost_connection() -> None:
    def short(request: Request, _body: bytes, _whole: bool) -> Response:
        return Response(200, {}, CONTENT[:50])

    bench = Bench(answer=short)

    with pytest.raises(ConnectionLost, match="ended early"):
        read(bench.repository().open(LAYER))
    assert len(bench.transport.asked) == 6


@pytest.mark.parametrize("error", [ConnectionLost("h", "x"), Stalled("h", 60)])
def test_patience_is_not_multiplied(error: LadingError) -> None:
    bench = bench_with()
    bench.transport.trouble("GET", Break(50), *[error] * 9)
    reader = bench.repository().open(LAYER)

    with pytest.raises(type(error)):
        read(reader)
    assert len(bench.transport.asked) == 7
    reader.close()


def test_content_of_another_length_is_refused_when_it_is_asked_for_again() -> None:
    bench = bench_with()
    bench.transport.trouble("GET", Break(50), Response(206, {"content-range": "bytes 50-99/100"}))
    reader = bench.repository().open(LAYER)

    with pytest.raises(LadingError):
        read(reader)
    reader.close()


def test_a_wrong_length_is_known_before_a_byte_is_read() -> None:
    bench = Bench(answer=lambda _request, _body, _whole: Response(200, {"content-length": "7"}, b"another"))

    with pytest.raises(LengthWrong):
        bench.repository().open(LAYER)


def test_an_empty_rest_needs_no_request() -> None:
    bench = bench_with()

    assert read(bench.repository().open(LAYER, 200)) == b""
    assert bench.transport.asked == []


def test_closing_twice_does_no_harm_and_nothing_is_read_afterwards() -> None:
    reader = bench_with().repository().open(LAYER)

    reader.close()
    reader.close()

    assert reader.readinto(memoryview(bytearray(5))) == 0


def test_a_cancel_ends_the_wait_for_another_try() -> None:
    bench = bench_with()
    bench.transport.trouble("GET", Break(50))
    reader = bench.repository().open(LAYER)
    bench.cancel.cancel()

    with pytest.raises(Cancelled):
        read(reader)
    reader.close()
