from __future__ import annotations

from lading.inventory.advisory import Affected, read_advisory
from lading.inventory.aliases import Claim, called, claims, gathered
from tests.fakes.advisories import affecting, record


def claimed(name: str, *, of_distribution: bool = False, **fields: object) -> list[Claim]:
    advisory = read_advisory(record(name, affecting("PyPI", "demo"), **fields))
    return claims(advisory, advisory.affected[0], of_distribution=of_distribution)


def test_records_that_share_a_name_through_others_are_one_finding() -> None:
    found = [
        *claimed("PYSEC-2099-1", aliases=["GHSA-aaaa-bbbb-cccc"]),
        *claimed("GO-2099-9"),
        *claimed("X-1", aliases=["CVE-2099-0001"]),
        *claimed("GHSA-aaaa-bbbb-cccc", aliases=["CVE-2099-0001"]),
    ]

    groups = gathered(found)

    assert [len(group) for group in groups] == [3, 1]
    assert called(groups[0]) == ("CVE-2099-0001", ("GHSA-aaaa-bbbb-cccc", "PYSEC-2099-1", "X-1"))
    assert called(groups[1]) == ("GO-2099-9", ())


def test_an_erratum_is_a_finding_for_each_issue_it_mends() -> None:
    found = claimed("ALSA-2099:1", of_distribution=True, related=["CVE-2099-0002", "CVE-2099-0001", "https://x"])

    assert [called(group) for group in gathered(found)] == [
        ("CVE-2099-0001", ("ALSA-2099:1",)),
        ("CVE-2099-0002", ("ALSA-2099:1",)),
    ]


def test_what_a_distribution_says_of_one_issue_is_called_by_its_cve() -> None:
    (claim,) = claimed("DEBIAN-CVE-2099-0001", of_distribution=True, upstream=["CVE-2099-0001"])

    assert called([claim]) == ("CVE-2099-0001", ("DEBIAN-CVE-2099-0001",))


def test_what_a_distribution_takes_from_one_reviewed_record_has_its_name_too() -> None:
    (claim,) = claimed("CGA-aaaa-bbbb", of_distribution=True, upstream=["CVE-2099-0001", "GHSA-aaaa-bbbb-cccc"])

    assert called([claim]) == ("CVE-2099-0001", ("GHSA-aaaa-bbbb-cccc", "CGA-aaaa-bbbb"))


def test_what_is_only_related_is_another_finding() -> None:
    (claim,) = claimed("GHSA-aaaa-bbbb-cccc", related=["CVE-2099-0001"])

    assert called([claim]) == ("GHSA-aaaa-bbbb-cccc", ())


def test_many_records_are_gathered_in_one_pass() -> None:
    entry = Affected("PyPI", "demo")
    advisory = read_advisory(record("X-1"))
    chain = [Claim(frozenset({f"A-{place}", f"A-{place + 1}"}), advisory, entry) for place in range(3000)]

    assert [len(group) for group in gathered([*chain[::2], *chain[1::2]])] == [3000]
