"""Manifests at a registry: found, read, put and proven."""

from __future__ import annotations

import pytest

from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest, DigestMismatch
from lading.oci.manifest import Index, Manifest, SchemaOneRefused
from lading.oci.media_types import DOCKER_SCHEMA1_SIGNED, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from lading.wire.download import EncodingRefused
from lading.wire.manifests import DigestWrong, Shelf, fetch, find, is_content, put, remove
from lading.wire.message import BytesContent, ConnectionLost, Response, Stalled
from lading.wire.registry_errors import ContentRefused, PermissionDenied, RegistryFailed, Unauthorized, Unsupported
from tests.fakes.conversation import play

SHELF = Shelf("https://reg.example", "a/b")
CONFIG = Descriptor(OCI_CONFIG, Digest.of(b"{}"), 2)
RAW = Manifest.build(CONFIG, []).raw
DIGEST = Digest.of(RAW)
LONG = Digest.of(RAW, Algorithm.SHA512)
OTHER = Digest.of(b"other")
FOUND = Descriptor(OCI_MANIFEST, DIGEST, len(RAW))
LOST = ConnectionLost("reg.example", "reset")


def answer(
    body: bytes = b"",
    media_type: str | None = OCI_MANIFEST,
    digest: Digest | None = DIGEST,
    length: int | None = len(RAW),
) -> Response:
    headers = {"content-type": media_type, "docker-content-digest": digest and str(digest), "content-length": length}
    return Response(200, {name: str(value) for name, value in headers.items() if value is not None}, body)


def test_one_head_finds_a_tag() -> None:
    played = play(find(SHELF, "1"), answer())

    assert played.result == FOUND
    assert played.lines == ["HEAD /v2/a/b/manifests/1"]
    assert OCI_INDEX in played.asked[0].headers["accept"]


@pytest.mark.parametrize(
    "head",
    [
        answer(digest=None),
        answer(length=None),
        answer(length=0),
        answer(length=10**19),
        Response(200, {**answer().headers, "content-length": "9" * 5000}),
        answer(media_type="text/plain; charset=utf-8"),
        answer(media_type=None),
        Response(200, {"docker-content-digest": "nonsense", "content-type": OCI_MANIFEST, "content-length": "9"}),
        *map(Response, (400, 403, 405, 406, 501)),
    ],
)
def test_a_head_that_does_not_tell_is_followed_by_a_get(head: Response) -> None:
    played = play(find(SHELF, "1"), head, answer(RAW, "text/plain", None))

    assert played.result == FOUND
    assert played.lines == ["HEAD /v2/a/b/manifests/1", "GET /v2/a/b/manifests/1"]


def test_what_is_not_there_is_none() -> None:
    assert play(find(SHELF, "1"), Response(404)).result is None
    assert play(find(SHELF, "1"), Response(403), Response(404)).result is None
    assert play(fetch(SHELF, "1"), Response(404)).result is None


def test_a_digest_stays_the_one_that_was_asked_for() -> None:
    """docker-registry 2.8 answers a sha512 manifest with its sha256."""
    assert play(find(SHELF, LONG), answer()).result == Descriptor(OCI_MANIFEST, LONG, len(RAW))
    assert play(find(SHELF, LONG), Response(405), answer(RAW)).result == Descriptor(OCI_MANIFEST, LONG, len(RAW))


@pytest.mark.parametrize(
    ("reference", "outcomes", "error"),
    [
        (DIGEST, [answer(digest=OTHER)], DigestWrong),
        ("1", [answer(media_type=DOCKER_SCHEMA1_SIGNED)], SchemaOneRefused),
        ("1", [answer(digest=None), answer(RAW, digest=OTHER)], DigestMismatch),
        ("1", [Response(401)], Unauthorized),
        ("1", [Response(403), Response(403)], PermissionDenied),
        ("1", [Response(503)], RegistryFailed),
        ("1", [answer(digest=None), Response(200, {"content-encoding": "gzip"}, RAW)], EncodingRefused),
    ],
)
def test_what_cannot_be_believed_is_refused(
    reference: str | Digest, outcomes: list[Response], error: type[LadingError]
) -> None:
    with pytest.raises(error) as caught:
        play(find(SHELF, reference), *outcomes)
    assert str(caught.value)


