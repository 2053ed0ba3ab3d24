"""YAML as PyPA writes it, and as nobody should."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lading.backends.advisories.yaml_records import VALUES_LIMIT, YAML_LIMIT, YamlRefused, read_yaml

RECORD = b"""
id: PYSEC-2021-358
details: A flaw was found, where a controller is vulnerable
  to injection.
affected:
- package: {name: ansible, ecosystem: PyPI}
  ranges:
  - type: ECOSYSTEM
    events:
    - introduced: 0
    - fixed: 2.10
  versions:
  - '1.0'
  - 1.10
aliases:
- CVE-2021-3583
withdrawn: null
modified: 2021-10-11T01:16:39.746753Z
"""


def test_scalars_are_the_text_that_was_written() -> None:
    value = read_yaml(RECORD)

    assert isinstance(value, dict)
    assert value["details"] == "A flaw was found, where a controller is vulnerable to injection."
    assert value["affected"][0]["versions"] == ["1.0", "1.10"]
    assert value["affected"][0]["ranges"][0]["events"] == [{"introduced": "0"}, {"fixed": "2.10"}]
    assert (value["withdrawn"], value["modified"]) == (None, "2021-10-11T01:16:39.746753Z")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"a: true", {"a": True}),
        (b"a: 'true'", {"a": "true"}),
        (b"a: !!str x", None),
        (b"a: ~\nb:", {"a": None, "b": None}),
        (b"a: &x [1, 2]\nb: *x", {"a": ["1", "2"], "b": ["1", "2"]}),
        (b"a: 1\na: 2", {"a": "1"}),
        (b"[]", []),
    ],
)
def test_only_what_json_could_say_is_read(text: bytes, value: object) -> None:
    if value is None:
        with pytest.raises(YamlRefused):
            read_yaml(text)
    else:
        assert read_yaml(text) == value


def bomb(levels: int) -> bytes:
    """Nine of nine of nine…"""
    lines = [b"a0: &a0 [x]"]
    lines += [b"a%d: &a%d [%s]" % (at, at, b", ".join([b"*a%d" % (at - 1)] * 9)) for at in range(1, levels)]
    return b"\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(20),
        b"[" * 100_000,
        b"- " * 100_000,
        b"[" * 500 + b"]" * 500,
        b"a: &a [*a]",
        b"a: *nothing",
        b"a: &a {x: 1}\nb: {<<: *nothing}",
        b"!!python/object/apply:os.system ['true']",
        b"a: !!timestamp 2021-01-01",
        b"? [a]\n: b",
        b"a: 1\n---\nb: 2",
        b"",
        b"a: 'x",
        b"\xff\xfe\x00",
        b"a: \x07",
        b"x" * (YAML_LIMIT + 1),
        b"[" + b"x, " * (VALUES_LIMIT + 1) + b"]",
    ],
    ids=lambda text: repr(text[:24]),
)
def test_what_no_advisory_needs_is_refused_at_once(text: bytes) -> None:
    with pytest.raises(YamlRefused):
        read_yaml(text)


def test_merge_keys_mean_nothing() -> None:
    assert read_yaml(b"a: &a {x: '1'}\nb: {<<: *a, y: '2'}") == {
        "a": {"x": "1"},
        "b": {"<<": {"x": "1"}, "y": "2"},
    }


@given(st.binary(max_size=300) | st.text(alphabet="&*[]{}:-?!<>|'\"\n a1", max_size=80).map(str.encode))
def test_garbage_is_read_or_refused(text: bytes) -> None:
    try:
        read_yaml(text)
    except YamlRefused:
        return


values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_what_json_can_say_comes_back(value: object) -> None:
    assert read_yaml(yaml.safe_dump(value).encode()) == value
