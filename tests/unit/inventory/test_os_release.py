"""Which distribution an image is."""

from __future__ import annotations

import pytest

from lading.inventory.os_release import OS_RELEASE, read_os_release
from lading.inventory.package import OsRelease
from tests.fakes.layers import Symlink, image

DEBIAN = b"""\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION_CODENAME=bookworm
# a comment
ID=debian
"""


def test_fields_are_read_as_a_shell_would() -> None:
    release = read_os_release(DEBIAN)

    assert (release.id, release.version_id, release.codename) == ("debian", "12", "bookworm")
    assert release.name == "Debian GNU/Linux"
    assert dict(release.fields)["PRETTY_NAME"] == "Debian GNU/Linux 12 (bookworm)"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"NAME=plain", "plain"),
        (b"NAME='single $quoted \\ text'", "single $quoted \\ text"),
        (b'NAME="double \\"quoted\\" \\$5 \\\\"', 'double "quoted" $5 \\'),
        (b"  NAME=indented  ", "indented"),
        (b'NAME="half', '"half'),
        (b"NAME=first\nNAME=last", "last"),
        (b"name=other", ""),
    ],
)
def test_quotes(line: bytes, value: str) -> None:
    assert read_os_release(line).name == value


def test_a_rolling_distribution_has_no_version() -> None:
    assert read_os_release(b"ID=arch\n").version_id == ""


def test_without_an_id_it_is_some_linux() -> None:
    assert read_os_release(b"").id == "linux"


def test_relatives_and_an_old_codename() -> None:
    release = read_os_release(b'ID="centos"\nID_LIKE="rhel fedora"\nVERSION="9 (Stretch)"\n')

    assert release.id_like == ("rhel", "fedora")
    assert release.codename == "stretch"


def test_the_one_in_etc_counts_first_and_a_link_is_followed() -> None:
    both = {"etc/os-release": "ID=ours", "usr/lib/os-release": "ID=theirs"}
    linked = {"etc/os-release": Symlink("../usr/lib/os-release"), "usr/lib/os-release": "ID=theirs"}

    assert [found.id for found in (image(both).release, image(linked).release) if found] == ["ours", "theirs"]


def test_red_hats_before_7_have_a_line_instead() -> None:
    old = image({"etc/redhat-release": "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n"}).release

    assert old == OsRelease("rhel", "6.10", name="Red Hat Enterprise Linux")
    assert image({"etc/centos-release": "CentOS release 5.11 (Final)\n"}).release == OsRelease(
        "centos", "5.11", name="CentOS"
    )
    assert image({"etc/redhat-release": "something else"}).release is None


def test_only_its_own_paths_are_looked_at() -> None:
    assert OS_RELEASE.matches("etc/os-release")
    assert not OS_RELEASE.matches("srv/chroot/etc/os-release")
