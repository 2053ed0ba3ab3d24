from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.document import (
    DOCUMENT_LIMIT,
    ENTRY_LIMIT,
    NESTING_LIMIT,
    VALUES_LIMIT,
    DocumentInvalid,
    Fields,
    read_json,
    read_object,
    write_json,
)


def fields(text: str) -> Fields:
    return read_object(text.encode(), DocumentInvalid)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"", "the text"),
        (b"{", "the text"),
        (b"{} {}", "the text"),
        (b"[]", "the text"),
        (b"null", "the text"),
        (b"\xef\xbb\xbf{}", "the text"),
        ("{}".encode("utf-16"), "the text"),
        (b'{"a": "\xff"}', "the text"),
        (b'{"a": "\\ud800"}', "the text"),
        (b'{"\\udfff": 1}', "the text"),
        (b'{"a": "\n"}', "the text"),
        (b'{"a": NaN}', "the number NaN"),
        (b'{"a": -Infinity}', "the number -Infinity"),
        (b'{"a": 01}', "the text"),
        (b'{"a": ' + b"9" * 21 + b"}", "the number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "the number"),
        (b'{"a": 1, "a": 1}', "a"),
        (b'{"b": {"c": 1, "d": 2, "c": 3}}', "c"),
        (b'{"a": 1, "A": 1}', "A"),
        (b"[" * 100_000 + b"]" * 100_000, "the text"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "the text"),
        (b" " * (DOCUMENT_LIMIT + 1), "the text"),
    ],
)
def test_json_that_two_readers_could_take_differently_is_refused(raw: bytes, field: str) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        read_object(raw, DocumentInvalid)

    assert refused.value.field.startswith(field)
    assert "the document is not valid: " in str(refused.value)


def test_nesting_up_to_the_limit_is_read() -> None:
    depth = NESTING_LIMIT - 1

    assert read_json(b"[" * depth + b"]" * depth, DocumentInvalid)


@pytest.mark.parametrize(
    ("text", "read", "field"),
    [
        ("{}", lambda f: f.size("size"), "size"),
        ('{"size": -1}', lambda f: f.size("size"), "size"),
        ('{"size": 1.0}', lambda f: f.size("size"), "size"),
        ('{"size": 1e3}', lambda f: f.size("size"), "size"),
        ('{"size": true}', lambda f: f.size("size"), "size"),
        ('{"size": "1"}', lambda f: f.size("size"), "size"),
        ('{"size": 9223372036854775808}', lambda f: f.size("size"), "size"),
        ('{"Size": 1}', lambda f: f.size("size"), "Size"),
        ('{"ſize": 1}', lambda f: f.size("size"), "ſize"),
        ('{"text": 1}', lambda f: f.text("text"), "text"),
        ('{"text": ""}', lambda f: f.required_text("text"), "text"),
        ("{}", lambda f: f.required_text("text"), "text"),
        ('{"digest": "sha256:1"}', lambda f: f.digest("digest"), "digest"),
        ('{"digest": "md5:1"}', lambda f: f.digest("digest"), "digest"),
        ('{"digests": ["x"]}', lambda f: f.digests("digests"), "digests[0]"),
        ('{"texts": ["a", 1]}', lambda f: f.texts("texts"), "texts[1]"),
        ('{"texts": {}}', lambda f: f.texts("texts"), "texts"),
        ('{"map": []}', lambda f: f.mapping("map"), "map"),
        ('{"map": {"k": 1}}', lambda f: f.mapping("map"), "map[k]"),
        ('{"flag": 1}', lambda f: f.flag("flag"), "flag"),
        ('{"inner": []}', lambda f: f.inner("inner"), "inner"),
        ('{"list": [{}, 1]}', lambda f: list(f.each("list")), "list[1]"),
        ('{"list": [{}, {"x": 1}]}', lambda f: [inner.text("x") for inner in f.each("list")], "list[1].x"),
        ('{"a": {"b": {"x": 1}}}', lambda f: f.inner("a").inner("b").text("x"), "a.b.x"),
    ],
)
def test_a_wrong_field_is_named_by_its_path(text: str, read: object, field: str) -> None:
    assert callable(read)
    with pytest.raises(DocumentInvalid) as refused:
        read(fields(text))

    assert refused.value.field == field


def test_a_list_is_not_read_beyond_its_limit() -> None:
    text = json.dumps({"list": [""] * (ENTRY_LIMIT + 1)})

    with pytest.raises(DocumentInvalid, match="entries"):
        fields(text).texts("list")


def test_a_member_given_twice_among_very_many_is_found_at_once() -> None:
    members = ",".join(f'"{number:x}":0' for number in range(200_000))

    with pytest.raises(DocumentInvalid) as refused:
        read_json(f'{{{members},"ff":0}}'.encode(), DocumentInvalid)

    assert refused.value.field == "ff"


@pytest.mark.parametrize("value", ["{}", "[]", "1.5", '""', '{"a":1}'])
def test_a_document_of_very_many_values_is_not_built(value: str) -> None:
    """Each value takes dozens of bytes of memory, however few it has in the text."""
    raw = f"[{','.join([value] * (VALUES_LIMIT + 1))}]".encode()
    assert len(raw) <= DOCUMENT_LIMIT

    with pytest.raises(DocumentInvalid, match=f"{VALUES_LIMIT} are allowed"):
        read_json(raw, DocumentInvalid)


def test_the_largest_index_there_may_be_is_read() -> None:
    """Of entries as short as they come: what is refused is no manifest of anybody."""
    entry = {"mediaType": "a/b", "digest": f"sha256:{'0' * 64}", "size": 1, "platform": {"architecture": "", "os": ""}}
    entries = DOCUMENT_LIMIT // (len(write_json(entry)) + 1) - 1

    assert read_json(write_json([entry] * entries), DocumentInvalid) == [entry] * entries


def test_null_counts_as_absent() -> None:
    document = fields('{"text": null, "texts": null, "map": null, "inner": null, "flag": null}')

    assert document.text("text") is None
    assert document.texts("texts") == ()
    assert document.mapping("map") == {}
    assert document.inner("inner") is None
    assert document.flag("flag") is False
    assert list(document.each("list")) == []


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_what_is_written_reads_back(value: object) -> None:
    raw = write_json(value)

    assert read_json(raw, DocumentInvalid) == value
    assert write_json(json.loads(raw)) == raw


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        read_json(raw, DocumentInvalid)
    except DocumentInvalid as refused:
        text = str(refused)
        assert "not valid" in text
