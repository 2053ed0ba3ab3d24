"""One grammar, built by the client and matched by the server."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.digest import Algorithm, Digest
from lading.wire.registry_errors import Code
from lading.wire.registry_urls import (
    BlobAt,
    Catalog,
    ManifestAt,
    ReferrersOf,
    Root,
    Route,
    RouteInvalid,
    TagList,
    UploadAt,
    UploadStart,
    api_host,
    match,
    url,
)

DIGEST = Digest.of(b"content")
LONG = Digest.of(b"content", Algorithm.SHA512)

component = st.from_regex(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+){0,2}", fullmatch=True).filter(lambda c: len(c) < 20)
paths = st.lists(
    st.one_of(component, st.sampled_from(["tags", "list", "blobs", "uploads", "manifests", "referrers", "v2"])),
    min_size=1,
    max_size=5,
).map("/".join)
digests = st.binary(max_size=8).flatmap(
    lambda content: st.sampled_from(Algorithm).map(lambda algorithm: Digest.of(content, algorithm))
)
tag_names = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}", fullmatch=True)
routes: st.SearchStrategy[Route] = st.one_of(
    st.just(Root()),
    st.just(Catalog()),
    st.builds(TagList, paths),
    st.builds(ManifestAt, paths, st.one_of(tag_names, digests)),
    st.builds(BlobAt, paths, digests),
    st.builds(UploadStart, paths),
    st.builds(UploadAt, paths, st.uuids().map(str)),
    st.builds(ReferrersOf, paths, digests),
)


@given(routes)
def test_what_is_built_is_matched_again(route: Route) -> None:
    assert match(str(route)) == route


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v2", Root()),
        ("/v2/", Root()),
        ("/v2/_catalog", Catalog()),
        ("/v2/a/b/c/tags/list", TagList("a/b/c")),
        ("/v2/tags/tags/list", TagList("tags")),
        ("/v2/a/manifests/latest", ManifestAt("a", "latest")),
        (f"/v2/a/manifests/sha256%3A{DIGEST.encoded}", ManifestAt("a", DIGEST)),
        (f"/v2/a/blobs/{LONG}", BlobAt("a", LONG)),
        ("/v2/a/blobs/uploads", UploadStart("a")),
        ("/v2/blobs/uploads/blobs/uploads/", UploadStart("blobs/uploads")),
        ("/v2/a/blobs/uploads/0e5c-1", UploadAt("a", "0e5c-1")),
    ],
)
def test_paths_of_the_specification(path: str, route: Route) -> None:
    assert match(path) == route


@pytest.mark.parametrize(
    "path", ["/", "/v1/", "/v2//", "/v2/a", "/v2/tags/list", "/v2/a/manifests/", "/v2/a/blobs/uploads/a b", "/v2/a/x/y"]
)
def test_anything_else_is_no_route(path: str) -> None:
    assert match(path) is None


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/v2/UPPER/tags/list", Code.NAME_INVALID),
        ("/v2/a//b/tags/list", Code.NAME_INVALID),
        (f"/v2/{'a' * 256}/tags/list", Code.NAME_INVALID),
        ("/v2/a/../b/tags/list", Code.NAME_INVALID),
        ("/v2/a/manifests/.INVALID_MANIFEST_NAME", Code.MANIFEST_INVALID),
        (f"/v2/a/manifests/{'t' * 129}", Code.MANIFEST_INVALID),
        ("/v2/a/manifests/sha256:short", Code.DIGEST_INVALID),
        ("/v2/a/blobs/latest", Code.DIGEST_INVALID),
        ("/v2/a/blobs/md5:d41d8cd98f00b204e9800998ecf8427e", Code.DIGEST_INVALID),
        ("/v2/a/referrers/x", Code.DIGEST_INVALID),
    ],
)
def test_a_broken_part_is_named_by_the_specifications_code(path: str, fault: Code) -> None:
    with pytest.raises(RouteInvalid) as caught:
        match(path)
    assert caught.value.fault is fault


@given(st.text(max_size=60))
def test_any_text_is_a_route_none_or_refused(text: str) -> None:
    with suppress(RouteInvalid):
        match(f"/v2/{text}")


def test_queries_are_encoded_and_keep_what_registries_keep() -> None:
    asked = url("https://host:5000", UploadStart("a/b"), mount=str(DIGEST), from_="c/d")

    assert asked == f"https://host:5000/v2/a/b/blobs/uploads/?mount={DIGEST}&from=c/d"
    assert url("http://h", TagList("a"), last="x y&z") == "http://h/v2/a/tags/list?last=x+y%26z"


def test_docker_hub_answers_under_another_host() -> None:
    assert api_host("docker.io") == "registry-1.docker.io"
    assert api_host("localhost:5000") == "localhost:5000"
