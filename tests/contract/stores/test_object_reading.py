"""An object is streamed to whoever keeps up, and given in stretches to whoever does not; what breaks costs one request
more."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from lading.backends.content_store.objects.bucket import Bucket, BucketAway, BucketFailed
from lading.backends.content_store.objects.reading import (
    FALLS_BEHIND_SECONDS,
    KEEPS_UP_SECONDS,
    STRETCH,
    ObjectReader,
)
from lading.errors import Unavailable
from lading.wire.message import ReadFailed
from tests.fakes.records import Clock
from tests.fakes.scripted_server import Asked, Ending, Reply, ScriptedServer

SIZE = 8 * STRETCH + 123
RAW = os.urandom(SIZE)
KEY = "blobs/sha256/key"


@dataclass
class OneObject:
    """An object store that has one, and what was asked of it; `upto` ends the next answers after so many bytes."""

    raw: bytes = RAW
    ranges: list[tuple[int, int]] = field(default_factory=list)
    upto: list[int] = field(default_factory=list)
    gone: bool = False
    refuses: bool = False

    def __call__(self, asked: Asked) -> Reply:
        if self.refuses:
            return Reply(403)
        if self.gone:
            return Reply(404)
        given = re.fullmatch(r"bytes=(\d+)-(\d+)", asked.headers["range"])
        assert given
        first, end = int(given[1]), min(int(given[2]) + 1, len(self.raw))
        self.ranges.append((first, end - first))
        fields = [
            ("Content-Range", f"bytes {first}-{end - 1}/{len(self.raw)}"),
            ("ETag", '"one"'),
            ("Last-Modified", "Sun, 22 Nov 2026 08:00:00 GMT"),
        ]
        if self.upto:
            return Reply(206, fields, self.raw[first:end], upto=self.upto.pop(0), ending=Ending.RST)
        return Reply(206, fields, self.raw[first:end])


@pytest.fixture
def store() -> OneObject:
    return OneObject()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bucket(store: OneObject, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with ScriptedServer(store) as server:
        variables = {"ENDPOINT_URL": server.url(""), "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "REGION": "c"}
        for name, value in variables.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield Bucket.at("s3://images")


def rest(reader: ObjectReader) -> bytes:
    """All that comes."""
    buffer, found = memoryview(bytearray(100_000)), bytearray()
    while count := reader.readinto(buffer):
        found += buffer[:count]
    return bytes(found)


def some(reader: ObjectReader, clock: Clock, seconds: float) -> bytes:
    """One piece, and then nothing for so long."""
    piece = bytes(reader.lent(SIZE))
    clock.advance(seconds)
    return piece


def test_who_keeps_up_is_given_all_in_one_answer(store: OneObject, bucket: Bucket, clock: Clock) -> None:
    with closing(ObjectReader(bucket, KEY, 5, SIZE - 7, clock)) as reader:
        assert rest(reader) == RAW[5:-2]

    assert store.ranges == [(5, SIZE - 7)]


def test_what_is_lent_is_all_of_it_in_pieces_no_longer_than_asked(bucket: Bucket) -> None:
    pieces = []
    with closing(ObjectReader(bucket, KEY, 0, SIZE)) as reader:
        while piece := reader.lent(10_000):
            pieces.append(bytes(piece))

    assert b"".join(pieces) == RAW
    assert max(map(len, pieces)) == 10_000


def test_few_bytes_are_asked_for_as_they_are(store: OneObject, bucket: Bucket) -> None:
    with closing(ObjectReader(bucket, KEY, 1, STRETCH)) as reader:
        assert rest(reader) == RAW[1 : STRETCH + 1]

    assert store.ranges == [(1, STRETCH)]


def test_who_falls_behind_is_given_stretches_until_they_keep_up(store: OneObject, bucket: Bucket, clock: Clock) -> None:
    with closing(ObjectReader(bucket, KEY, 0, SIZE, clock)) as reader:
        streamed = some(reader, clock, FALLS_BEHIND_SECONDS)
        slowly = [some(reader, clock, KEEPS_UP_SECONDS) for _ in range(2)]
        quickly = some(reader, clock, 0.0)
        assert streamed + b"".join(slowly) + quickly + rest(reader) == RAW

    here = len(streamed)
    assert store.ranges == [
        (0, SIZE),
        *((here + number * STRETCH, STRETCH) for number in range(3)),
        (here + 3 * STRETCH, SIZE - here - 3 * STRETCH),
    ]


def test_a_pause_that_is_shorter_costs_no_stream(store: OneObject, bucket: Bucket, clock: Clock) -> None:
    with closing(ObjectReader(bucket, KEY, 0, SIZE, clock)) as reader:
        assert some(reader, clock, FALLS_BEHIND_SECONDS - 0.1) + rest(reader) == RAW

    assert len(store.ranges) == 1


@pytest.mark.parametrize("upto", [0, 1, STRETCH + 1])
def test_a_stream_that_is_lost_goes_on_where_it_was(store: OneObject, bucket: Bucket, upto: int) -> None:
    store.upto = [upto, upto]
    with closing(ObjectReader(bucket, KEY, 0, SIZE)) as reader:
        assert rest(reader) == RAW


def test_an_object_that_is_gone_is_not_begun(store: OneObject, bucket: Bucket) -> None:
    store.gone = True

    assert ObjectReader.begun(bucket, KEY, 0, SIZE) is None


def test_a_store_that_fails_is_told_as_it_is_before_the_first_byte_and_as_ours_later(
    store: OneObject, bucket: Bucket, clock: Clock
) -> None:
    with closing(ObjectReader(bucket, KEY, 0, SIZE, clock)) as reader:
        some(reader, clock, FALLS_BEHIND_SECONDS)
        store.refuses = True
        with pytest.raises(ReadFailed):
            rest(reader)
    with pytest.raises(BucketFailed):
        ObjectReader.begun(bucket, KEY, 0, SIZE)


class AwayBucket(Bucket):
    """Its store does not answer."""

    def part(self, key: str, offset: int, length: int) -> memoryview | None:
        raise BucketAway("s3://images", f"read {length} bytes from {offset} on of", key, "503")


@pytest.mark.usefixtures("bucket")  # sets its address and keys
def test_a_store_that_is_away_in_the_midst_is_told_as_that() -> None:
    """So doors answer 503, and log no more than that it went."""
    with closing(ObjectReader(AwayBucket.at("s3://images"), KEY, 0, STRETCH)) as reader, pytest.raises(Unavailable):
        rest(reader)


@pytest.mark.parametrize("left", [0, STRETCH, 3 * STRETCH])
def test_an_object_that_is_shorter_than_it_was_is_told(store: OneObject, bucket: Bucket, left: int) -> None:
    store.raw = RAW[:left]
    with closing(ObjectReader(bucket, KEY, 0, SIZE)) as reader, pytest.raises(ReadFailed):
        rest(reader)


def test_one_that_goes_away_while_it_is_read_is_told(store: OneObject, bucket: Bucket, clock: Clock) -> None:
    with closing(ObjectReader(bucket, KEY, 0, SIZE, clock)) as reader:
        some(reader, clock, FALLS_BEHIND_SECONDS)
        store.gone = True
        with pytest.raises(ReadFailed, match="it is gone"):
            rest(reader)


def test_nothing_comes_once_it_is_closed(store: OneObject, bucket: Bucket) -> None:
    reader = ObjectReader(bucket, KEY, 0, SIZE)
    assert reader.lent(10)
    reader.close()
    reader.close()

    assert rest(reader) == b""
    assert len(store.ranges) == 1
