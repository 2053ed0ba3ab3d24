"""Pulling, pushing and deleting manifests and blobs at the /v2/ door."""

from __future__ import annotations

import json

import pytest

from lading.oci.manifest import MANIFEST_LIMIT
from lading.oci.media_types import DOCKER_MANIFEST, OCI_INDEX
from tests.fronts.registry_api.asking import Asker, descriptor, digest_of, index, manifest

ABSENT = digest_of(b"absent")


@pytest.mark.parametrize("path", ["/v2/", "/v2"])
def test_the_root_says_that_this_is_a_registry(ask: Asker, path: str) -> None:
    reply = ask("GET", path)

    assert (reply.status, reply.document) == (200, {})
    assert reply.headers["docker-distribution-api-version"] == "registry/2.0"


def test_a_manifest_is_returned_byte_for_byte_whatever_accept_says(ask: Asker) -> None:
    digest = ask.put_image("a/b", "v1")

    for reference in ("v1", digest):
        reply = ask("GET", f"/v2/a/b/manifests/{reference}", accept=DOCKER_MANIFEST)
        assert reply.body == manifest()
        assert reply.headers["docker-content-digest"] == digest
        assert reply.headers["content-type"] == "application/vnd.oci.image.manifest.v1+json"
        head = ask("HEAD", f"/v2/a/b/manifests/{reference}")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(manifest()))


def test_a_manifest_keeps_the_type_it_was_given(ask: Asker) -> None:
    ask.put_blob("r", b"{}")
    raw = json.dumps(
        {
            "schemaVersion": 2,
            "config": descriptor(b"{}", "application/vnd.docker.container.image.v1+json"),
            "layers": [],
        }
    ).encode()

    assert ask.put_manifest("r", "v1", raw, f"{DOCKER_MANIFEST}; charset=utf-8").status == 201
    assert ask("HEAD", "/v2/r/manifests/v1").headers["content-type"] == DOCKER_MANIFEST


def test_sha512_content_is_kept_under_the_clients_algorithm(ask: Asker) -> None:
    layer = b"a layer under sha512"
    digest = digest_of(layer, "sha512")
    assert ask("POST", f"/v2/r/blobs/uploads/?digest={digest}", layer).headers["docker-content-digest"] == digest
    ask.put_blob("r", b"{}")
    raw = manifest(layers=[descriptor(layer, "application/vnd.oci.image.layer.v1.tar", "sha512")])
    wanted = digest_of(raw, "sha512")

    reply = ask.put_manifest("r", wanted, raw)

    assert (reply.status, reply.headers["docker-content-digest"]) == (201, wanted)
    assert ask("GET", f"/v2/r/manifests/{wanted}").body == raw
    assert ask("GET", f"/v2/r/blobs/{digest}").body == layer
    assert ask("HEAD", f"/v2/r/blobs/{digest_of(layer)}").status == 404
    assert ask("HEAD", f"/v2/r/manifests/{digest_of(raw)}").status == 404


def test_nothing_is_answered_in_a_repository_that_does_not_hold_it(ask: Asker) -> None:
    digest = ask.put_image("one", "v1")
    ask.put_image("two", "v1", b"another layer")

    assert ask("HEAD", f"/v2/two/blobs/{digest_of(b'layer')}").status == 404
    assert ask("GET", f"/v2/two/blobs/{digest_of(b'layer')}").code == "BLOB_UNKNOWN"
    assert ask("GET", f"/v2/two/manifests/{digest}").code == "MANIFEST_UNKNOWN"
    assert ask("GET", f"/v2/three/manifests/{digest}").code == "NAME_UNKNOWN"


def test_a_manifest_needs_its_children_in_its_own_repository(ask: Asker) -> None:
    ask.put_image("one", "v1")
    ask.put_blob("two", b"{}")

    reply = ask.put_manifest("two", "v1", manifest())

    assert (reply.status, reply.code) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert digest_of(b"layer") in str(reply.document)
    assert ask("HEAD", "/v2/two/manifests/v1").status == 404


