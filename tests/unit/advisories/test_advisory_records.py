"""Files to records: which are taken, and what is kept of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.backends.advisories.packed import packed, unpacked
from lading.backends.advisories.record_files import record_name
from lading.backends.advisories.records import Record, RecordInvalid, read_record
from tests.fakes.advisory_files import advisory, as_json


def read(name: str, record: object) -> Record | None:
    return read_record(f"{name}.json", json.dumps(record).encode())


def test_a_record_is_kept_in_two_parts() -> None:
    record = read_record("deep/in/PYSEC-1.json", as_json(advisory("PYSEC-1", "Some_Package", aliases=["CVE-2026-1"])))

    assert record is not None
    assert (record.id, record.modified) == ("PYSEC-1", 1767323045.0)
    assert record.names == {"PYSEC-1", "CVE-2026-1"}
    assert set(record.affected) == {("PyPI", "some-package")}
    said = unpacked(record.affected["PyPI", "some-package"])
    assert isinstance(said, list)
    assert said[0]["package"]["name"] == "Some_Package"
    assert "affected" not in str(unpacked(record.content))


def test_what_a_record_says_of_one_package_twice_is_kept_twice() -> None:
    whole = advisory("PYSEC-1")
    entries = whole["affected"]
    assert isinstance(entries, list)
    record = read("PYSEC-1", {**whole, "affected": [*entries, *entries, {"ranges": []}, {"package": {"name": "x"}}]})

    assert record is not None
    assert {package: unpacked(said) for package, said in record.affected.items()} == {("PyPI", "demo"): entries * 2}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("PYSEC-1.json", "PYSEC-1"),
        ("vulns/demo/PYSEC-1.yaml", "PYSEC-1"),
        ("a/ALSA-2025:21036.json", "ALSA-2025:21036"),
        ("a/x.yml", "x"),
        ("../../PYSEC-1.json", "PYSEC-1"),
        ("PYSEC-1.JSON", "PYSEC-1"),
        ("PYSEC-1.md", None),
        ("PYSEC-1", None),
        (".json", None),
        ("a/.hidden.json", None),
        ("a/b c.json", None),
        ("a/\udcff.json", None),
        ("a/" + "x" * 300 + ".json", None),
        ("internal/testdata/GHSA-1.json", None),
    ],
)
def test_a_record_is_where_its_file_has_an_id_for_a_name(path: str, name: str | None) -> None:
    assert record_name(path) == name


@pytest.mark.parametrize(
    "content",
    [b"{}", b"[]", b'{"id": "PYSEC-1"}', b'{"modified": "x"}', b'["id", "modified"]', b"\x00"],
)
def test_what_claims_to_be_no_advisory_is_left_alone(content: bytes) -> None:
    assert read_record("PYSEC-1.json", content) is None


@pytest.mark.parametrize(
    "record",
    [
        advisory("PYSEC-2"),
        advisory("../../etc/passwd"),
        {**advisory("PYSEC-1"), "id": 7},
        {**advisory("PYSEC-1"), "affected": "all"},
        {**advisory("PYSEC-1"), "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": [1]}]},
        advisory("PYSEC-1", "x" * 3000),
        advisory("PYSEC-1", "nul\0"),
        advisory("PYSEC-1", "half \ud800"),
        advisory("PYSEC-1", aliases=["half \udfff"]),
        advisory("PYSEC-1", aliases=[f"CVE-{number}" for number in range(2000)]),
    ],
    ids=range(10),
)
def test_a_record_that_lies_or_breaks_the_schema_is_invalid(record: object) -> None:
    with pytest.raises(RecordInvalid):
        read("PYSEC-1", record)


@pytest.mark.parametrize(
    "content",
    [
        b'{"id": "PYSEC-1", "modified": ' + b"[" * 200_000,
        b'{"id": "PYSEC-1", "modified": NaN}',
        b'{"id": "PYSEC-1", "modified": ' + b"9" * 10_000 + b"}",
        b'{"id": "PYSEC-1", "modified": "',
        b'\xff\xfe{"id", "modified"}',
    ],
    ids=range(5),
)
def test_json_that_is_none_is_invalid(content: bytes) -> None:
    with pytest.raises(RecordInvalid):
        read_record("PYSEC-1.json", content)


@given(st.binary(max_size=200))
def test_garbage_is_no_advisory(garbage: bytes) -> None:
    for form in ("json", "yaml"):
        try:
            assert read_record(f"PYSEC-1.{form}", b"id: modified\n" + garbage) is None
        except RecordInvalid:
            continue


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(json_values)
def test_parts_come_back_as_they_were(value: object) -> None:
    assert unpacked(packed(value)) == value


@given(st.binary(max_size=60))
def test_damaged_parts_are_noticed(garbage: bytes) -> None:
    whole = packed({"id": "PYSEC-1", "details": "x" * 50})
    with pytest.raises(ValueError, match=r"unpack|cut off|Exp|Extra|decode|codec"):
        unpacked(garbage + b"\xff" + whole)
