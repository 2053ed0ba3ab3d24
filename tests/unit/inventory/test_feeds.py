from __future__ import annotations

import pytest

from lading.inventory.distributions import titled
from lading.inventory.feeds import Subject, aged, distribution_feed, speaking, subject
from lading.inventory.package import OsRelease, Package, PackageType

KNOWN = {
    "Debian:12",
    "Debian:13",
    "Debian:14",
    "Ubuntu:22.04:LTS",
    "Ubuntu:Pro:22.04:LTS",
    "Ubuntu:25.10",
    "Alpine:v3.19",
    "Wolfi",
    "Chainguard",
    "AlmaLinux:9",
    "Rocky Linux:8",
    "Red Hat:enterprise_linux:9::baseos",
    "Red Hat:enterprise_linux:9::appstream",
    "Red Hat:enterprise_linux:90",
    "SUSE:Linux Enterprise Server 15 SP5",
    "SUSE:Linux Enterprise Module for Basesystem 15 SP5",
    "SUSE:Linux Enterprise Module for Basesystem 15 SP4",
    "openSUSE:Leap 15.5",
    "Azure Linux:3",
    "openEuler:24.03-LTS",
    "PyPI",
}
END_OF_2026 = 1_798_700_000.0


def release(id: str, version: str = "", codename: str = "", name: str = "") -> OsRelease:  # noqa: A002 - the field's name
    return OsRelease(id, version, codename=codename, name=name)


@pytest.mark.parametrize(
    ("here", "ecosystems"),
    [
        (release("debian", "12"), ("Debian:12",)),
        (release("debian", "12.5"), ("Debian:12",)),
        (release("debian", codename="forky"), ("Debian:14",)),
        (release("debian", codename="trixie/sid"), ("Debian:13",)),
        (release("ubuntu", "22.04"), ("Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS")),
        (release("ubuntu", "25.10"), ("Ubuntu:25.10",)),
        (release("alpine", "3.19.1"), ("Alpine:v3.19",)),
        (release("wolfi", "20230201"), ("Wolfi",)),
        (release("chainguard", "20230214"), ("Chainguard",)),
        (release("almalinux", "9.4"), ("AlmaLinux:9",)),
        (release("rocky", "8.9"), ("Rocky Linux:8",)),
        (
            release("rhel", "9.4"),
            ("Red Hat:enterprise_linux:9::appstream", "Red Hat:enterprise_linux:9::baseos"),
        ),
        (
            release("sles", "15.5"),
            ("SUSE:Linux Enterprise Module for Basesystem 15 SP5", "SUSE:Linux Enterprise Server 15 SP5"),
        ),
        (release("opensuse-leap", "15.5"), ("openSUSE:Leap 15.5",)),
        (release("azurelinux", "3.0"), ("Azure Linux:3",)),
        (release("openeuler", "24.03"), ("openEuler:24.03-LTS",)),
    ],
)
def test_each_distribution_has_the_feed_of_its_release(here: OsRelease, ecosystems: tuple[str, ...]) -> None:
    feed = distribution_feed(here, KNOWN)

    assert (feed.ecosystems, feed.cause) == (ecosystems, "")


@pytest.mark.parametrize(
    ("here", "note"),
    [
        (release("amzn", "2023"), "Amazon Linux 2023 has no feed in this scanner; the scanners grype and trivy know"),
        (release("ol", "9.4"), "Oracle Linux 9.4 has no feed"),
        (release("fedora", "42"), "Fedora 42 has no feed"),
        (release("arch"), "Arch Linux has no feed"),
        (release("centos", "7"), "CentOS 7 has no feed"),
        (release("nobodys", "1", name="Nobody's Linux"), "Nobody's Linux 1 has no feed"),
    ],
)
def test_a_distribution_without_a_feed_is_not_assessed(here: OsRelease, note: str) -> None:
    feed = distribution_feed(here, KNOWN)

    assert (feed.ecosystems, feed.cause) == ((), "no feed")
    assert note in feed.notes[0]


