"""Requests that mean no good: each is refused in the specification's form, and nothing of it stays."""

from __future__ import annotations

import json

import pytest

from lading.fronts.registry_api.queries import TAGS_LIMIT
from lading.oci.manifest import MANIFEST_LIMIT
from lading.oci.media_types import OCI_MANIFEST
from tests.fronts.registry_api.asking import Asker, artifact, digest_of, manifest

CONTENT = b"0123456789"
DIGEST = digest_of(CONTENT)


def begin(ask: Asker) -> str:
    return ask("POST", "/v2/r/blobs/uploads/").headers["location"]


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "%2e%2e",
        "..%2f..%2fetc",
        "a/../b",
        "a%2F..%2Fb",
        "a/./b",
        "a%00",
        "a%0d%0aSet-Cookie:x",
        "%ff",
        "%e2%98%83",
        "a%5cb",
        "a%3Fb",
        "a//b",
        "A",
        "-a",
        "a" * 256,
        "a/" * 127 + "aa",
        "a:b",
        "%",
        "%zz",
    ],
)
def test_a_name_that_is_none_makes_no_repository(ask: Asker, name: str) -> None:
    for method, rest in (("POST", f"blobs/uploads/?digest={DIGEST}"), ("PUT", "manifests/v1"), ("GET", "tags/list")):
        reply = ask(method, f"/v2/{name}/{rest}", CONTENT)
        assert (reply.status, reply.code) == (400, "NAME_INVALID")

    assert ask("GET", "/v2/_catalog").document == {"repositories": []}


def test_an_encoded_name_is_the_plain_one(ask: Asker) -> None:
    """No second spelling has rows of its own."""
    ask.put_image("a/b", "v1")

    assert ask("GET", "/v2/a%2Fb/tags/list").document == ask("GET", "/v2/a/b/tags/list").document
    assert ask("GET", "/v2/_catalog").document == {"repositories": ["a/b"]}


@pytest.mark.parametrize(
    "reference", ["%00", "..", "%2e%2e%2f", "a%20b", "t" * 129, "v1%0a", "sha256:x", "sha256:..%2f"]
)
def test_a_reference_that_is_none_names_nothing(ask: Asker, reference: str) -> None:
    ask.put_image("r", "v1")

    for method in ("GET", "PUT", "DELETE"):
        assert ask(method, f"/v2/r/manifests/{reference}", manifest()).status == 400
    assert ask("GET", "/v2/r/tags/list").document["tags"] == ["v1"]


@pytest.mark.parametrize("session", ["..", "%2e%2e", "x", "%00", "a%2fb", "." * 300, "-"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_a_session_that_nobody_began_is_not_there(ask: Asker, method: str, session: str) -> None:
    assert ask(method, f"/v2/r/blobs/uploads/{session}?digest={DIGEST}", CONTENT).status == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_a_session_is_not_there_from_another_repository(ask: Asker, method: str) -> None:
    session = begin(ask)
    ask("PATCH", session, CONTENT[:4])

    reply = ask(method, f"{session.replace('/r/', '/other/')}?digest={DIGEST}", CONTENT[4:])

    assert (reply.status, reply.code) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert ask("GET", session).headers["range"] == "0-3"


@pytest.mark.parametrize(
    "content_range",
    ["", "-", "0-", "-9", "a-b", "9-0", "0-9,10-19", "0-9-9", "²-9", f"{'9' * 19}-{'9' * 19}", "0-8", "0-10", "0--9"],
)
def test_a_chunk_with_a_range_that_is_none_is_not_kept(ask: Asker, content_range: str) -> None:
    session = begin(ask)

    reply = ask("PATCH", session, CONTENT, content_range=content_range)

    assert (reply.status, reply.code) == (400, "BLOB_UPLOAD_INVALID")
    assert ask("GET", session).headers["range"] == "0-0"
    assert ask("PUT", f"{session}?digest={DIGEST}", CONTENT, content_range="0-9").status == 201


@pytest.mark.parametrize("wrong", ["sha256", "sha512"])
@pytest.mark.parametrize("right", ["sha256", "sha512"])
def test_a_wrong_digest_of_either_algorithm_leaves_the_right_one_to_come(ask: Asker, wrong: str, right: str) -> None:
    session, digest = begin(ask), digest_of(CONTENT, right)
    for body in (CONTENT, b""):
        assert ask("PUT", f"{session}?digest={digest_of(b'other', wrong)}", body).code == "DIGEST_INVALID"

    assert ask("PUT", f"{session}?digest={digest}").headers["docker-content-digest"] == digest

    assert ask("GET", f"/v2/r/blobs/{digest}").body == CONTENT
    other = digest_of(CONTENT, "sha512" if right == "sha256" else "sha256")
    assert ask("HEAD", f"/v2/r/blobs/{other}").status == 404


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("bytes=-0", 416),
        ("bytes=10-10", 416),
        (f"bytes={'9' * 18}-", 416),
        (f"bytes=0-{'9' * 18}", 206),
        (f"bytes=-{'9' * 18}", 206),
        (f"bytes={'9' * 40}-", 200),
        ("bytes=--1", 200),
        ("bytes=", 200),
        ("bytes=0-0," * 5000, 200),
        ("lines=0-1", 200),
    ],
)
def test_a_range_gives_a_part_the_whole_or_416(ask: Asker, asked: str, status: int) -> None:
    ask.put_blob("r", CONTENT)

    reply = ask("GET", f"/v2/r/blobs/{DIGEST}", fields={"range": asked})

    assert reply.status == status
    if status != 416:
        assert reply.body == CONTENT


