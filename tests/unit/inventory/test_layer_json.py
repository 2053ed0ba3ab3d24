"""Inventories as they are kept."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory.layer import CATALOGER_VERSION, ImageInventory, Installed, LayerInventory
from lading.inventory.layer_json import InventoryInvalid, image_json, layer_json, read_image, read_layer
from lading.inventory.package import OsRelease, Package, PackageType
from lading.oci.digest import Digest

texts = st.text(max_size=8)
some_texts = st.lists(texts, max_size=3).map(tuple)
digests = st.binary(max_size=2).map(Digest.of)
releases = st.builds(
    OsRelease,
    texts,
    texts,
    some_texts,
    texts,
    texts,
    st.dictionaries(texts, texts, max_size=3).map(lambda fields: tuple(fields.items())),
)
packages = st.builds(
    Package,
    st.sampled_from(PackageType),
    texts.filter(bool),
    texts,
    texts.filter(bool),
    texts,
    texts,
    texts,
    texts,
    st.lists(texts.filter(bool), max_size=2).map(tuple),
)
layers = st.builds(
    LayerInventory,
    digests,
    st.integers(0, 2**40),
    st.dictionaries(texts, st.lists(packages, max_size=3).map(tuple), max_size=3),
    st.dictionaries(texts, releases, max_size=2),
    st.dictionaries(texts, st.dictionaries(texts, some_texts, max_size=2), max_size=2),
    st.dictionaries(texts, texts, max_size=2),
    some_texts,
    some_texts,
    some_texts,
    st.dictionaries(texts, some_texts, max_size=2),
)
images = st.builds(
    ImageInventory,
    st.none() | releases,
    st.lists(st.builds(Installed, packages, digests, texts), max_size=4).map(tuple),
    some_texts,
)


@given(layers)
def test_layers_come_back_as_they_were(layer: LayerInventory) -> None:
    assert read_layer(json.loads(json.dumps(layer_json(layer)))) == layer


@given(images)
def test_images_come_back_as_they_were(image: ImageInventory) -> None:
    assert read_image(json.loads(json.dumps(image_json(image)))) == image


PATH = "app/node_modules/a/package.json"
LAYER = LayerInventory(
    Digest.of(b""), 512, {PATH: (Package(PackageType.NPM, "a", "1", PATH),)}, {"etc/os-release": OsRelease("debian")}
)


def test_what_says_nothing_takes_no_room() -> None:
    assert layer_json(LAYER)["packages"] == {PATH: [["npm", "a", "1"]]}


Damage = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "damage",
    [
        lambda layer: layer.update(version=CATALOGER_VERSION + 1),
        lambda layer: layer.update(diffId="sha256:1"),
        lambda layer: layer.update(diffId=None),
        lambda layer: layer.update(size=-1),
        lambda layer: layer.update(size=True),
        lambda layer: layer.update(packages=[]),
        lambda layer: layer.update(packages={PATH: [["npm"]]}),
        lambda layer: layer.update(packages={PATH: [["npx", "a", "1"]]}),
        lambda layer: layer.update(packages={PATH: [["npm", "a", 1]]}),
        lambda layer: layer.update(releases={"etc/os-release": {}}),
        lambda layer: layer.update(owned={"a": ["b"]}),
        lambda layer: layer.update(links={"a": 1}),
        lambda layer: layer.pop("hides"),
        lambda layer: layer.update(notes={"a": "b"}),
    ],
)
def test_anything_else_is_refused(damage: Damage) -> None:
    damaged = copy.deepcopy(layer_json(LAYER))
    damage(damaged)

    with pytest.raises(InventoryInvalid):
        read_layer(damaged)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        {},
        {"version": CATALOGER_VERSION},
        {"version": CATALOGER_VERSION, "layers": [], "packages": [[0, "", []]]},
    ],
)
def test_what_is_no_image_is_refused(value: object) -> None:
    with pytest.raises(InventoryInvalid):
        read_image(value)
