from __future__ import annotations

import pytest

from lading.errors import Cancelled
from lading.inventory.fix_state import FixState
from lading.inventory.layer import ImageInventory, Installed
from lading.inventory.matching import Matched, match
from lading.inventory.package import OsRelease, Package, PackageType
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from tests.fakes.advisories import BUILT, MemoryAdvisories, affecting, record

LAYER = Digest.of(b"layer")
NOW = BUILT + 1000
BOOKWORM = OsRelease("debian", "12", codename="bookworm")
AMAZON = OsRelease("amzn", "2023")


def pypi(name: str, version: str, owned_by: str = "") -> Installed:
    return Installed(Package(PackageType.PYPI, name, version, f"lib/{name}/METADATA"), LAYER, owned_by)


def deb(name: str, version: str, source: str = "") -> Installed:
    return Installed(Package(PackageType.DEB, name, version, "var/lib/dpkg/status", source_name=source), LAYER)


def matched(lookup: MemoryAdvisories, *packages: Installed, release: OsRelease | None = BOOKWORM) -> Matched:
    return match(ImageInventory(release, packages), lookup, NOW, lambda _done, _total: None)


JINJA = (
    record(
        "PYSEC-2099-1",
        affecting("PyPI", "jinja2", "introduced 0", "fixed 2.10.1"),
        aliases=["CVE-2099-0001", "GHSA-aaaa-bbbb-cccc"],
        details="A template leaves its sandbox.",
    ),
    record(
        "GHSA-aaaa-bbbb-cccc",
        affecting("PyPI", "Jinja2", "introduced 0", "fixed 2.10.1"),
        aliases=["CVE-2099-0001"],
        summary="Sandbox escape",
        published="2026-10-01T00:00:00Z",
        database_specific={"severity": "HIGH"},
    ),
)
DEBIAN = (
    record(
        "DEBIAN-CVE-2099-0002",
        affecting("Debian:12", "openssl", "introduced 0", "fixed 3.0.12-1"),
        upstream=["CVE-2099-0002"],
        details="A handshake never ends.",
    ),
    record("DEBIAN-CVE-2099-0003", affecting("Debian:12", "openssl", "introduced 0"), upstream=["CVE-2099-0003"]),
)


def test_several_records_of_one_issue_are_one_match() -> None:
    found = matched(MemoryAdvisories(*JINJA), pypi("Jinja2", "2.10"))

    (one,) = found.matches
    assert (one.id, one.aliases) == ("CVE-2099-0001", ("GHSA-aaaa-bbbb-cccc", "PYSEC-2099-1"))
    assert (one.severity, one.fixed_version, one.fix_state) == (Severity.HIGH, "2.10.1", FixState.FIXED)
    assert (one.description, one.published) == ("Sandbox escape", 1790812800.0)
    assert one.link == "https://osv.dev/vulnerability/GHSA-aaaa-bbbb-cccc"
    assert (found.packages, found.matched, found.partial, found.notes) == (1, 1, False, ())
    assert found.built == {"PyPI": BUILT}


def test_what_a_distributions_package_owns_is_left_to_its_feed() -> None:
    lookup = MemoryAdvisories(*JINJA, *DEBIAN)

    found = matched(lookup, pypi("Jinja2", "2.10", owned_by="python3-jinja2"), deb("python3-jinja2", "2.10-2"))

    assert found.matches == ()
    assert (found.packages, found.matched, found.owned, found.partial) == (2, 1, 1, False)
    assert lookup.asked == [("Debian:12", "python3-jinja2")]


def test_packages_of_one_source_are_judged_by_it_once() -> None:
    lookup = MemoryAdvisories(*DEBIAN)

    found = matched(lookup, deb("libssl3", "3.0.11-1", "openssl"), deb("openssl", "3.0.11-1"))

    assert [(one.id, one.installed.package.name, one.fixed_version) for one in found.matches] == [
        ("CVE-2099-0002", "libssl3", "3.0.12-1"),
        ("CVE-2099-0002", "openssl", "3.0.12-1"),
        ("CVE-2099-0003", "libssl3", None),
        ("CVE-2099-0003", "openssl", None),
    ]
    assert {one.fix_state for one in found.matches} == {FixState.FIXED, FixState.NOT_FIXED}
    assert lookup.asked == [("Debian:12", "openssl")]


def test_what_is_not_rated_is_rated_by_its_other_names_asked_once() -> None:
    elsewhere = record("CVE-2099-0002", affecting("npm", "other"), database_specific={"severity": "LOW"}, summary="x")
    lookup = MemoryAdvisories(*DEBIAN, elsewhere)

    found = matched(lookup, deb("openssl", "3.0.11-1"), deb("libssl3", "3.0.11-1", "openssl"))

    rated = {(one.id, one.severity) for one in found.matches}
    assert rated == {("CVE-2099-0002", Severity.LOW), ("CVE-2099-0003", Severity.UNKNOWN)}
    assert len(lookup.named) == 1


