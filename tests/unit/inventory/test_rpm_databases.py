"""rpm's databases of all three forms."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import pytest

from lading.inventory.package import Package, PackageType
from lading.inventory.rpm_bdb import bdb_headers
from lading.inventory.rpm_header import read_header
from lading.inventory.rpm_invalid import RpmDatabaseInvalid
from lading.inventory.rpm_ndb import ndb_headers
from tests.fakes.layers import image, layer, names
from tests.fakes.rpm_databases import (
    BASE_NAMES,
    FOLDER_INDEXES,
    FOLDER_NAMES,
    NAME,
    OLD_FILE_NAMES,
    RELEASE,
    VERSION,
    bdb_database,
    header,
    ndb_database,
    numbers,
    package_header,
    text,
    texts,
)

PATH = "var/lib/rpm/Packages.db"
BASH = package_header(
    "bash", "5.1.8", "4.el9", source="bash-5.1.8-4.el9.src.rpm", files=["/usr/bin/bash", "/usr/share/doc/bash/README"]
)
SSL = package_header(
    "openssl-libs",
    "3.0.7",
    "6.el9",
    epoch=1,
    source="openssl-3.0.7-6.el9.src.rpm",
    files=[f"/usr/lib/{n}.so" for n in range(90)],
)
KEY = package_header("gpg-pubkey", "fd431d51", "4ae0493b")
HEADERS = [BASH, SSL, KEY]


def test_a_package_with_its_files() -> None:
    read = read_header(BASH, PATH)

    assert read.package == Package(
        PackageType.RPM, "bash", "5.1.8-4.el9", PATH, architecture="x86_64", licenses=("MIT",)
    )
    assert read.files == ("usr/bin/bash", "usr/share/doc/bash/README")


def test_an_epoch_stands_before_both_versions_and_a_source_has_its_own_name() -> None:
    package = read_header(SSL, PATH).package

    assert package is not None
    assert (package.version, package.source_name, package.source_version) == ("1:3.0.7-6.el9", "openssl", "")


def test_a_source_of_another_version() -> None:
    read = read_header(package_header("a-libs", "2", "1", epoch=3, source="a-suite-7-9.src.rpm"), PATH).package

    assert read is not None
    assert (read.source_name, read.source_version) == ("a-suite", "3:7-9")


def test_an_epoch_of_zero_is_none() -> None:
    read = read_header(package_header("a", "1", "1", epoch=0), PATH).package

    assert read is not None
    assert read.version == "1-1"


def test_keys_are_no_packages() -> None:
    assert read_header(KEY, PATH).package is None


def test_whole_names_as_before_rpm_4() -> None:
    old = header([text(NAME, "a"), text(VERSION, "1"), text(RELEASE, "2"), texts(OLD_FILE_NAMES, ["/bin/a", "/lib/b"])])

    assert read_header(old, PATH).files == ("bin/a", "lib/b")


NAMED = [text(NAME, "a"), text(VERSION, "1"), text(RELEASE, "2")]


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\0" * 8,
        struct.pack(">II", 0x10000, 0),
        struct.pack(">II", 1, 4) + b"\0" * 16,
        header([text(NAME, "a")]),
        header([*NAMED, texts(FOLDER_NAMES, ["/usr/"]), texts(BASE_NAMES, ["a"]), numbers(FOLDER_INDEXES, [1])]),
        header([*NAMED, texts(FOLDER_NAMES, ["/usr/"]), texts(BASE_NAMES, ["a"]), numbers(FOLDER_INDEXES, [])]),
        header([*NAMED, (BASE_NAMES, 8, 2_000_000, b"\0" * 100)]),
        header([*NAMED, (BASE_NAMES, 8, 3, b"a\0b")]),
        header([*NAMED, (FOLDER_INDEXES, 4, 0xFFFFFFFF, b"")]),
    ],
)
def test_broken_headers(blob: bytes) -> None:
    with pytest.raises(RpmDatabaseInvalid):
        read_header(blob, PATH)


def test_a_long_folder_does_not_stand_before_every_file() -> None:
    count = 70_000
    bomb = header(
        [
            *NAMED,
            texts(FOLDER_NAMES, ["/" + "x" * 4096]),
            texts(BASE_NAMES, ["a"] * count),
            numbers(FOLDER_INDEXES, [0] * count),
        ]
    )

    with pytest.raises(RpmDatabaseInvalid, match="too long names"):
        read_header(bomb, PATH)


Write = Callable[[Sequence[bytes]], bytes]


def big_endian(headers: Sequence[bytes]) -> bytes:
    return bdb_database(headers, order=">", page=4096)


@pytest.mark.parametrize(
    ("read", "write"), [(ndb_headers, ndb_database), (bdb_headers, bdb_database), (bdb_headers, big_endian)]
)
def test_every_form_gives_the_headers_back(read: Callable[[bytes], Sequence[bytes]], write: Write) -> None:
    assert list(read(write(HEADERS))) == HEADERS


@pytest.mark.parametrize(("name", "write"), [("Packages.db", ndb_database), ("Packages", bdb_database)])
@pytest.mark.parametrize("folder", ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"])
def test_every_place(name: str, write: Write, folder: str) -> None:
    assert names(image({f"{folder}/{name}": write(HEADERS)})) == ["bash 5.1.8-4.el9", "openssl-libs 1:3.0.7-6.el9"]


def test_a_broken_package_is_noted_and_the_others_count() -> None:
    found = layer({PATH: ndb_database([BASH, header([text(NAME, "a")]), SSL])})

    assert [package.name for package in found.packages[PATH]] == ["bash", "openssl-libs"]
    assert found.notes == {PATH: ("1 of its packages cannot be read",)}


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("Packages.db", b"", "it has no page of slots"),
        ("Packages.db", b"x" * 5000, "it is no ndb database of version 0"),
        ("Packages.db", ndb_database(HEADERS)[:4100], "it has a slot that leads out of it"),
        ("Packages", b"", "it has no first page"),
        ("Packages", b"x" * 5000, "it is no hash of Berkeley DB"),
        ("Packages", bdb_database(HEADERS)[:-600], "it has a package that is cut off"),
    ],
)
def test_what_is_no_database_is_noted(name: str, content: bytes, note: str) -> None:
    found = image({f"var/lib/rpm/{name}": content})

    assert found.notes == (f"var/lib/rpm/{name}: {note}",)


def test_pages_in_a_circle_end() -> None:
    database = bytearray(bdb_database([SSL]))
    overflow = 2 * 512
    database[overflow + 16 : overflow + 20] = struct.pack("<I", 2)

    assert len(next(bdb_headers(bytes(database)))) == len(SSL)


def test_slots_that_share_a_package_end() -> None:
    database = bytearray(ndb_database([BASH]))
    for slot in range(3, 250):
        database[slot * 16 : slot * 16 + 16] = database[48:64]

    with pytest.raises(RpmDatabaseInvalid, match="share packages"):
        list(ndb_headers(bytes(database)))


def test_an_older_form_beside_a_newer_one_is_left_over() -> None:
    old = package_header("bash", "4.2", "1", source="bash-4.2-1.src.rpm")
    both = {"var/lib/rpm/Packages": bdb_database([old]), "var/lib/rpm/Packages.db": ndb_database([BASH])}

    assert names(image(both)) == ["bash 5.1.8-4.el9"]


def test_changes_that_rpm_did_not_write_into_its_database_are_noted() -> None:
    journal = "var/lib/rpm/rpmdb.sqlite-wal"

    assert image({journal: b""}).notes == ()
    assert image({journal: b"x"}).notes == (f"{journal}: it holds changes to the database, which are not read",)


def test_the_list_of_an_image_without_rpm() -> None:
    lines = (
        "bash\t5.1.8-1.cm2\t1653816591\t1653753130\tMicrosoft\t(none)\t0\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm\n"
        "openssl-libs\t1.1.1k-17.cm2\t1\t1\tMicrosoft Corporation\t1\t0\tx86_64\t1\topenssl-1.1.1k-17.cm2.src.rpm\n"
        "garbled\n"
    )
    found = image({"var/lib/rpmmanifest/container-manifest-2": lines})

    assert names(found) == ["bash 5.1.8-1.cm2", "openssl-libs 1:1.1.1k-17.cm2"]
    assert found.packages[1].package.source_name == "openssl"
    assert found.notes == ("var/lib/rpmmanifest/container-manifest-2: 1 of its lines cannot be read",)
