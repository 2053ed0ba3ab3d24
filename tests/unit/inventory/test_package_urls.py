"""Package URLs."""

from __future__ import annotations

import pytest
from packageurl import PackageURL

from lading.inventory.package import OsRelease, Package, PackageType
from lading.inventory.package_urls import package_url

DEBIAN = OsRelease("debian", "12", codename="bookworm")
ALPINE = OsRelease("alpine", "3.19.1")
ROCKY = OsRelease("rocky", "9.3")
SID = OsRelease("debian", "", codename="trixie")


@pytest.mark.parametrize(
    ("package", "release", "url"),
    [
        (
            Package(PackageType.DEB, "libc6", "2.36-9+deb12u4", "x", architecture="amd64", source_name="glibc"),
            DEBIAN,
            "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12&upstream=glibc",
        ),
        (
            Package(PackageType.DEB, "libgcc-s1", "12-1", "x", source_name="gcc-12", source_version="12"),
            SID,
            "pkg:deb/debian/libgcc-s1@12-1?distro=debian-trixie&upstream=gcc-12%4012",
        ),
        (
            Package(PackageType.APK, "musl", "1.2.5-r0", "x", architecture="x86_64"),
            ALPINE,
            "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.19.1",
        ),
        (
            Package(
                PackageType.RPM, "openssl-libs", "1:3.0.7-6.el9", "x", architecture="x86_64", source_name="openssl"
            ),
            ROCKY,
            "pkg:rpm/rocky/openssl-libs@3.0.7-6.el9?arch=x86_64&distro=rocky-9.3&epoch=1&upstream=openssl",
        ),
        (Package(PackageType.RPM, "bash", "5-1", "x"), None, "pkg:rpm/bash@5-1"),
        (Package(PackageType.PYPI, "jinja2", "2.10", "x"), DEBIAN, "pkg:pypi/jinja2@2.10"),
        (Package(PackageType.NPM, "core", "7.0.0", "x", namespace="@babel"), None, "pkg:npm/%40babel/core@7.0.0"),
        (
            Package(PackageType.GOLANG, "github.com/docker/docker", "v25.0.0+incompatible", "x"),
            None,
            "pkg:golang/github.com/docker/docker@v25.0.0%2Bincompatible",
        ),
        (Package(PackageType.GOLANG, "stdlib", "1.22.1", "x"), None, "pkg:golang/stdlib@1.22.1"),
        (
            Package(PackageType.MAVEN, "log4j-core", "2.14.1", "x", namespace="org.apache.logging.log4j"),
            None,
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
        ),
        (Package(PackageType.CARGO, "time", "0.1.0", "x"), None, "pkg:cargo/time@0.1.0"),
        (
            Package(PackageType.COMPOSER, "console", "v6.0", "x", namespace="symfony"),
            None,
            "pkg:composer/symfony/console@v6.0",
        ),
    ],
)
def test_every_type(package: Package, release: OsRelease | None, url: str) -> None:
    assert package_url(package, release) == url
    assert PackageURL.from_string(url).type == package.type


def test_any_name_can_be_written() -> None:
    for name in ("a b", "ü", "a/b?c#d@e", "\ufffd", "%41"):
        url = package_url(Package(PackageType.NPM, name, "1 2", "x"), None)

        assert PackageURL.from_string(url).version == "1 2"
