"""What is remembered of signed tags, in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from lading.backends.credentials.seen_counters import SeenCounters, SeenUnusable
from lading.oci.reference import Reference

ONE, TWO = Reference.parse("registry.test/app:1"), Reference.parse("registry.test/app:2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "seen.json"


def test_a_counter_is_remembered_for_its_tag_and_key_and_never_falls(path: Path) -> None:
    SeenCounters(path).remember(ONE, {"ann": 5, "bob": 7})
    SeenCounters(path).remember(ONE, {"ann": 3, "eve": 1})
    SeenCounters(path).remember(TWO, {"ann": 9})

    assert SeenCounters(path).highest(ONE) == {"ann": 5, "bob": 7, "eve": 1}
    assert SeenCounters(path).highest(TWO) == {"ann": 9}
    assert path.stat().st_mode & 0o777 == 0o600


def test_of_a_tag_never_seen_nothing_is_known(path: Path) -> None:
    assert SeenCounters(path).highest(ONE) == {}


def test_tags_that_were_not_seen_for_longest_go_first(path: Path) -> None:
    counters = SeenCounters(path, 2)
    for reference in (ONE, TWO, ONE, Reference.parse("registry.test/app:3")):
        counters.remember(reference, {"ann": 1})

    assert counters.highest(TWO) == {}
    assert counters.highest(ONE) == {"ann": 1}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 1}', b'{"a": {"b": "1"}}', b'{"a": {"b": true}}', b"\xff"])
def test_a_file_that_cannot_be_read_is_not_taken_for_an_empty_one(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(SeenUnusable, match="is not what was written there"):
        SeenCounters(path).highest(ONE)
    with pytest.raises(SeenUnusable):
        SeenCounters(path).remember(ONE, {"ann": 1})


def test_a_place_that_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SeenUnusable, match="what was seen of signed tags, in"):
        SeenCounters(tmp_path).highest(ONE)
