"""Distributions: what they are called, and until when somebody mends them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from lading.inventory.package import OsRelease

_NAMES = MappingProxyType(
    {
        "almalinux": "AlmaLinux",
        "alpine": "Alpine",
        "amzn": "Amazon Linux",
        "arch": "Arch Linux",
        "azurelinux": "Azure Linux",
        "centos": "CentOS",
        "chainguard": "Chainguard OS",
        "debian": "Debian",
        "fedora": "Fedora",
        "gentoo": "Gentoo",
        "mageia": "Mageia",
        "mariner": "CBL-Mariner",
        "minimos": "MinimOS",
        "ol": "Oracle Linux",
        "openeuler": "openEuler",
        "opensuse-leap": "openSUSE Leap",
        "opensuse-tumbleweed": "openSUSE Tumbleweed",
        "photon": "Photon OS",
        "rhel": "Red Hat Enterprise Linux",
        "rocky": "Rocky Linux",
        "sles": "SUSE Linux Enterprise Server",
        "ubuntu": "Ubuntu",
        "wolfi": "Wolfi",
    }
)

DEBIAN_CODENAMES = MappingProxyType(
    {"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "duke": "15"}
)
"""Debian writes no VERSION_ID before a release is out (debian.org, Releases)."""


_ENDS = """\
almalinux: 8 2029-03-01, 9 2032-05-31, 10 2035-05-31
alpine: 3.2 2017-05-01, 3.3 2017-11-01, 3.4 2018-05-01, 3.5 2018-11-01, 3.6 2019-05-01
alpine: 3.7 2019-11-01, 3.8 2020-05-01, 3.9 2020-11-01, 3.10 2021-05-01, 3.11 2021-11-01
alpine: 3.12 2022-05-01, 3.13 2022-11-01, 3.14 2023-05-01, 3.15 2023-11-01, 3.16 2024-05-23
alpine: 3.17 2024-11-22, 3.18 2025-05-09, 3.19 2025-11-01, 3.20 2026-04-01, 3.21 2026-11-01
alpine: 3.22 2027-05-01, 3.23 2027-11-01
debian: 7 2018-05-31, 8 2020-06-30, 9 2022-06-30, 10 2024-06-30, 11 2026-08-31
debian: 12 2028-06-30, 13 2030-06-30
mariner: 2.0 2025-07-31
opensuse-leap: 15.2 2022-01-04, 15.3 2022-12-31, 15.4 2023-12-07, 15.5 2024-12-31, 15.6 2026-04-30
rhel: 6 2020-11-30, 7 2024-06-30, 8 2029-05-31, 9 2032-05-31, 10 2035-05-31
rocky: 8 2029-05-31, 9 2032-05-31, 10 2035-05-31
sles: 15.1 2021-01-31, 15.2 2021-12-31, 15.3 2022-12-31, 15.4 2023-12-31, 15.5 2024-12-31
sles: 15.6 2025-12-31
ubuntu: 12.04 2017-04-28, 14.04 2019-04-25, 16.04 2021-04-30, 16.10 2017-07-20, 17.04 2018-01-13
ubuntu: 17.10 2018-07-19, 18.04 2023-05-31, 18.10 2019-07-18, 19.04 2020-01-23, 19.10 2020-07-17
ubuntu: 20.04 2025-05-31, 20.10 2021-07-22, 21.04 2022-01-20, 21.10 2022-07-14, 22.04 2027-04-30
ubuntu: 22.10 2023-07-20, 23.04 2024-01-25, 23.10 2024-07-11, 24.04 2029-04-30, 24.10 2025-07-10
ubuntu: 25.04 2026-01-15, 25.10 2026-07-09, 26.04 2031-04-30
"""
"""By os-release's id, the last day on which everybody gets corrections: Debian's long term support, Ubuntu's standard
support."""


@dataclass(frozen=True, slots=True)
class Support:
    """Until when a release is mended, in seconds since 1970, as `day` says for people."""

    until: float
    day: str


def titled(release: OsRelease) -> str:
    """A release in words: `Debian 12`, or `Debian forky` where there is no number."""
    name = _NAMES.get(release.id) or release.name or release.id
    return f"{name} {release.version_id or release.codename}".strip()


def support(release: OsRelease) -> Support | None:
    """None where it is not known here; such a one may be older than all that are, or newer."""
    for version, day in _last_days(release.id):
        if f"{release.version_id}.".startswith(f"{version}."):  # 3.19.1 is 3.19
            return Support(datetime.fromisoformat(day).replace(hour=23, minute=59, tzinfo=UTC).timestamp(), day)
    return None


def _last_days(distribution: str) -> Iterator[tuple[str, str]]:
    """Each release of it, and its day."""
    for line in _ENDS.splitlines():
        named, _, releases = line.partition(": ")
        if named == distribution:
            yield from ((release[0], release[1]) for release in map(str.split, releases.split(", ")))
