from __future__ import annotations

import json

import pytest

from lading.wire.docker_events import ToldEvent, exact_moment, moment_text, read_event
from lading.wire.docker_lines import LinesBroken

ID = "sha256:" + "a" * 64


def test_an_event_is_read() -> None:
    line = (
        b'{"status":"tag","id":"sha256:aa","Type":"image","Action":"tag","Actor":{"ID":"sha256:aa","Attributes":'
        b'{"maintainer":"ann","name":"app:1"}},"scope":"local","time":1766000000,"timeNano":1766000000123456789}\n'
    )

    attributes = {"maintainer": "ann", "name": "app:1"}
    assert read_event(line) == ToldEvent("image", "tag", "sha256:aa", attributes, 1_766_000_000_123_456_789)


def test_what_may_be_left_out_may_be() -> None:
    line = b'{"Type":"image","Action":"prune","Actor":{"ID":null,"Attributes":null},"time":5}'

    assert read_event(line) == ToldEvent("image", "prune", "", {}, 5_000_000_000)


@pytest.mark.parametrize(
    "members",
    [
        [],
        {},
        {"Type": "image", "Action": "tag", "time": 5},
        {"Type": "image", "Actor": {}, "time": 5},
        {"Action": "tag", "Actor": {}, "time": 5},
        {"Type": "image", "Action": "tag", "Actor": {}},
        {"Type": "image", "Action": "tag", "Actor": {}, "time": -5},
        {"Type": "image", "Action": "tag", "Actor": {}, "time": 10**400},
        {"Type": "image", "Action": "tag", "Actor": {}, "timeNano": 10**400},
    ],
)
def test_what_is_no_event_is_refused(members: object) -> None:
    with pytest.raises(LinesBroken):
        read_event(json.dumps(members).encode())


def test_half_an_event_is_refused() -> None:
    with pytest.raises(LinesBroken):
        read_event(b'{"Type":"ima')


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0.000000000"), (1, "0.000000001"), (1_766_000_000_123_456_789, "1766000000.123456789")],
)
def test_moments_are_written_to_the_nanosecond(nanoseconds: int, text: str) -> None:
    assert moment_text(nanoseconds) == text


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:01.000000002Z", 1_000_000_002),
        ("1970-01-01T01:00:01.5+01:00", 1_500_000_000),
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("soon", None),
    ],
)
def test_a_daemons_clock_is_read_to_the_nanosecond(text: str, nanoseconds: int | None) -> None:
    assert exact_moment(text) == nanoseconds