def test_matches_stand_from_the_worst_down() -> None:
    records = [
        record(f"GHSA-{word}", affecting("PyPI", "demo", "introduced 0"), database_specific={"severity": word})
        for word in ("LOW", "CRITICAL", "MODERATE")
    ]

    found = matched(MemoryAdvisories(*records), pypi("demo", "1"))

    assert [one.severity for one in found.matches] == [Severity.CRITICAL, Severity.MEDIUM, Severity.LOW]


@pytest.mark.parametrize(
    "fields",
    [
        {"withdrawn": "2026-10-01T00:00:00Z"},
        {"affected": [affecting("PyPI", "demo", "introduced 0", database_specific={"informational": "unmaintained"})]},
        {"affected": [affecting("PyPI", "demo", "introduced 2")]},
        {"affected": [affecting("PyPI", "other", "introduced 0")]},
    ],
)
def test_what_does_not_mean_the_package_is_no_match(fields: dict[str, object]) -> None:
    written = record("GHSA-1", affecting("PyPI", "demo", "introduced 0")) | fields

    assert matched(MemoryAdvisories(written), pypi("demo", "1")).matches == ()


def test_a_malicious_package_is_critical() -> None:
    harmful = record("MAL-2099-1", affecting("PyPI", "demo", versions=["1"]), summary="It steals keys")

    (one,) = matched(MemoryAdvisories(harmful), pypi("demo", "1")).matches

    assert (one.id, one.severity, one.cvss) == ("MAL-2099-1", Severity.CRITICAL, None)


def test_the_record_of_one_issue_knows_better_than_an_erratum() -> None:
    erratum = record(
        "DSA-1-1",
        affecting("Debian:12", "demo", "introduced 0", "fixed 2.0-1"),
        upstream=["CVE-2099-0004", "CVE-2099-0005"],
    )
    sound = record(
        "DEBIAN-CVE-2099-0005",
        affecting("Debian:12", "demo", "introduced 0", "fixed 0.9-1"),
        upstream=["CVE-2099-0005"],
    )

    found = matched(MemoryAdvisories(erratum, sound), deb("demo", "1.0-1"))

    assert [(one.id, one.aliases) for one in found.matches] == [("CVE-2099-0004", ("DSA-1-1",))]


def test_an_erratum_that_was_not_enough_does_not_hide_the_next() -> None:
    first, second = (
        record(
            f"DSA-{number}-1", affecting("Debian:12", "demo", "introduced 0", f"fixed {number}.0-1"), upstream=[*issues]
        )
        for number, issues in ((1, ["CVE-2099-0004"]), (2, ["CVE-2099-0004", "CVE-2099-0005"]))
    )

    found = matched(MemoryAdvisories(first, second), deb("demo", "1.0-1"))

    assert [one.id for one in found.matches] == ["CVE-2099-0004", "CVE-2099-0005"]


# ── what was not evaluated


def test_a_distribution_without_a_feed_is_not_evaluated_and_that_is_said() -> None:
    found = matched(MemoryAdvisories(*JINJA), deb("bash", "5-1"), pypi("Jinja2", "3.1"), release=AMAZON)

    assert (found.packages, found.matched, found.not_evaluated) == (2, 1, {"deb: no feed": 1})
    assert found.partial
    assert found.notes == (
        "Not assessed: Amazon Linux 2023 has no feed in this scanner; the scanners grype and trivy know it.",
    )


def test_a_language_without_data_is_not_evaluated() -> None:
    found = matched(MemoryAdvisories(), pypi("demo", "1"), pypi("other", "1"))

    assert (found.matched, found.not_evaluated, found.partial) == (0, {"pypi: no data": 2}, True)
    assert found.notes == ("No advisories of PyPI are here: its packages are not assessed.",)


def test_a_java_library_without_a_group_is_not_evaluated() -> None:
    log4j = record("GHSA-jfh8-c2jp-5v3q", affecting("Maven", "org.apache.logging.log4j:log4j-core", "introduced 2.0"))
    library = Package(PackageType.MAVEN, "log4j-core", "2.14.1", "app/core.jar")

    found = matched(MemoryAdvisories(log4j), Installed(library, LAYER))

    assert (found.matches, found.not_evaluated, found.partial) == ((), {"maven: group not known": 1}, True)


def test_a_version_without_order_is_not_evaluated_unless_a_record_lists_it() -> None:
    listed = record("GHSA-1", affecting("PyPI", "demo", "introduced 0", "fixed 1", versions=["trunk"]))

    found = matched(MemoryAdvisories(listed), pypi("demo", "trunk"))

    assert [one.id for one in found.matches] == ["GHSA-1"]
    assert found.not_evaluated == {"pypi: version not understood": 1}
    assert found.partial


def test_a_record_that_cannot_be_compared_makes_the_result_partial() -> None:
    odd = record("GHSA-1", affecting("PyPI", "demo", "introduced 0", "fixed someday"))

    found = matched(MemoryAdvisories(odd), pypi("demo", "1"))

    assert (found.matches, found.matched, found.partial) == ((), 1, True)
    assert found.notes == ("Advisories that could not be compared with what is installed: 1.",)


