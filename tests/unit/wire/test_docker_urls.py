"""Paths of the Docker Engine API, as docker's own command line sends them."""

from __future__ import annotations

import pytest

from lading.oci.platform import Platform
from lading.oci.reference import Reference, Repository
from lading.wire import docker_urls as urls
from lading.wire.docker_urls import NEWEST, OLDEST, ApiVersion, agreed

V141 = ApiVersion(1, 41)
ARM = Platform("linux", "arm", "v7")
PINNED = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("1.41", ApiVersion(1, 41)),
        ("1.24", OLDEST),
        (None, OLDEST),
        ("1.999", NEWEST),
        ("1.23", None),
        ("1.9", None),
        ("none", None),
        ("1.41.0", None),
    ],
)
def test_the_version_is_the_newest_that_both_know(said: str | None, expected: ApiVersion | None) -> None:
    assert agreed(said) == expected


def test_versions_compare_as_numbers() -> None:
    assert ApiVersion(1, 9) < ApiVersion(1, 24) < ApiVersion(2, 0)
    assert str(ApiVersion(1, 41)) == "1.41"


def test_a_push_names_the_repository_in_the_path_and_the_tag_beside_it() -> None:
    repository = Repository("host:5000", "a/b")
    assert urls.push(V141, repository, "t", None) == "/v1.41/images/host:5000/a/b/push?tag=t"


@pytest.mark.parametrize(("minor", "sent"), [(45, False), (46, True)])
def test_a_push_names_a_platform_where_the_daemon_knows_of_it(minor: int, sent: bool) -> None:
    path = urls.push(ApiVersion(1, minor), Repository("h", "a"), "t", ARM)
    assert ("platform=%7B%22architecture%22%3A%22arm%22" in path) is sent


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("x:1", "fromImage=docker.io%2Flibrary%2Fx&tag=1"),
        (f"host/a@{PINNED}", f"fromImage=docker.io%2Fhost%2Fa&tag={PINNED.replace(':', '%3A')}"),
        (f"host:1/a:t@{PINNED}", f"fromImage=host%3A1%2Fa&tag={PINNED.replace(':', '%3A')}"),
    ],
)
def test_a_pull_names_tag_or_digest(text: str, query: str) -> None:
    assert urls.pull(V141, Reference.parse(text), None) == f"/v1.41/images/create?{query}"


def test_a_pull_names_a_platform_from_132_on() -> None:
    reference = Reference.parse("x:1")
    assert urls.pull(ApiVersion(1, 31), reference, ARM) == urls.pull(ApiVersion(1, 31), reference, None)
    assert urls.pull(V141, reference, ARM).endswith("&platform=linux%2Farm%2Fv7")


def test_the_other_paths() -> None:
    assert urls.images(V141) == "/v1.41/images/json"
    assert urls.image(V141, "host:5000/a/b:1") == "/v1.41/images/host:5000/a/b:1/json"
    assert urls.history(V141, "x@sha256:00") == "/v1.41/images/x@sha256:00/history"
    assert urls.tag(V141, "x", Reference.parse("host/a/b:t")) == (
        "/v1.41/images/x/tag?repo=docker.io%2Fhost%2Fa%2Fb&tag=t"
    )
    assert urls.remove(V141, "x", force=True) == "/v1.41/images/x?force=1"
    assert urls.remove(V141, "x", force=False) == "/v1.41/images/x"
    assert urls.prune(V141, {"dangling": ["true"], "label": []}).endswith(
        "filters=%7B%22dangling%22%3A%7B%22true%22%3Atrue%7D%7D"
    )
    assert urls.export(V141, ["x", "host:1/y:2"]) == "/v1.41/images/get?names=x&names=host%3A1%2Fy%3A2"
    assert urls.load(V141) == "/v1.41/images/load?quiet=0"
    assert urls.version(V141) == "/v1.41/version"


def test_a_name_cannot_become_a_query() -> None:
    assert urls.image(V141, "x?force=1 y") == "/v1.41/images/x%3Fforce%3D1%20y/json"
