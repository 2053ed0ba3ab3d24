"""What servers of one database say to each other of agents: written and read are the same, and nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.replica_call import (
    AnswerHead,
    Call,
    CallInvalid,
    Failure,
    Fault,
    answer_text,
    call_text,
    failure_text,
    read_answer,
    read_call,
    read_failure,
)

TEXTS = st.text(max_size=20)
HEADERS = st.dictionaries(TEXTS, TEXTS, max_size=3)
SECONDS = st.floats(0, 1e6)
CALLS = st.builds(
    Call,
    SECONDS,
    TEXTS,
    TEXTS,
    TEXTS,
    HEADERS,
    st.booleans(),
    st.booleans(),
    SECONDS,
    SECONDS,
    st.none() | st.tuples(st.integers(1000, 4999), TEXTS),
)


@given(CALLS)
def test_a_call_is_read_as_it_was_written(call: Call) -> None:
    read = read_call(call_text(call))

    assert read == call
    assert read.headers == call.headers


@given(st.integers(100, 599), HEADERS, st.booleans())
def test_an_answer_is_read_as_it_was_written(status: int, headers: dict[str, str], streamed: bool) -> None:
    read = read_answer(answer_text(AnswerHead(status, headers, streamed)))

    assert (read.status, read.headers, read.streamed) == (status, headers, streamed)


@given(st.sampled_from(Fault), TEXTS, TEXTS, TEXTS, SECONDS)
def test_a_failure_is_read_as_it_was_written(fault: Fault, text: str, hint: str, code: str, seconds: float) -> None:
    failure = Failure(fault, text, hint, code, seconds)

    assert read_failure(failure_text(failure)) == failure


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"at": true}',
        call_text(Call(1.0, "x")).replace('"once": "x"', '"once": 7'),
        call_text(Call(1.0, "x")).replace('"headers": {}', '"headers": {"a": 1}'),
        call_text(Call(1.0, "x", close=(1000, "gone"))).replace("[1000,", '["1000",'),
    ],
)
def test_a_call_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CallInvalid):
        read_call(text)


@pytest.mark.parametrize("text", ["", "%%%", "e30=", "W10="])
def test_an_answer_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CallInvalid):
        read_answer(text)


def test_a_login_stands_in_no_text_of_a_call() -> None:
    assert "secret" not in repr(Call(1.0, "x", headers={"X-Registry-Auth": "secret"}))