def test_an_index_needs_its_manifests(ask: Asker) -> None:
    assert ask.put_manifest("r", "all", index(manifest()), OCI_INDEX).code == "MANIFEST_BLOB_UNKNOWN"

    ask.put_image("r", "one")

    assert ask.put_manifest("r", "all", index(manifest()), OCI_INDEX).status == 201
    assert ask("GET", "/v2/r/manifests/all").body == index(manifest())


def test_foreign_layers_need_not_be_there(ask: Asker) -> None:
    ask.put_blob("r", b"{}")
    foreign = descriptor(b"elsewhere", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")

    assert ask.put_manifest("r", "v1", manifest(layers=[foreign | {"urls": ["https://example.com/x"]}])).status == 201


def test_the_same_again_is_success_and_a_tag_moves(ask: Asker) -> None:
    first = ask.put_image("r", "v1")
    assert ask.put_image("r", "v1") == first

    second = ask.put_image("r", "v1", b"another layer")

    assert ask("HEAD", "/v2/r/manifests/v1").headers["docker-content-digest"] == second
    assert ask("HEAD", f"/v2/r/manifests/{first}").status == 200


def test_several_tags_come_with_one_manifest(ask: Asker) -> None:
    ask.put_image("r", "first")
    digest = digest_of(manifest())

    reply = ask.put_manifest("r", f"{digest}?tag=v1&tag=v2&tag=v1", manifest())

    assert [value for name, value in reply.repeated if name == "OCI-Tag"] == ["v1, v2"]
    assert ask("HEAD", "/v2/r/manifests/v2").headers["docker-content-digest"] == digest
    assert ask.put_manifest("r", f"{digest}?tag=v1&tag=-no", manifest()).code == "MANIFEST_INVALID"


@pytest.mark.parametrize(
    ("reference", "raw", "code"),
    [
        ("v1", b"no json", "MANIFEST_INVALID"),
        ("v1", b"[]", "MANIFEST_INVALID"),
        ("v1", b'{"schemaVersion":1}', "MANIFEST_INVALID"),
        ("v1", b"", "MANIFEST_INVALID"),
        (ABSENT, manifest(), "DIGEST_INVALID"),
        ("sha256:abc", manifest(), "DIGEST_INVALID"),
        ("md5:d41d8cd98f00b204e9800998ecf8427e", manifest(), "DIGEST_INVALID"),
        ("-tag", manifest(), "MANIFEST_INVALID"),
        ("t" * 129, manifest(), "MANIFEST_INVALID"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(ask: Asker, reference: str, raw: bytes, code: str) -> None:
    ask.put_image("r", "other")

    reply = ask.put_manifest("r", reference, raw)

    assert (reply.status, reply.code) == (400, code)


@pytest.mark.parametrize("streamed", [True, False])
def test_a_manifest_that_is_too_long_is_refused(ask: Asker, streamed: bool) -> None:
    reply = ask("PUT", "/v2/r/manifests/v1", b" " * (MANIFEST_LIMIT + 1), streamed=streamed)

    assert (reply.status, reply.code) == (413, "SIZE_INVALID")


def test_a_streamed_manifest_is_taken(ask: Asker) -> None:
    ask.put_image("r", "v1")

    assert ask("PUT", "/v2/r/manifests/v2", manifest(), streamed=True).status == 201


@pytest.mark.parametrize(
    ("asked", "status", "content", "where"),
    [
        (None, 200, b"0123456789", None),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=5-4", 416, None, "bytes */10"),
    ],
)
def test_blobs_are_given_in_parts(
    ask: Asker, asked: str | None, status: int, content: bytes | None, where: str | None
) -> None:
    digest = ask.put_blob("r", b"0123456789")

    reply = ask("GET", f"/v2/r/blobs/{digest}", fields={"range": asked} if asked else {})

    assert reply.status == status
    assert reply.headers.get("content-range") == where
    if content is None:
        assert reply.code == "SIZE_INVALID"
    else:
        assert (reply.body, reply.headers["docker-content-digest"]) == (content, digest)


def test_a_blob_is_told_without_being_sent(ask: Asker) -> None:
    digest = ask.put_blob("r", b"0123456789")

    reply = ask("HEAD", f"/v2/r/blobs/{digest}")

    assert (reply.status, reply.headers["content-length"], reply.headers["accept-ranges"]) == (200, "10", "bytes")


def test_a_tag_is_deleted_alone_and_a_manifest_with_its_tags(ask: Asker) -> None:
    digest = ask.put_image("r", "v1")
    ask.put_image("r", "v2")
    ask.put_image("r", "v3")

    assert ask("DELETE", "/v2/r/manifests/v1").status == 202
    assert ask("HEAD", "/v2/r/manifests/v1").status == 404
    assert ask("HEAD", f"/v2/r/manifests/{digest}").status == 200
    assert ask("DELETE", f"/v2/r/manifests/{digest}").status == 202

    assert ask("GET", "/v2/r/tags/list").document["tags"] == []
    assert ask("DELETE", f"/v2/r/manifests/{digest}").code == "MANIFEST_UNKNOWN"
    assert ask("DELETE", "/v2/r/manifests/v2").code == "MANIFEST_UNKNOWN"
    assert ask("DELETE", "/v2/none/manifests/v2").code == "NAME_UNKNOWN"


def test_what_a_manifest_needs_is_not_deleted_under_it(ask: Asker) -> None:
    digest = ask.put_image("r", "one")
    ask.put_manifest("r", "all", index(manifest()), OCI_INDEX)
    layer = digest_of(b"layer")

    assert ask("DELETE", f"/v2/r/manifests/{digest}").status == 405
    refused = ask("DELETE", f"/v2/r/blobs/{layer}")
    assert (refused.status, refused.code) == (405, "UNSUPPORTED")
    assert digest in str(refused.document)

    assert ask("DELETE", f"/v2/r/manifests/{digest_of(index(manifest()))}").status == 202
    assert ask("DELETE", f"/v2/r/manifests/{digest}").status == 202
    assert ask("DELETE", f"/v2/r/blobs/{layer}").status == 202
    assert ask("DELETE", f"/v2/r/blobs/{layer}").code == "BLOB_UNKNOWN"


def test_a_blob_deleted_in_one_repository_stays_in_another(ask: Asker) -> None:
    digest = ask.put_blob("one", b"shared")
    ask.put_blob("two", b"shared")

    assert ask("DELETE", f"/v2/one/blobs/{digest}").status == 202

    assert ask("HEAD", f"/v2/one/blobs/{digest}").status == 404
    assert ask("GET", f"/v2/two/blobs/{digest}").body == b"shared"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/a", 404),
        ("GET", "/v1/", 404),
        ("GET", "/v2/UPPER/tags/list", 400),
        ("POST", "/v2/", 405),
        ("PATCH", "/v2/r/manifests/v1", 405),
        ("GET", "/v2/r/blobs/uploads/", 405),
    ],
)
def test_what_is_not_there_is_told_in_the_specifications_form(ask: Asker, method: str, path: str, status: int) -> None:
    reply = ask(method, path)

    assert (reply.status, reply.headers["content-type"]) == (status, "application/json")
    assert reply.code
    assert ("allow" in reply.headers) == (status == 405)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "localhost:5000"}, 200),
        ({"host": "[::1]:5000"}, 200),
        ({"host": "registry.localhost"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example:5000"}, 403),
        ({"host": "192.168.0.1"}, 403),
        ({"host": "localhost:5000", "origin": "https://evil.example"}, 403),
        ({"host": "localhost:5000", "origin": "null"}, 403),
        ({"host": "localhost:5000", "origin": "http://["}, 403),
        ({"host": "localhost:5000", "origin": "localhost:5000"}, 403),
        ({"host": "localhost:5000", "origin": "http://localhost:5001"}, 403),
        ({"host": "localhost:5000", "origin": "http://localhost:5000@evil.example"}, 403),
        ({"host": ""}, 403),
        ({"host": "["}, 403),
        ({"host": "localhost:"}, 403),
        ({"host": "evil.example@localhost"}, 403),
        ({"host": "localhost, evil.example"}, 403),
        ({"host": "0.0.0.0:5000"}, 403),
        ({"host": "localhost:5000", "origin": "http://localhost:5000"}, 200),
    ],
)
def test_an_open_registry_is_for_its_own_machine(ask: Asker, headers: dict[str, str], status: int) -> None:
    assert ask("GET", "/v2/", fields=headers).status == status
