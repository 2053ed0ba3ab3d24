from __future__ import annotations

import json

import pytest

from lading.wire.tunnel_frames import LADING_STREAMS, Hello, Welcome
from lading.wire.tunnel_login import CloseCode, RefusalText, refusal, speaks_lading_streams, throttled_text, welcome
from lading.wire.tunnel_text import frame_text

STOCK = Hello("0.2.14", "1.0", "a", "n", "28", "h", frozenset({"exec"}))
OURS = Hello("1", "1.0", "a", "n", "28", "h", frozenset({"exec", LADING_STREAMS}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RefusalText.EMPTY, "No token provided"),
        (RefusalText.INVALID, "Invalid token"),
        (RefusalText.TOO_MANY_FAILURES, "Too many failed attempts"),
        (RefusalText.FAILED, "Authentication failed"),
        (RefusalText.NOT_AUTHENTICATED, "Not authenticated"),
    ],
)
def test_a_refusal_says_what_agents_know(text: RefusalText, said: str) -> None:
    assert json.loads(frame_text(refusal(text))) == {"type": "error", "error": said, "message": said}


def test_a_throttled_agent_is_told_when_to_come_again() -> None:
    said = "Reconnection throttled. Retry after 60s."

    told = json.loads(frame_text(refusal(throttled_text(60), 60)))

    assert told == {"type": "error", "error": said, "message": said, "retryAfter": 60}


def test_close_codes_are_the_standards() -> None:
    assert (CloseCode.NORMAL, CloseCode.POLICY, CloseCode.OUR_FAULT) == (1000, 1008, 1011)


def test_only_our_agents_are_told_of_our_frames() -> None:
    assert welcome(4, STOCK, "9", {"a": 1}) == Welcome(4, "lading", "9", "Connected")
    assert welcome(4, OURS, "9", {"a": 1}) == Welcome(
        4, "lading", "9", "Connected", frozenset({LADING_STREAMS}), {"a": 1}
    )
    assert [speaks_lading_streams(each) for each in (STOCK, OURS)] == [False, True]
