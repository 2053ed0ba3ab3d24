from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory.advisory import Advisory, Rating, read_advisory
from lading.inventory.ratings import Rated, rated
from lading.inventory.severity import Severity
from tests.fakes.advisories import affecting, record

V2 = {"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:P/I:P/A:P"}  # 7.5
V3 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}  # 9.8
V3_LOW = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N"}  # 2.2
V4 = {"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}  # 9.3
UBUNTU = {"type": "Ubuntu", "score": "low"}
NONE = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"}  # 0.0


def judged(written: dict[str, object], *elsewhere: Advisory) -> Rated:
    advisory = read_advisory(written)
    return rated([(advisory, advisory.affected[0])], elsewhere)


def debian(urgency: str, **fields: object) -> dict[str, object]:
    return record("X-1", affecting("Debian:12", "demo", ecosystem_specific={"urgency": urgency}), **fields)


def github(word: str = "", *ratings: dict[str, str]) -> dict[str, object]:
    return record("GHSA-1", affecting("PyPI", "demo"), database_specific={"severity": word}, severity=list(ratings))


ELSEWHERE = read_advisory(github("MODERATE", V3))


@pytest.mark.parametrize(
    ("written", "severity", "cvss"),
    [
        (debian("unimportant", severity=[V3]), Severity.NEGLIGIBLE, 9.8),
        (debian("low**"), Severity.LOW, None),
        (debian("not yet assigned"), Severity.UNKNOWN, None),
        (debian("not yet assigned", severity=[V3]), Severity.CRITICAL, 9.8),
        (github("MODERATE", V3), Severity.MEDIUM, 9.8),
        (github("", V2), Severity.HIGH, 7.5),
        (github("", V2, V3, V4), Severity.CRITICAL, 9.3),
        (github("", V3_LOW), Severity.LOW, 2.2),
        (github("", NONE), Severity.NEGLIGIBLE, 0.0),
        (github("", {"type": "CVSS_V3", "score": "loud"}), Severity.UNKNOWN, None),
        (record("MAL-1", affecting("npm", "demo")), Severity.CRITICAL, None),
        (record("X", affecting("AlmaLinux:9", "a"), summary="Important: a security update"), Severity.HIGH, None),
        (record("X", affecting("PyPI", "a"), summary="Low: is what the title says"), Severity.UNKNOWN, None),
        (record("X", affecting("Ubuntu:22.04:LTS", "a"), severity=[UBUNTU, V3]), Severity.LOW, 9.8),
    ],
)
def test_who_knows_best_says_how_bad_it_is(written: dict[str, object], severity: Severity, cvss: float | None) -> None:
    assert judged(written) == Rated(severity, cvss)


def test_what_has_no_rating_takes_that_of_its_other_names() -> None:
    assert judged(debian("not yet assigned"), ELSEWHERE) == Rated(Severity.MEDIUM, 9.8)


def test_an_own_rating_stands_before_that_of_another_name() -> None:
    assert judged(github("", V3_LOW), ELSEWHERE) == Rated(Severity.LOW, 2.2)


@given(st.sampled_from(["CVSS_V2", "CVSS_V3", "CVSS_V4"]), st.text(alphabet="CVSS:3.140/AVNLHPU", max_size=60))
def test_any_text_is_a_score_or_none(metric: str, text: str) -> None:
    entry = read_advisory(github()).affected[0]

    found = rated([(Advisory("X-1", ratings=(Rating(metric, text),)), entry)], ())

    assert found.cvss is None or 0 <= found.cvss <= 10
