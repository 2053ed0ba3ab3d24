"""Alpine's package database."""

from __future__ import annotations

from lading.inventory.apk import read_installed
from lading.inventory.package import Package, PackageType
from tests.fakes.layers import image, layer, names

INSTALLED = b"""\
C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
o:musl
L:MIT
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755

P:busybox-binsh
V:1.36.1-r29
A:x86_64
o:busybox
L:GPL-2.0-only
F:bin
R:sh
F:
R:linuxrc
F:usr/share/doc
R:busybox

P:broken
"""


def test_packages_with_their_origin_and_their_files() -> None:
    read = read_installed("lib/apk/db/installed", INSTALLED)

    path = "lib/apk/db/installed"
    assert read.packages == (
        Package(PackageType.APK, "musl", "1.2.5-r0", path, architecture="x86_64", licenses=("MIT",)),
        Package(
            PackageType.APK,
            "busybox-binsh",
            "1.36.1-r29",
            path,
            architecture="x86_64",
            source_name="busybox",
            licenses=("GPL-2.0-only",),
        ),
    )
    assert read.owned == {
        "musl": ("lib/ld-musl-x86_64.so.1",),
        "busybox-binsh": ("bin/sh", "linuxrc", "usr/share/doc/busybox"),
    }
    assert read.notes == ("1 of its entries have no name or no version",)


def test_both_places_of_the_database() -> None:
    assert names(image({"lib/apk/db/installed": INSTALLED})) == ["busybox-binsh 1.36.1-r29", "musl 1.2.5-r0"]
    assert names(image({"usr/lib/apk/db/installed": INSTALLED})) == ["busybox-binsh 1.36.1-r29", "musl 1.2.5-r0"]


def test_documents_are_not_kept_as_owned() -> None:
    owned = layer({"lib/apk/db/installed": INSTALLED}).owned["lib/apk/db/installed"]

    assert owned["busybox-binsh"] == ("bin/sh", "linuxrc")


def test_a_folder_without_end_is_not_put_before_every_file() -> None:
    read = read_installed("lib/apk/db/installed", b"P:a\nV:1\nF:" + b"x" * 100_000 + b"\n" + b"R:f\n" * 1000)

    assert read.owned == {"a": ("f",) * 1000}


def test_what_is_no_database_is_noted() -> None:
    assert read_installed("lib/apk/db/installed", b"garbage").notes == ("it names no package",)
    assert read_installed("lib/apk/db/installed", b"").notes == ()
