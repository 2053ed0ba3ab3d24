from __future__ import annotations

import pytest

from lading.oci import media_types as types


@pytest.mark.parametrize(
    ("media_type", "manifest", "index", "schema1", "foreign"),
    [
        (types.OCI_MANIFEST, True, False, False, False),
        (types.DOCKER_MANIFEST, True, False, False, False),
        (types.OCI_INDEX, False, True, False, False),
        (types.DOCKER_INDEX, False, True, False, False),
        (types.DOCKER_SCHEMA1, False, False, True, False),
        (types.DOCKER_SCHEMA1_SIGNED, False, False, True, False),
        (types.OCI_LAYER, False, False, False, False),
        (types.OCI_LAYER_ZSTD, False, False, False, False),
        (types.DOCKER_LAYER_GZIP, False, False, False, False),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", False, False, False, True),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", False, False, False, True),
        (types.OCI_CONFIG, False, False, False, False),
        ("text/plain", False, False, False, False),
        ("", False, False, False, False),
    ],
)
def test_a_media_type_says_what_it_names(
    media_type: str, manifest: bool, index: bool, schema1: bool, foreign: bool
) -> None:
    assert types.is_index(media_type) is index
    assert types.is_document(media_type) is (manifest or index)
    assert types.is_schema1(media_type) is schema1
    assert types.is_foreign_layer(media_type) is foreign


def test_an_accept_header_asks_for_every_manifest_and_no_schema_1() -> None:
    assert set(types.MANIFEST_TYPES) == {types.OCI_MANIFEST, types.DOCKER_MANIFEST} | types.INDEXES
    assert not any(types.is_schema1(media_type) for media_type in types.MANIFEST_TYPES)


@pytest.mark.parametrize(
    ("content_type", "media_type"),
    [
        ("application/json; charset=utf-8", "application/json"),
        (" Application/JSON ", "application/json"),
        (types.OCI_INDEX, types.OCI_INDEX),
        ("", ""),
    ],
)
def test_parameters_of_a_content_type_are_cut_off(content_type: str, media_type: str) -> None:
    assert types.essence(content_type) == media_type


def test_only_image_configs_describe_a_root_file_system() -> None:
    assert types.is_image_config(types.DOCKER_CONFIG)
    assert types.is_image_config(types.OCI_CONFIG)
    assert not types.is_image_config("application/vnd.cncf.helm.config.v1+json")
    assert not types.is_image_config(types.OCI_EMPTY)
