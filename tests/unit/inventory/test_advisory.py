from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory.advisory import AdvisoryInvalid, Event, EventKind, Rating, indexed_name, read_advisory
from tests.fakes.advisories import affecting, record

WRITTEN = record(
    "GHSA-aaaa-bbbb-cccc",
    affecting("PyPI", "Demo_App", "introduced 0", "fixed 1.2", versions=["1.0", "1.1"]),
    {"package": {"ecosystem": "", "name": ""}, "ranges": [{"type": "GIT", "repo": "https://example.test/demo"}]},
    aliases=["CVE-2099-0001"],
    published="2026-10-01T00:00:00Z",
    summary="Demo opens doors",
    severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    database_specific={"severity": "HIGH", "review_status": "UNREVIEWED"},
)


def test_a_record_is_read_as_it_is_written() -> None:
    advisory = read_advisory(WRITTEN)

    assert advisory.names == ("GHSA-aaaa-bbbb-cccc", "CVE-2099-0001")
    assert (advisory.published, advisory.withdrawn, advisory.malicious) == (1790812800.0, False, False)
    assert (advisory.word, advisory.unreviewed) == ("HIGH", True)
    assert [rating.type for rating in advisory.ratings] == ["CVSS_V3"]
    (entry,) = advisory.affected
    assert (entry.indexed_name, entry.versions) == ("demo-app", frozenset({"1.0", "1.1"}))
    assert entry.ranges == ((Event(EventKind.INTRODUCED, "0"), Event(EventKind.FIXED, "1.2")),)


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ({"ecosystem_specific": {"urgency": "unimportant"}}, "unimportant"),
        ({"ecosystem_specific": {"ubuntu_priority": "low"}}, "low"),
        ({"database_specific": {"severity": "Important"}}, "Important"),
        ({"ecosystem_specific": "none", "database_specific": None}, ""),
    ],
)
def test_the_word_of_who_makes_the_package_is_kept(entry: dict[str, object], word: str) -> None:
    advisory = read_advisory(record("X-1", {**affecting("Debian:12", "demo"), **entry}))

    assert advisory.affected[0].word == word


def test_ranges_of_commits_are_left_out() -> None:
    commits = {"type": "GIT", "events": [{"introduced": "0"}]}
    advisory = read_advisory(record("X-1", {"package": {"ecosystem": "PyPI", "name": "demo"}, "ranges": [commits]}))

    assert advisory.affected[0].ranges == ()


def test_ratings_of_a_package_stay_with_it() -> None:
    rating = {"type": "Ubuntu", "score": "medium"}
    advisory = read_advisory(record("X-1", affecting("Ubuntu:22.04:LTS", "demo", severity=[rating, {"type": 1}])))

    assert (advisory.ratings, advisory.affected[0].ratings) == ((), (Rating("Ubuntu", "medium"),))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "the record must be an object"),
        ({}, "id must be a name"),
        ({"id": "X" * 201}, "id must be a name"),
        (record("X-1") | {"affected": {}}, "affected must be a list"),
        (record("X-1") | {"affected": ["all"]}, "affected must be objects"),
        (record("X-1", affecting("PyPI", "demo", versions="1")), "versions must be a list"),
        (record("X-1", affecting("PyPI", "demo", versions=[1])), "versions must be strings"),
        (record("X-1", affecting("PyPI", "demo", "introduced ")), "events.introduced must be a version"),
        (record("X-1", affecting("PyPI", "demo") | {"ranges": [1]}), "ranges must be objects"),
    ],
)
def test_what_decides_must_be_right(value: object, said: str) -> None:
    with pytest.raises(AdvisoryInvalid, match=said):
        read_advisory(value)


@pytest.mark.parametrize(
    ("ecosystem", "name", "indexed"),
    [
        ("PyPI", "Flask_SQL.Alchemy", "flask-sql-alchemy"),
        ("NuGet", "Newtonsoft.Json", "newtonsoft.json"),
        ("Packagist", "Symfony/Http-Kernel", "symfony/http-kernel"),
        ("npm", "JSONStream", "JSONStream"),
        ("Debian:12", "libc6", "libc6"),
    ],
)
def test_names_that_mean_the_same_are_looked_up_as_one(ecosystem: str, name: str, indexed: str) -> None:
    assert indexed_name(ecosystem, name) == indexed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(WRITTEN)), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*WRITTEN, "withdrawn", "upstream"]), JSON))
def test_any_json_is_read_or_refused(members: dict[str, object]) -> None:
    with suppress(AdvisoryInvalid):
        assert read_advisory(members).id == members["id"]
