from __future__ import annotations

import json

import pytest

from lading.oci.archive import (
    LAYOUT_TEXT,
    ArchiveInvalid,
    DockerImage,
    blob_member,
    check_layout,
    check_member,
    read_docker_manifest,
    write_docker_manifest,
    write_docker_repositories,
)
from lading.oci.digest import Algorithm, Digest
from lading.oci.reference import Reference

IMAGE = DockerImage(
    "abc.json", ("one/layer.tar", "two/layer.tar"), (Reference.parse("app:1"), Reference.parse("q.io/a:2"))
)


def test_dockers_index_reads_back_as_itself() -> None:
    images = (IMAGE, DockerImage("blobs/sha256/ff", ()))

    assert read_docker_manifest(write_docker_manifest(images)) == images


def test_dockers_index_is_written_in_dockers_words() -> None:
    assert json.loads(write_docker_manifest([IMAGE])) == [
        {"Config": "abc.json", "RepoTags": ["app:1", "q.io/a:2"], "Layers": ["one/layer.tar", "two/layer.tar"]}
    ]


def test_repositories_name_the_top_layer_by_tag() -> None:
    top = DockerImage("c.json", ("l0", "blobs/sha256/beef"), IMAGE.references)

    assert json.loads(write_docker_repositories([top])) == {"app": {"1": "beef"}, "q.io/a": {"2": "beef"}}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{}", "manifest.json"),
        ("null", "manifest.json"),
        ("[]", "manifest.json"),
        ("7", "manifest.json"),
        ('"app:1"', "manifest.json"),
        ("false", "manifest.json"),
        ("[1]", "manifest.json[0]"),
        ("[{}]", "manifest.json[0].Config"),
        ('[{"Config": "../c"}]', "the member '../c'"),
        ('[{"Config": "c", "Layers": ["/etc/passwd"]}]', "the member '/etc/passwd'"),
        ('[{"Config": "c", "Layers": [1]}]', "manifest.json[0].Layers[0]"),
        ('[{"Config": "c", "RepoTags": ["Not A Name"]}]', "manifest.json[0].RepoTags"),
        ('[{"Config": "c", "Config": "d"}]', "Config"),
    ],
)
def test_a_bad_docker_index_names_its_field(text: str, field: str) -> None:
    with pytest.raises(ArchiveInvalid) as refused:
        read_docker_manifest(text.encode())

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("name", "normal"),
    [("a", "a"), ("./a", "a"), ("a/./b", "a/b"), ("a/b/", "a/b"), ("./", ""), (".hidden/..x", ".hidden/..x")],
)
def test_member_names_have_one_spelling(name: str, normal: str) -> None:
    assert check_member(name) == normal


@pytest.mark.parametrize("name", ["", "/a", "..", "../a", "a/..", "a/../b", "a//b", "a\\b", "a\0b", "a\nb", "x" * 513])
def test_member_names_that_lead_out_are_refused(name: str) -> None:
    with pytest.raises(ArchiveInvalid, match="the member"):
        check_member(name)


@pytest.mark.parametrize("raw", [b"{}", b'{"imageLayoutVersion":"2.0.0"}', b'{"imageLayoutVersion":1}', b"1", b""])
def test_a_layout_of_another_version_is_refused(raw: bytes) -> None:
    with pytest.raises(ArchiveInvalid):
        check_layout(raw)


def test_the_layout_file_lading_writes_is_one_it_reads() -> None:
    check_layout(LAYOUT_TEXT)


def test_blobs_lie_under_their_algorithm() -> None:
    assert blob_member(Digest.of(b"")).startswith("blobs/sha256/e3b0c442")
    assert blob_member(Digest.of(b"", Algorithm.SHA512)).startswith("blobs/sha512/cf83e135")
