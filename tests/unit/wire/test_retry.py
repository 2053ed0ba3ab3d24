"""Whether to ask again, and when."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import NetworkFailed, TlsRefused
from lading.wire.message import AddressRefused, BytesContent, ConnectFailed, ConnectionLost, Request, Response, Stalled
from lading.wire.retry import PATIENCE, TRANSIENT, Again, Quota, decide, may_repeat, quota, said_wait

NOW = 1_800_000_000.0
LOST = ConnectionLost("h", "reset")


def ask(outcome: Response | NetworkFailed, attempt: int = 1, elapsed: float = 0.0, met: bool = True) -> Again | None:
    return decide(outcome, attempt, elapsed, met=met, now=NOW, jitter=1.0)


@pytest.mark.parametrize("status", [200, 201, 202, 301, 400, 401, 403, 404, 405, 409, 412, 413, 416, 501, 505])
def test_answers_that_stay_the_same_are_not_asked_for_again(status: int) -> None:
    assert ask(Response(status)) is None


@pytest.mark.parametrize("status", sorted(TRANSIENT - {429}))
def test_a_passing_failure_is_waited_for_alone_and_longer_each_time(status: int) -> None:
    waits = [ask(Response(status), attempt) for attempt in range(1, 7)]

    assert [again.seconds if again else None for again in waits] == [0.5, 1, 2, 4, 8, None]
    assert not any(again.shared for again in waits if again)


def test_a_rate_limit_is_waited_for_by_everybody() -> None:
    waits = [ask(Response(429), attempt) for attempt in range(1, 10)]

    assert [again.seconds if again else None for again in waits] == [2, 4, 8, 16, 32, 60, 60, 60, None]
    assert all(again.shared for again in waits if again)


@pytest.mark.parametrize(
    ("outcome", "met", "again"),
    [
        (LOST, False, True),
        (Stalled("h", 60), False, True),
        (ConnectFailed("h", "refused"), True, True),
        (ConnectFailed("h", "refused"), False, False),
        (AddressRefused("h", "r"), True, False),
        (TlsRefused(), True, False),
    ],
)
def test_the_network_gets_another_chance_where_one_makes_sense(outcome: NetworkFailed, met: bool, again: bool) -> None:
    assert (ask(outcome, met=met) is not None) is again


def test_jitter_takes_up_to_half_away() -> None:
    halved = decide(LOST, 3, 0, met=True, now=NOW, jitter=0.0)

    assert halved is not None
    assert halved.seconds == 1.0


def test_patience_ends_with_the_time_too() -> None:
    assert ask(LOST, 1, PATIENCE.whole) is not None
    assert ask(LOST, 1, PATIENCE.whole + 1) is None
    assert ask(Response(429), 1, PATIENCE.whole + 1) is None


@given(st.integers(1, 10_000), st.floats(0, 1), st.sampled_from([LOST, Response(503), Response(429)]))
def test_a_wait_is_never_longer_than_allowed(attempt: int, jitter: float, outcome: Response | NetworkFailed) -> None:
    again = decide(outcome, attempt, 0, met=True, now=NOW, jitter=jitter)

    assert again is None or 0 < again.seconds <= PATIENCE.limited_longest


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "0.3ms"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 0),
        ({"retry-after": "Thu, 99 Foo 2026 99:99:99 GMT"}, None),
        ({"retry-after": "Fri, 01 Jan 99999999999 00:00:00 GMT"}, None),
        ({"ratelimit-reset": "50"}, 50),
        ({"ratelimit": "limit=100, remaining=0, reset=50"}, 50),
        ({"ratelimit": '"default";r=0;t=50'}, 50),
        ({"ratelimit": "limit=100"}, None),
        ({"x-ratelimit-reset": f"{NOW + 12:.0f}"}, 12),
        ({"x-ratelimit-reset": "12"}, None),
        ({"retry-after": "0.3ms", "ratelimit-reset": "9"}, 9),
        ({"retry-after": "4", "ratelimit-reset": "9"}, 4),
    ],
)
def test_registries_say_when_in_many_ways(headers: dict[str, str], seconds: float | None) -> None:
    assert said_wait(headers, NOW) == seconds


@given(st.text(max_size=40))
def test_no_header_breaks_the_reader(text: str) -> None:
    for name in ("retry-after", "ratelimit-reset", "ratelimit", "x-ratelimit-reset"):
        said_wait({name: text}, NOW)
    quota({"ratelimit-remaining": text, "ratelimit-limit": text})


def test_a_wait_that_is_said_is_kept_and_shared_whatever_the_status() -> None:
    again = ask(Response(503, {"retry-after": "20"}))

    assert again is not None
    assert 20 <= again.seconds <= 21
    assert again.shared


def test_no_wait_at_all_still_waits_a_little() -> None:
    again = ask(Response(429, {"retry-after": "0"}))

    assert again is not None
    assert again.seconds == PATIENCE.first


def test_a_wait_longer_than_we_may_is_given_up_at_once() -> None:
    assert ask(Response(429, {"retry-after": "21600"})) is None


@pytest.mark.parametrize(
    ("request_", "repeated"),
    [
        (Request("GET", "u"), True),
        (Request("HEAD", "u"), True),
        (Request("POST", "u"), True),
        (Request("POST", "u", content=BytesContent(b"x")), False),
        (Request("PUT", "u", content=BytesContent(b"")), False),
        (Request("DELETE", "u"), False),
    ],
)
def test_only_questions_without_a_body_are_repeated_without_asking(request_: Request, repeated: bool) -> None:
    assert may_repeat(request_) is repeated


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ({}, None),
        (
            {
                "ratelimit-limit": "100;w=21600",
                "ratelimit-remaining": "37;w=21600",
                "docker-ratelimit-source": "192.0.2.7",
            },
            Quota(37, 100, 21600, "192.0.2.7"),
        ),
        ({"ratelimit-remaining": "5"}, Quota(5)),
        ({"ratelimit-remaining": "5", "ratelimit-limit": "9;w=60"}, Quota(5, 9, 60)),
        ({"ratelimit-remaining": "many"}, None),
    ],
)
def test_what_is_left_of_the_allowance(headers: dict[str, str], left: Quota | None) -> None:
    assert quota(headers) == left
