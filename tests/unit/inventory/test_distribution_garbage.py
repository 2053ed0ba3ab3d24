"""Whatever stands in a distribution's files and in a layer's tar: an answer, with notes, and never anything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.layer_json import InventoryInvalid, layer_json, read_image, read_layer
from lading.inventory.overlay import image_inventory
from lading.inventory.rpm_bdb import bdb_headers
from lading.inventory.rpm_header import read_header
from lading.inventory.rpm_invalid import RpmDatabaseInvalid
from lading.inventory.rpm_ndb import ndb_headers
from tests.fakes.layers import FOLDER, KINDS, HardLink, Symlink, layer_tar, read_tar
from tests.fakes.rpm_databases import bdb_database, ndb_database, package_header

DISTRIBUTIONS = [kind for kind in KINDS if kind.of_distribution]
PATHS = [
    "etc/os-release",
    "etc/redhat-release",
    "var/lib/dpkg/status",
    "var/lib/dpkg/status.d/a.md5sums",
    "var/lib/dpkg/info/a.list",
    "lib/apk/db/installed",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/Packages",
    "var/lib/rpmmanifest/container-manifest-2",
]
PIECES = [
    *(
        b"Package: ",
        b"Version: ",
        b"Status: ",
        b"Source: ",
        b"installed",
        b"(",
        b")",
        b"\n",
        b"\n\n",
        b"a",
        b" ",
        b"\r",
    ),
    *(
        b"P:",
        b"V:",
        b"F:",
        b"R:",
        b"o:",
        b"ID=",
        b'"',
        b"'",
        b"\\",
        b"=",
        b"\t",
        b"/",
        b"\xff",
        b"\0",
        b"CentOS release 6",
    ),
]
lines = st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=40).map(b"".join)
HEADERS = [
    package_header("bash", "5.1", "4", epoch=1, source="bash-5.1-4.src.rpm", files=["/bin/bash", "/usr/share/x"]),
    package_header("long", "1", "1", files=[f"/usr/lib/{number}" for number in range(60)]),
]


@st.composite
def damaged(draw: st.DrawFn, whole: Sequence[bytes]) -> bytes:
    """One of these with some bytes changed, or cut short."""
    content = bytearray(draw(st.sampled_from(whole)))
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(content) - 1))
        content[place] = draw(st.sampled_from([0, 1, 2, 3, 7, 8, 13, 127, 128, 255]))
    return bytes(content[: draw(st.integers(0, len(content)) | st.just(len(content)))])


@pytest.mark.parametrize("path", PATHS)
@given(content=lines | st.binary(max_size=200))
def test_any_bytes_are_answered(path: str, content: bytes) -> None:
    kind = next(kind for kind in DISTRIBUTIONS if kind.matches(path))

    assert isinstance(kind.read(path, content), EvidenceRead)


@given(damaged(HEADERS))
def test_damaged_headers(blob: bytes) -> None:
    with suppress(RpmDatabaseInvalid):
        read_header(blob, "x")


@pytest.mark.parametrize(
    ("read", "whole"),
    [
        (ndb_headers, [ndb_database(HEADERS)]),
        (bdb_headers, [bdb_database(HEADERS), bdb_database(HEADERS, order=">")]),
    ],
)
@given(choosing=st.data())
def test_damaged_databases(
    read: Callable[[bytes], Sequence[bytes]], whole: list[bytes], choosing: st.DataObject
) -> None:
    content = choosing.draw(damaged(whole))

    with suppress(RpmDatabaseInvalid):
        assert sum(map(len, read(content))) <= len(content)


parts = st.sampled_from(["a", "bin", "usr", "lib", "..", ".", "", "node_modules", ".wh.a", ".wh..wh..opq", "METADATA"])
paths = st.sampled_from(PATHS) | st.lists(parts, min_size=1, max_size=5).map("/".join)
contents = (
    lines
    | st.just(FOLDER)
    | paths.map(Symlink)
    | paths.map(HardLink)
    | st.sampled_from([ndb_database(HEADERS), b'{"name":"a","version":"1"}', b"Name: a\nVersion: 1\n"])
)
members = st.lists(st.tuples(paths.filter(lambda path: path.strip("/.") != ""), contents), max_size=12)


@given(st.lists(members, max_size=4))
def test_any_layers_make_an_image_and_can_be_kept(stack: list[list[tuple[str, object]]]) -> None:
    layers = [read_tar(layer_tar(each)) for each in stack]

    found = image_inventory(layers)

    assert [read_layer(layer_json(each)) for each in layers] == layers
    assert all(each.layer in {layer.diff_id for layer in layers} for each in found.packages)


@given(damaged([layer_tar(dict.fromkeys(PATHS, "Package: a\nVersion: 1\n"))]), st.integers(1, 2000))
def test_any_tar_is_answered(tar: bytes, piece: int) -> None:
    assert read_tar(tar, piece=piece).size == len(tar)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["npm", "sha256:" + "0" * 64]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["version", "diffId", "size", "packages", "hides", "layers"]), inner)
    ),
    max_leaves=8,
)


@given(anything)
def test_anything_that_was_kept_is_answered(value: object) -> None:
    value = {"version": 1, **value} if isinstance(value, dict) else value
    for read in (read_layer, read_image):
        with suppress(InventoryInvalid):
            read(value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@given(st.text(max_size=30))
def test_any_path_is_asked_for(kind: Evidence, path: str) -> None:
    assert kind.matches(path) in {True, False}