def test_bytes_are_checked_against_the_digest_asked_for() -> None:
    fetched = play(fetch(SHELF, DIGEST), answer(RAW)).result

    assert fetched is not None
    assert fetched.raw == RAW
    with pytest.raises(DigestMismatch):
        play(fetch(SHELF, DIGEST), answer(b"{}"))


@pytest.mark.parametrize("said", [OCI_INDEX, "text/plain", "application/json", ""])
def test_an_odd_content_type_leaves_the_document_to_tell(said: str) -> None:
    raw = Index.build([FOUND]).raw

    fetched = play(fetch(SHELF, "1"), answer(raw, said, None)).result

    assert fetched is not None
    assert fetched.media_type == OCI_INDEX


# ── putting


def test_a_manifest_is_put_under_its_media_type() -> None:
    played = play(put(SHELF, FOUND, RAW, "1"), Response(201, {"oci-subject": "x"}))

    [asked] = played.asked
    assert played.result == {"oci-subject": "x"}
    assert played.lines == ["PUT /v2/a/b/manifests/1"]
    assert asked.headers["content-type"] == OCI_MANIFEST
    assert asked.content == BytesContent(RAW)


@pytest.mark.parametrize("outcome", [LOST, Stalled("h", 60), *map(Response, (408, 429, 499, 500, 502, 504))])
def test_a_put_of_unknown_fate_is_looked_for_before_it_is_repeated(outcome: Response | ConnectionLost) -> None:
    there = play(put(SHELF, FOUND, RAW, "1"), outcome, answer())
    absent = play(put(SHELF, FOUND, RAW, "1"), outcome, Response(404), Response(201))
    another = play(put(SHELF, FOUND, RAW, "1"), outcome, answer(digest=OTHER), Response(201))

    assert [line.split(" ")[0] for line in there.lines] == ["PUT", "HEAD"]
    assert [line.split(" ")[0] for line in absent.lines] == ["PUT", "HEAD", "PUT"]
    assert [line.split(" ")[0] for line in another.lines] == ["PUT", "HEAD", "PUT"]


def test_a_registry_that_keeps_other_bytes_is_noticed() -> None:
    with pytest.raises(DigestWrong):
        play(put(SHELF, FOUND, RAW, "1"), Response(201, {"docker-content-digest": str(OTHER)}))
    play(put(SHELF, FOUND, RAW, "1"), Response(201, {"docker-content-digest": str(LONG)}))


def test_a_refused_put_says_why() -> None:
    with pytest.raises(ContentRefused):
        play(put(SHELF, FOUND, RAW, "1"), Response(400))


def test_the_same_bytes_are_known_by_any_algorithm() -> None:
    assert is_content(RAW, DIGEST)
    assert is_content(RAW, LONG)
    assert not is_content(RAW, OTHER)


# ── removing


@pytest.mark.parametrize(
    ("outcomes", "removed"),
    [
        ([Response(202)], True),
        ([Response(200)], True),
        ([Response(404)], False),
        ([LOST, Response(404)], True),
        ([LOST, Response(202)], True),
        ([Response(503), Response(202)], True),
    ],
)
def test_a_removal_whose_answer_was_lost_counts(outcomes: list[Response | ConnectionLost], removed: bool) -> None:
    played = play(remove(SHELF, "1"), *outcomes)

    assert played.result is removed
    assert set(played.lines) == {"DELETE /v2/a/b/manifests/1"}


def test_a_registry_that_does_not_delete_says_so() -> None:
    with pytest.raises(Unsupported):
        play(remove(SHELF, DIGEST), Response(405))
