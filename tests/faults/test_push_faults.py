"""A push through everything that has been seen to go wrong (push-pull-engines §6.3, Byte and Status): it ends well with
no byte sent without need, or with one clear error, its side and exit code, and no tag moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from lading.errors import LadingError, Side
from lading.fronts.cli.failures import exit_code
from tests.fakes.scripted_server import Asked, Ending, Reply
from tests.fakes.troubled_registry import Play, Trick, TroubledRegistry, afterwards, hang_up, instead, swallowed
from tests.faults.transfers import LAYER, NAME, TAG, clear, image, world

ALWAYS = 1000
HALF = len(LAYER) // 2
FORGOTTEN = b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"gone"}]}'
PAGE = b"<html><h1>Something is wrong</h1></html>"


def answers(status: int, body: bytes = PAGE, **fields: str) -> Trick:
    """A refusal as a proxy writes it."""
    named = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return instead(Reply(status, [*named, ("Content-Type", "text/html")], body))


def unread(status: int) -> Trick:
    """A refusal that comes before the body is read."""
    return instead(Reply(status, [("Content-Type", "text/html")], PAGE, read=1000))


@dataclass(frozen=True)
class GoesOn:
    """At this door, once; afterwards all went well. `again` is how many bytes of the layer may be sent twice."""

    door: str
    tricks: Sequence[Trick]
    again: int = 0
    skip: int = 0
    waits: Sequence[float] = field(default=())


def once(door: str, *tricks: Trick, again: int = 0, skip: int = 0, waits: Sequence[float] = ()) -> GoesOn:
    return GoesOn(door, tricks, again, skip, waits)


TRANSIENT = (408, 429, 499, 500, 502, 503, 504, 522)
SOON = format_datetime(datetime.fromtimestamp(1_800_000_020, UTC), usegmt=True)
"""Twenty seconds after the fake clock's beginning."""

GOES_ON = {
    # ── Byte: the body of the layer, which is the first thing put
    **{
        f"{ending.value} after {at} bytes of the body, kept": once("put", hang_up(at, ending))
        for ending in (Ending.FIN, Ending.RST)
        for at in (1000, HALF, len(LAYER) - 1)
    },
    **{
        f"{ending.value} after {at} bytes of the body, forgotten": once("put", swallowed(at, ending), again=at)
        for ending in (Ending.FIN, Ending.RST)
        for at in (0, 1, HALF, len(LAYER))
    },
    "silence in the body": once("put", swallowed(HALF, Ending.STALL), again=len(LAYER)),
    "silence after the body, committed": once("put", afterwards(Reply(silent=True, ending=Ending.STALL))),
    "reset after the body, committed": once("put", afterwards(Reply(silent=True, ending=Ending.RST))),
    "cut three times in a row": once("put", *(hang_up(at, Ending.RST) for at in (30_000, 30_000, 30_000))),
    "reset at the start": once("start", swallowed(0, Ending.RST)),
    "hung up at the manifest, taken": once("point", afterwards(Reply(silent=True, ending=Ending.FIN))),
    "reset at the manifest, not taken": once("point", swallowed(0, Ending.RST)),
    "the tag's first HEAD is reset": once("find", swallowed(0, Ending.RST)),
    # ── Status
    **{f"{code} to the start": once("start", answers(code)) for code in TRANSIENT},
    **{f"{code} to a blob, not kept": once("put", answers(code), again=len(LAYER)) for code in TRANSIENT},
    **{f"{code} after a blob was committed": once("put", afterwards(Reply(code))) for code in TRANSIENT},
    **{f"{code} to the manifest": once("point", answers(code)) for code in TRANSIENT},
    **{f"{code} after the manifest was taken": once("point", afterwards(Reply(code))) for code in TRANSIENT},
    **{f"{code} to the tag's HEAD": once("find", answers(code)) for code in TRANSIENT},
    "404 to the session": once("put", instead(Reply(404, body=FORGOTTEN)), again=len(LAYER)),
    "404 to the session after a cut": once("status", instead(Reply(404, body=FORGOTTEN))),
    "405 to HEAD": once("find", answers(405)),
    "403 to HEAD": once("find", answers(403)),
    "429 with seconds": once("start", answers(429, Retry_After="7"), waits=(14.0,)),
    "429 with a date": once("start", answers(429, Retry_After=SOON), waits=(21.0,)),
    "429 without a word": once("start", answers(429), waits=(2.0,)),
    "429 with nonsense": once("start", answers(429, Retry_After="0.3ms"), waits=(2.0,)),
    "429 with RateLimit-Reset": once("start", answers(429, RateLimit_Reset="9"), waits=(10.0,)),
    "503 with Retry-After": once("start", answers(503, Retry_After="5"), waits=(6.0,)),
}