def test_what_the_inventory_could_not_read_makes_the_result_partial() -> None:
    inventory = ImageInventory(None, (pypi("demo", "1"),), ("app.jar is no archive",))

    found = match(inventory, MemoryAdvisories(*JINJA), NOW, lambda _done, _total: None)

    assert found.partial
    assert found.notes == ("app.jar is no archive",)


def test_an_image_without_packages_is_not_called_sound() -> None:
    found = matched(MemoryAdvisories(*JINJA))

    assert found.partial
    assert found.notes == ("No package was recognised in the image.",)


def test_what_is_out_of_support_is_partial() -> None:
    old = OsRelease("alpine", "3.19.1")
    records = record("ALPINE-CVE-2099-1", affecting("Alpine:v3.19", "busybox", "introduced 0", "fixed 1.36-r1"))
    installed = Installed(Package(PackageType.APK, "busybox", "1.36-r2", "lib/apk/db/installed"), LAYER)

    found = match(ImageInventory(old, (installed,)), MemoryAdvisories(records), NOW, lambda _done, _total: None)

    assert (found.distribution, found.partial, found.matched) == ("Alpine 3.19.1", True, 1)
    assert found.notes == (
        "The feed of Alpine 3.19.1 tells of issues that are mended, not of those that are open.",
        "Alpine 3.19.1 is out of support since 2025-11-01: newer issues are not in its feed.",
    )


def test_records_that_nobody_reviewed_are_counted() -> None:
    unreviewed = record(
        "GO-2099-1",
        affecting("Go", "stdlib", "introduced 0", "fixed 1.24.4"),
        database_specific={"review_status": "UNREVIEWED"},
    )
    standard = Installed(Package(PackageType.GOLANG, "stdlib", "1.24.3", "usr/bin/app"), LAYER)

    found = matched(MemoryAdvisories(unreviewed), standard)

    assert [one.unreviewed for one in found.matches] == [True]
    assert found.notes == ("Issues found that stand in records which no person has reviewed: 1.",)
    assert not found.partial


def test_it_is_told_how_far_it_is_and_ends_when_told_so() -> None:
    told: list[tuple[int, int]] = []

    def telling(done: int, total: int) -> None:
        told.append((done, total))
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        match(ImageInventory(None, tuple(pypi(f"p{n}", "1") for n in range(3))), MemoryAdvisories(), NOW, telling)

    assert told == [(1, 3), (2, 3)]


@pytest.mark.parametrize("release", [OsRelease("wolfi", "20240101"), OsRelease("almalinux", "9")])
def test_packages_of_another_distribution_than_it_says_are_not_assessed(release: OsRelease) -> None:
    """os-release may lie, and no data of Wolfi speaks of Debian's packages."""
    lookup = MemoryAdvisories(
        record("CGA-1", affecting("Wolfi", "busybox", "introduced 0")),
        record("ALSA-1", affecting("AlmaLinux:9", "bash", "introduced 0")),
    )

    found = matched(lookup, deb("openssl", "3.0.11-1"), release=release)

    assert (found.matched, found.partial, lookup.asked) == (0, True, [])
    assert list(found.not_evaluated) == [f"deb: not of {found.distribution}"]
    assert found.notes == (f"Not assessed: {found.distribution} is not made of packages of deb.",)


def test_what_is_left_to_a_distribution_without_data_is_not_assessed() -> None:
    lookup = MemoryAdvisories(*JINJA)

    found = matched(lookup, pypi("Jinja2", "2.10", owned_by="python3-jinja2"), deb("python3-jinja2", "2.10-2"))

    assert (found.matches, found.matched, found.owned, found.partial) == ((), 0, 0, True)
    assert found.not_evaluated == {"deb: no data": 1, "pypi: left to its distribution, without data": 1}


def test_what_a_vendors_package_owns_is_held_against_the_data_of_its_language() -> None:
    """A vendor's package has only the form of the distribution's, whose data say nothing of it."""
    lookup = MemoryAdvisories(*JINJA, *DEBIAN)
    agent = Package(PackageType.DEB, "agent", "1", "var/lib/dpkg/status", by_vendor=True)

    found = matched(lookup, pypi("Jinja2", "2.10", owned_by="agent"), Installed(agent, LAYER))

    assert [one.id for one in found.matches] == ["CVE-2099-0001"]
    assert (found.matched, found.owned) == (2, 0)


@pytest.mark.parametrize("release", [BOOKWORM, OsRelease("kali", "2026.1")])
def test_what_the_data_speak_of_is_the_distributions_whoever_makes_it(release: OsRelease) -> None:
    """Some who work on Debian have addresses of their own, and all who work on what is made from it have."""
    lookup = MemoryAdvisories(*JINJA, *DEBIAN)
    openssl = Package(PackageType.DEB, "openssl", "9", "var/lib/dpkg/status", by_vendor=True)

    found = matched(lookup, pypi("Jinja2", "2.10", owned_by="openssl"), Installed(openssl, LAYER), release=release)

    assert [one.id for one in found.matches if one.installed.owned_by] == []
