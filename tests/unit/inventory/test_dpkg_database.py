"""dpkg's database, with its program and without."""

from __future__ import annotations

from lading.inventory.dpkg import read_status
from lading.inventory.package import Package, PackageType
from tests.fakes.layers import image, layer, names

STATUS = b"""\
Package: libc6
Status: install ok installed
Priority: optional
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.36-9+deb12u4
Description: GNU C Library: Shared libraries
 Contains the standard libraries
 .
 Package: not a field

Package: libgcc-s1
Status: install ok installed
Architecture: amd64
Source: gcc-12 (12.2.0-14)
Version: 1:12.2.0-14

Package: gone
Status: deinstall ok config-files
Version: 1

Package: never
Status: unknown ok not-installed

Package: on-its-way-out
Status: deinstall ok installed
Architecture: all
Version: 3

Package: without-version
Status: install ok installed
"""


def test_what_is_there_is_read_with_its_source() -> None:
    read = read_status("var/lib/dpkg/status", STATUS)

    assert read.packages == (
        Package(
            PackageType.DEB,
            "libc6",
            "2.36-9+deb12u4",
            "var/lib/dpkg/status",
            architecture="amd64",
            source_name="glibc",
        ),
        Package(
            PackageType.DEB,
            "libgcc-s1",
            "1:12.2.0-14",
            "var/lib/dpkg/status",
            architecture="amd64",
            source_name="gcc-12",
            source_version="12.2.0-14",
        ),
        Package(PackageType.DEB, "on-its-way-out", "3", "var/lib/dpkg/status", architecture="all"),
    )
    assert read.notes == ("1 of its entries have no name or no version",)


def test_windows_line_ends_and_other_case_are_no_obstacle() -> None:
    read = read_status("var/lib/dpkg/status", b"package: a\r\nversion: 1\r\n\r\nPackage: b\r\nVersion: 2\r\n")

    assert [(package.name, package.version) for package in read.packages] == [("a", "1"), ("b", "2")]


def test_an_image_put_together_without_dpkg() -> None:
    distroless = {
        "var/lib/dpkg/status.d/base": "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n",
        "var/lib/dpkg/status.d/libssl3": "Package: libssl3\nSource: openssl\nVersion: 3.0.11-1\n",
        "var/lib/dpkg/status.d/libssl3.md5sums": "0123456789abcdef0123456789abcdef  usr/lib/libssl.so.3\n",
    }

    assert names(image(distroless)) == ["base-files 12.4", "libssl3 3.0.11-1"]
    assert layer(distroless).owned == {"var/lib/dpkg/status.d/libssl3.md5sums": {"libssl3": ("usr/lib/libssl.so.3",)}}


def test_the_database_may_lie_below_usr() -> None:
    assert names(image({"usr/lib/dpkg/status": "Package: a\nVersion: 1\n"})) == ["a 1"]


def test_of_owned_files_those_are_kept_that_may_be_evidence() -> None:
    listed = "/.\n/usr\n/usr/bin\n/usr/bin/tool\n/usr/share\n/usr/share/doc\n/usr/share/doc/tool\n/usr/lib/a.so.1\n"

    assert layer({"var/lib/dpkg/info/tool:amd64.list": listed}).owned == {
        "var/lib/dpkg/info/tool:amd64.list": {"tool": ("usr/bin/tool", "usr/lib/a.so.1")}
    }


def test_what_lies_beside_is_no_list() -> None:
    beside = {"var/lib/dpkg/info/tool.postinst": "x", "var/lib/dpkg/info.list": "/a", "var/lib/dpkg/status-old": "x"}

    assert layer(beside).owned == {}
    assert layer(beside).packages == {}


def test_what_is_no_status_is_noted() -> None:
    assert read_status("var/lib/dpkg/status", b"\x00\x01garbage").notes == ("it names no package",)
    assert read_status("var/lib/dpkg/status", b"\n").notes == ()