@pytest.mark.parametrize("row", GOES_ON.values(), ids=GOES_ON)
def test_a_push_goes_on(row: GoesOn) -> None:
    registry = TroubledRegistry()
    registry.trouble(row.door, *row.tricks, skip=row.skip)
    source, root = image()
    with world(registry) as here:
        arrival = here.push(source, root)
        received = here.server.received

    assert arrival.error is None
    assert registry.tags(NAME) == {TAG: root.digest}
    assert all(registry.blobs(NAME)[digest] == source.blobs[digest] for digest in registry.blobs(NAME))
    image_size = sum(len(content) for content in source.blobs.values())
    manifests_again = 4 * root.size
    assert received <= image_size + row.again + manifests_again
    assert here.uploads.of(here.repository().repository, root.digest) is None
    for wait in row.waits:
        assert any(abs(waited - wait) < 8 for waited in here.clock.waited), here.clock.waited


@pytest.mark.parametrize("early", [True, False], ids=["before the body is read", "after it"])
def test_chunks_are_sent_and_remembered_where_a_body_limit_was_met(early: bool) -> None:
    registry = TroubledRegistry()
    registry.registry.body_limit = 1_500_000
    if early:
        registry.trouble("put", unread(413))
    source, root = image([bytes(2_000_000)])
    with world(registry) as here:
        assert here.push(source, root).error is None
        profile = here.profiles.of(here.host)

    assert registry.tags(NAME) == {TAG: root.digest}
    assert profile.chunk_limit == 1024 * 1024
    assert registry.visits["patch"] == 1


@dataclass(frozen=True)
class Ends:
    """What stays wrong at this door: whose side, and the exit code."""

    door: str
    trick: Trick
    side: Side
    code: int


ENDS = {
    "hung up in every body": Ends("put", swallowed(100, Ending.FIN), Side.NETWORK, 7),
    "reset in every body": Ends("put", swallowed(100, Ending.RST), Side.NETWORK, 7),
    "silence in every body": Ends("put", swallowed(100, Ending.STALL), Side.NETWORK, 7),
    "silence at the start": Ends("start", swallowed(0, Ending.STALL), Side.NETWORK, 7),
    "401 to the start": Ends("start", answers(401), Side.CALLER, 4),
    "401 to the blob": Ends("put", answers(401), Side.CALLER, 4),
    "401 to the manifest": Ends("point", answers(401), Side.CALLER, 4),
    "403 to the start": Ends("start", answers(403), Side.CALLER, 4),
    "403 to the manifest": Ends("point", answers(403), Side.CALLER, 4),
    "404 to the start": Ends(
        "start", instead(Reply(404, body=b'{"errors":[{"code":"NAME_UNKNOWN"}]}')), Side.CALLER, 5
    ),
    "404 to every session": Ends("put", instead(Reply(404, body=FORGOTTEN)), Side.CALLER, 5),
    "400 to the manifest": Ends("point", answers(400), Side.TARGET, 6),
    "409 to the manifest": Ends("point", answers(409), Side.CALLER, 6),
    "412 to an immutable tag": Ends("point", answers(412), Side.CALLER, 6),
    "413 to every piece": Ends("put", unread(413), Side.TARGET, 6),
    "429 for ever": Ends("start", answers(429), Side.TARGET, 8),
    "429 for an hour": Ends("start", answers(429, Retry_After="3600"), Side.TARGET, 8),
    **{f"{code} to the start, always": Ends("start", answers(code), Side.TARGET, 1) for code in (500, 502, 503, 522)},
    **{f"{code} to the blob, always": Ends("put", answers(code), Side.TARGET, 1) for code in (500, 502, 504)},
    **{f"{code} to the manifest, always": Ends("point", answers(code), Side.TARGET, 1) for code in (500, 502, 503)},
}


@pytest.mark.parametrize("row", ENDS.values(), ids=ENDS)
def test_a_push_ends_with_one_clear_error(row: Ends) -> None:
    registry = TroubledRegistry()
    registry.trouble(row.door, row.trick, times=ALWAYS)
    source, root = image()
    with world(registry) as here:
        arrival = here.push(source, root)

    assert isinstance(arrival.error, LadingError)
    assert clear(arrival.error)
    assert here.host in str(arrival.error)
    assert (arrival.error.side, exit_code(arrival.error)) == (row.side, row.code), str(arrival.error)
    assert registry.tags(NAME) == {}


def test_wrong_bytes_from_the_source_complete_nothing() -> None:
    registry = TroubledRegistry()
    source, root = image()
    layer = next(digest for digest, content in source.blobs.items() if content == LAYER)
    source.blobs[layer] = bytes(len(LAYER))
    with world(registry) as here, pytest.raises(LadingError) as caught:
        here.push(source, root)

    assert caught.value.side is Side.SOURCE
    assert layer not in registry.blobs(NAME)
    assert registry.tags(NAME) == {}


def test_a_cancel_while_waiting_to_try_again_ends_it() -> None:
    registry = TroubledRegistry()
    source, root = image()
    with world(registry) as here:

        def cancelled(asked: Asked, play: Play) -> Reply:
            here.cancel.cancel()
            return Reply(503)

        registry.trouble("start", cancelled, times=ALWAYS)
        with pytest.raises(LadingError) as caught:
            here.push(source, root)

    assert exit_code(caught.value) == 130
    assert registry.tags(NAME) == {}
