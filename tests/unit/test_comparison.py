"""Two images side by side: layers, settings and packages, as tables and as properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory.package import Package, PackageType
from lading.oci.digest import Digest
from lading.services.embedded.comparison import (
    PackageVersions,
    Setting,
    compare_layers,
    compare_packages,
    compare_settings,
    settings_of,
)
from lading.services.environments.image_layers import Layer

A, B, C, D = (Digest.of(word) for word in (b"a", b"b", b"c", b"d"))
DEB, NPM = PackageType.DEB, PackageType.NPM

LAYERS = st.lists(
    st.builds(Layer, digest=st.sampled_from([None, A, B]), diff_id=st.sampled_from([None, C, D])), max_size=5
)
PACKAGES = st.lists(
    st.builds(Package, st.sampled_from([DEB, NPM]), st.sampled_from("ab"), st.sampled_from("12"), st.just("x"))
)


def test_a_layer_compressed_another_way_is_the_same_layer() -> None:
    plain, packed, other = Layer(diff_id=C), Layer(digest=A, diff_id=C), Layer(digest=A, diff_id=D)

    assert compare_layers([plain], [packed]).same == (plain,)
    assert compare_layers([other], [packed]).same == (other,)
    assert compare_layers([plain], [other]).removed == (plain,)
    assert compare_layers([Layer("ENV", empty=True)], []).removed == ()


@given(LAYERS, LAYERS)
def test_every_layer_is_in_one_list(before: list[Layer], after: list[Layer]) -> None:
    found, back = compare_layers(before, after), compare_layers(after, before)

    assert sorted(map(repr, (*found.same, *found.removed))) == sorted(repr(each) for each in before if each.keys)
    assert (found.added, found.removed) == (back.removed, back.added)


@pytest.mark.parametrize(
    ("document", "settings"),
    [
        ({"config": {"Env": ["A=b", "EMPTY="]}}, {"Env.A": "b", "Env.EMPTY": "''"}),
        ({"config": {"Labels": {"x.y": "z"}}}, {"Labels.x.y": "z"}),
        ({"config": {"Cmd": ["sh", "-c", "a b"]}}, {"Cmd": "sh -c 'a b'"}),
        ({"config": {"ExposedPorts": {"80/tcp": {}, "22/tcp": {}}}}, {"ExposedPorts": "22/tcp 80/tcp"}),
        ({"config": {"Healthcheck": {"Test": ["NONE"]}}}, {"Healthcheck": '{"Test": ["NONE"]}'}),
        ({"created": "2026", "author": "ann", "os": "linux"}, {"created": "2026", "author": "ann"}),
        ({"config": {"User": "", "Env": None, "Cmd": [], "Tty": False}}, {}),
        ({"config": ["odd"]}, {}),
        ({}, {}),
    ],
)
def test_settings_are_read_one_by_one(document: dict[str, object], settings: dict[str, str]) -> None:
    assert settings_of(document) == settings


def test_settings_that_differ_are_told_in_order() -> None:
    found = list(compare_settings({"b": "1", "a": "1", "same": "1"}, {"b": "2", "c": "3", "same": "1"}))

    assert found == [Setting("a", "1", None), Setting("b", "1", "2"), Setting("c", None, "3")]


def test_packages_come_go_and_change() -> None:
    before = [Package(DEB, "bash", "5", "x"), Package(DEB, "zlib", "1", "x"), Package(NPM, "gone", "1", "x", "@scope")]
    after = [Package(DEB, "bash", "5", "y"), Package(DEB, "zlib", "2", "x"), Package(NPM, "new", "1", "x")]

    found = compare_packages(before, after)

    assert found.same == 1
    assert found.changed == (PackageVersions(DEB, "zlib", ("1",), ("2",)),)
    assert found.removed == (PackageVersions(NPM, "@scope/gone", ("1",)),)
    assert found.added == (PackageVersions(NPM, "new", after=("1",)),)


@given(PACKAGES, PACKAGES)
def test_the_other_way_round_everything_is_the_other_way_round(before: list[Package], after: list[Package]) -> None:
    found, back = compare_packages(before, after), compare_packages(after, before)

    assert found.same == back.same
    assert [(each.name, each.after) for each in found.added] == [(each.name, each.before) for each in back.removed]
    assert [each.after for each in found.changed] == [each.before for each in back.changed]
    versions = {(each.type, each.name, each.version) for each in before}
    listed = sum(len(each.before) for each in (*found.removed, *found.changed))
    assert listed + found.same == len(versions)
