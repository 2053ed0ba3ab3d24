from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.inventory.advisory import Affected, read_advisory
from lading.inventory.affected import Fix, Standing, fix, standing
from lading.inventory.fix_state import FixState
from tests.fakes.advisories import affecting, record

AFFECTED, SOUND, UNCLEAR = Standing.AFFECTED, Standing.SOUND, Standing.UNCLEAR
BRANCHES = ("introduced 0", "fixed 1.2", "introduced 2.0", "fixed 2.3")


def entry(ecosystem: str, *events: str, **fields: object) -> Affected:
    return read_advisory(record("X-1", affecting(ecosystem, "demo", *events, **fields))).affected[0]


@pytest.mark.parametrize(
    ("version", "stands"),
    [("1.1", AFFECTED), ("1.2", SOUND), ("1.9", SOUND), ("2.0", AFFECTED), ("2.2.9", AFFECTED), ("2.3", SOUND)],
)
@pytest.mark.parametrize("events", [BRANCHES, tuple(reversed(BRANCHES))])
def test_a_version_is_affected_from_where_it_came_in_until_it_was_mended(
    version: str, stands: Standing, events: tuple[str, ...]
) -> None:
    assert standing(entry("PyPI", *events), version) is stands


@pytest.mark.parametrize(("version", "stands"), [("1.0", AFFECTED), ("1.4", AFFECTED), ("1.4.1", SOUND)])
def test_the_last_affected_version_is_affected(version: str, stands: Standing) -> None:
    assert standing(entry("npm", "introduced 1.0.0", "last_affected 1.4.0"), version) is stands


def test_a_listed_version_is_affected_whatever_the_ranges_say() -> None:
    assert standing(entry("PyPI", "introduced 0", "fixed 1.0", versions=["legacy-7"]), "legacy-7") is AFFECTED


@pytest.mark.parametrize(("version", "stands"), [("1.0.0", AFFECTED), ("1.1", SOUND), ("trunk", UNCLEAR)])
def test_without_ranges_another_spelling_of_a_listed_version_is_it(version: str, stands: Standing) -> None:
    assert standing(entry("PyPI", versions=["1.0", "trunk?"]), version) is stands


def test_a_bound_that_cannot_be_read_leaves_it_unclear() -> None:
    assert standing(entry("PyPI", "introduced 0", "fixed someday"), "1.0") is UNCLEAR


def test_a_clear_range_is_not_made_unclear_by_another() -> None:
    two = entry("PyPI", "introduced 0", "fixed 2")
    both = Affected("PyPI", "demo", (*entry("PyPI", "introduced 0", "fixed someday").ranges, *two.ranges))

    assert standing(both, "1.0") is AFFECTED


def test_mended_before_anything_is_never_affected() -> None:
    assert standing(entry("Debian:12", "introduced 0", "fixed 0"), "1.0-1") is SOUND


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.0", Fix("1.2", FixState.FIXED)),
        ("2.1", Fix("2.3", FixState.FIXED)),
        ("legacy", Fix(None, FixState.UNKNOWN)),
    ],
)
def test_the_fix_is_the_lowest_above_what_is_installed(version: str, expected: Fix) -> None:
    assert fix([entry("PyPI", *BRANCHES)], version) == expected


def test_a_fix_that_another_record_calls_affected_is_none() -> None:
    early, late = entry("PyPI", "introduced 0", "fixed 1.2"), entry("PyPI", "introduced 0", "fixed 1.4")

    assert fix([early, late], "1.0") == Fix("1.4", FixState.FIXED)


@pytest.mark.parametrize(
    ("events", "fields", "state"),
    [
        (("introduced 0",), {}, FixState.NOT_FIXED),
        (("introduced 0", "last_affected 1.5"), {}, FixState.UNKNOWN),
        (("introduced 0", "fixed 0.5", "introduced 0.9"), {}, FixState.NOT_FIXED),
        ((), {"versions": ["1.0"]}, FixState.UNKNOWN),
        (("introduced 0",), {"ecosystem_specific": {"urgency": "end-of-life"}}, FixState.WONT_FIX),
    ],
)
def test_without_a_fix_it_is_said_what_is_known(
    events: tuple[str, ...], fields: dict[str, object], state: FixState
) -> None:
    assert fix([entry("Debian:12", *events, **fields)], "1.0") == Fix(None, state)


def test_what_only_subscribers_get_does_not_mend_it_for_all() -> None:
    for_all = entry("Ubuntu:22.04:LTS", "introduced 0")
    for_subscribers = entry("Ubuntu:Pro:22.04:LTS", "introduced 0", "fixed 1.0-1+esm1")

    assert fix([for_all, for_subscribers], "1.0-1") == Fix(None, FixState.NOT_FIXED)


TEXTS = st.text(alphabet="0123.:~-+abrc^_ v", min_size=1, max_size=12)
EVENTS = st.lists(st.tuples(st.sampled_from(["introduced", "fixed", "last_affected", "limit"]), TEXTS), max_size=5)


@pytest.mark.parametrize("ecosystem", ["Debian:12", "AlmaLinux:9", "Alpine:v3.19", "PyPI", "npm", "Maven", "RubyGems"])
@settings(max_examples=40)
@given(EVENTS, TEXTS)
def test_any_events_leave_a_version_somewhere(ecosystem: str, events: list[tuple[str, str]], version: str) -> None:
    made = entry(ecosystem, *(f"{kind} {text}" for kind, text in events))

    found = fix([made], version)

    assert standing(made, version) in Standing
    assert found.version is None or standing(made, found.version) is not AFFECTED
