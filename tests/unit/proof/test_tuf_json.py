"""Canonical JSON of trust metadata: one spelling for every content, every other refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.proof.tuf_json import Signature, Signed, write_canonical
from lading.proof.tuf_refusals import TrustInvalid

TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, -3]}, '{"a":[true,null,-3],"b":1}'),
        ({"A": 1, "a": 2, "é": 3}, '{"A":1,"a":2,"é":3}'),
        ('say "hi" \\ /é<&>\u2028', '"say \\"hi\\" \\\\ /é<&>\u2028"'),
        ({}, "{}"),
    ],
)
def test_the_canonical_form(value: object, text: str) -> None:
    assert write_canonical(value) == text.encode()


@pytest.mark.parametrize("value", [1.0, 0.5, 2**53, -(2**53), "line\nbreak", {"a\tb": 1}, {"a": object()}])
def test_what_has_no_canonical_form_is_not_written(value: object) -> None:
    with pytest.raises(TrustInvalid):
        write_canonical(value)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_a_signed_file_says_what_was_put_into_it(content: dict[str, object]) -> None:
    signed = Signed(content, (Signature("ab" * 32, "ecdsa", b"\x00\xff"),))

    assert Signed.read(signed.raw, "targets") == signed
    assert json.loads(signed.raw)["signed"] == content
    assert not any(each in signed.raw for each in (b"<", b">", b"&", "\u2028".encode()))


SIGNED = b'{"signed":{"a":1,"b":"x"},"signatures":[{"keyid":"k","method":"ecdsa","sig":"AAE="}]}'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"a":1', b'"a": 1'),
        (b'"a":1', b'"a":1.0'),
        (b'"a":1', b'"a":1e0'),
        (b'"a":1', b'"a":-0'),
        (b'"a":1', b'"a":9007199254740993'),
        (b'"a":1', b'"a":1,"a":1'),
        (b'"a":1,"b":"x"', b'"b":"x","a":1'),
        (b'"x"', b'"\\u0078"'),
        (b'"x"', b'"<"'),
        (b'"x"', b'"\\u003C"'),
        (b'"x"', b'"\\n"'),
        (b'"x"', b'"\\/"'),
        (b'"x"', b'"\\ud800"'),
        (b'"x"', b'"\xff"'),
        (b'"AAE="', b'"AAF="'),
        (b'"AAE="', b'"AAE"'),
        (b'"AAE="', b'"AA\\nE="'),
        (b'"ecdsa"', b'"ECDSA"'),
        (b'"ecdsa"', b'"none"'),
        (b'"sig"', b'"more":1,"sig"'),
        (b'{"signed"', b'{"more":1,"signed"'),
        (b"]}", b"]} "),
        (b"]}", b"]}{}"),
        (b'{"a":1,"b":"x"}', b"[]"),
        (SIGNED, b"[]"),
        (SIGNED, b""),
    ],
)
def test_another_spelling_is_refused(before: bytes, after: bytes) -> None:
    assert Signed.read(SIGNED, "targets").raw == SIGNED
    assert before in SIGNED

    with pytest.raises(TrustInvalid):
        Signed.read(SIGNED.replace(before, after), "targets")