@pytest.mark.parametrize(
    "here",
    [release("debian", "11"), release("debian", codename="sid"), release("alpine", "3.99.0"), release("rhel", "8")],
)
def test_a_release_without_data_is_not_assessed(here: OsRelease) -> None:
    feed = distribution_feed(here, KNOWN)

    assert (feed.ecosystems, feed.cause) == ((), "no data")
    assert feed.notes[-1] == f"Not assessed: no advisories of {titled(here)} are here."


def test_an_image_that_names_no_distribution_is_not_assessed() -> None:
    assert distribution_feed(None, KNOWN).cause == "unknown distribution"


def test_what_is_not_released_is_said_to_be_judged_by_the_next_release() -> None:
    feed = distribution_feed(release("debian", codename="forky"), KNOWN)

    assert feed.notes == ("Debian forky is not released yet: it is judged by what is known of Debian 14.",)


def test_the_feed_of_red_hat_is_partial() -> None:
    assert distribution_feed(release("rhel", "9"), KNOWN).partial


@pytest.mark.parametrize(
    ("here", "now", "partial"),
    [
        (release("debian", "12"), END_OF_2026, False),
        (release("alpine", "3.19.1"), END_OF_2026, True),
        (release("alpine", "3.19.1"), 1_700_000_000.0, False),
        (release("wolfi"), END_OF_2026, False),
    ],
)
def test_what_is_out_of_support_is_not_wholly_assessed(here: OsRelease, now: float, *, partial: bool) -> None:
    feed = aged(distribution_feed(here, KNOWN), here, now)

    assert feed.partial is partial
    assert any("out of support since 2025-11-01" in note for note in feed.notes) is partial


BINARY = Package(PackageType.DEB, "libssl3", "3.0.11-1+b1", "x", source_name="openssl", source_version="3.0.11-1")
PART = Package(PackageType.RPM, "python3-libs", "3.9-1", "x", source_name="python3")
ARTIFACT = Package(PackageType.MAVEN, "log4j-core", "2.14", "x", namespace="org.apache")


@pytest.mark.parametrize(
    ("package", "ecosystem", "expected"),
    [
        (BINARY, "Debian:12", Subject("openssl", "3.0.11-1")),
        (Package(PackageType.DEB, "bash", "5.2-1", "x"), "Debian:12", Subject("bash", "5.2-1")),
        (PART, "AlmaLinux:9", Subject("python3-libs", "3.9-1")),
        (PART, "openSUSE:Leap 15.5", Subject("python3", "3.9-1")),
        (Package(PackageType.PYPI, "Jinja2", "2.4", "x"), "PyPI", Subject("jinja2", "2.4")),
        (ARTIFACT, "Maven", Subject("org.apache:log4j-core", "2.14")),
        (Package(PackageType.NPM, "core", "7.0.0", "x", namespace="@babel"), "npm", Subject("@babel/core", "7.0.0")),
        (Package(PackageType.GOLANG, "golang.org/x/net", "v0.1.0", "x"), "Go", Subject("golang.org/x/net", "0.1.0")),
        (Package(PackageType.COMPOSER, "Demo", "v1", "x", namespace="acme"), "Packagist", Subject("acme/demo", "v1")),
    ],
)
def test_a_package_is_asked_for_as_its_feed_calls_it(package: Package, ecosystem: str, expected: Subject) -> None:
    assert subject(package, ecosystem) == expected


def test_a_package_for_subscribers_is_judged_by_what_they_get() -> None:
    feed = distribution_feed(release("ubuntu", "22.04"), KNOWN)

    assert speaking(feed, "1.0-1ubuntu1+esm2") == ("Ubuntu:Pro:22.04:LTS",)
    assert speaking(feed, "1.0-1ubuntu1") == feed.ecosystems