@pytest.mark.parametrize("asked", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_an_empty_blob_has_no_parts(ask: Asker, asked: str) -> None:
    empty = ask.put_blob("r", b"")

    assert ask("GET", f"/v2/r/blobs/{empty}", fields={"range": asked}).status == 416


def changed(**fields: object) -> bytes:
    return json.dumps(json.loads(manifest()) | fields).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * (MANIFEST_LIMIT - 1),
        b'{"a":' * 100_000,
        manifest().replace(b'"size": 5', b'"size": ' + b"9" * 5000),
        manifest().replace(b'"size": 5', b'"size": 9223372036854775808'),
        manifest().replace(b'"size": 5', b'"size": -1'),
        manifest().replace(b'"size": 5', b'"size": 5.0'),
        manifest().replace(b'"size": 5', b'"size": NaN'),
        manifest().replace(b'"schemaVersion": 2', b'"schemaVersion": 2, "layers": []'),
        manifest().decode().encode("utf-16"),
        b"\xef\xbb\xbf" + manifest(),
        b"\xff" + manifest(),
        artifact(b"s", "\ud800"),
        artifact(b"s", "a/b", annotations={"\ud800": "\udfff"}),
        changed(mediaType="a/b\r\nSet-Cookie: x"),
        changed(mediaType="application/\u2603"),
        changed(mediaType="text/html"),
        changed(mediaType=""),
        changed(layers=[0]),
        changed(layers={}),
        changed(config="{}"),
        changed(layers=[{"mediaType": "a/b", "digest": DIGEST, "size": 1}] * 30_000),
    ],
    ids=range(21),
)
@pytest.mark.parametrize("media_type", [OCI_MANIFEST, None])
def test_a_manifest_that_means_no_good_is_not_kept(ask: Asker, raw: bytes, media_type: str | None) -> None:
    ask.put_image("r", "v1")
    fields = {"content-type": media_type} if media_type else {}

    reply = ask("PUT", "/v2/r/manifests/bad", raw, fields=fields)

    assert (reply.status, reply.code) == (400, "MANIFEST_INVALID")
    assert ask("GET", f"/v2/r/manifests/{digest_of(raw)}").status == 404
    assert ask("GET", "/v2/r/tags/list").document["tags"] == ["v1"]


def test_no_request_sets_more_tags_than_others_can_wait_for(ask: Asker) -> None:
    digest = ask.put_image("r", "v1")
    tags = [f"tag=t{number}" for number in range(TAGS_LIMIT + 1)]

    assert ask.put_manifest("r", f"{digest}?{'&'.join(tags)}", manifest()).status == 414
    assert ask("GET", "/v2/r/tags/list").document["tags"] == ["v1"]
    assert ask.put_manifest("r", f"{digest}?{'&'.join(tags[1:])}", manifest()).status == 201


@pytest.mark.parametrize("query", ["n=-1", "n=%D9%A1", "n=1e3", "n=0x1", f"n={'9' * 19}", "n=+1", "n=%00"])
def test_a_page_of_no_number_is_refused(ask: Asker, query: str) -> None:
    reply = ask("GET", f"/v2/_catalog?{query}")

    assert (reply.status, reply.code) == (400, "UNSUPPORTED")


@pytest.mark.parametrize("query", ["last=%00%ff", "last=%ED%A0%80", "last=" + "z" * 50_000, "x=1&" * 10_000, "&&;=%"])
def test_a_query_of_nonsense_is_passed_over(ask: Asker, query: str) -> None:
    ask.put_image("r", "v1")

    assert ask("GET", f"/v2/_catalog?{query}").status == 200
    assert ask("GET", f"/v2/r/tags/list?{query}").status == 200
    assert ask("GET", f"/v2/r/referrers/{DIGEST}?artifactType=%00%ff&{query}").document["manifests"] == []


@pytest.mark.parametrize("origin", ["%00", "%ff", "..%2f..", "a" * 50_000, "A", ""])
def test_a_mount_from_nowhere_is_an_uploads_start(ask: Asker, origin: str) -> None:
    assert ask("POST", f"/v2/r/blobs/uploads/?mount={DIGEST}&from={origin}").status == 202
