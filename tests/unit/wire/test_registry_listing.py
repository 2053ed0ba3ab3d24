"""Tags, repositories and referrers, page by page."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index
from lading.oci.media_types import OCI_MANIFEST
from lading.wire.listing import ListUnreadable, Page, following, referrers, repositories, tagged_referrers, tags
from lading.wire.manifests import Shelf
from lading.wire.message import Request, Response
from lading.wire.registry_errors import PermissionDenied, ThingUnknown, Unauthorized
from tests.fakes.conversation import play

SHELF = Shelf("https://reg.example", "a")
SUBJECT = Digest.of(b"subject")
ONE = Descriptor(OCI_MANIFEST, Digest.of(b"one"), 3, artifact_type="x/y")


def listed(link: str | None = None, **members: object) -> Response:
    return Response(200, {} if link is None else {"link": link}, json.dumps(members).encode())


def test_the_first_page_of_tags() -> None:
    played = play(tags(SHELF), listed(name="a", tags=["1", "2"]))

    assert played.result == Page(("1", "2"), None)
    assert played.lines == ["GET /v2/a/tags/list?n=1000"]
    assert play(tags(SHELF, "b c"), listed(tags=[])).lines == ["GET /v2/a/tags/list?n=1000&last=b+c"]


def test_a_further_page_is_asked_for_by_its_own_url() -> None:
    played = play(tags(SHELF, page="https://reg.example/v2/a/tags/list?last=2"), listed(tags=["3"]))

    assert played.lines == ["GET /v2/a/tags/list?last=2"]


@pytest.mark.parametrize(
    ("members", "entries"),
    [
        ({"tags": None}, ()),
        ({}, ()),
        ({"tags": ["1", str(SUBJECT), "2"]}, ("1", "2")),
        ({"tags": ["1", None, 5, "", "-x", "a b"]}, ("1",)),
    ],
)
def test_odd_lists_of_tags(members: dict[str, object], entries: tuple[str, ...]) -> None:
    assert play(tags(SHELF), Response(200, {}, json.dumps(members).encode())).result.entries == entries


def test_a_registry_without_order_is_put_in_order_and_not_gone_through_twice() -> None:
    assert play(tags(SHELF), listed(tags=["c", "a", "b"])).result.entries == ("a", "b", "c")
    assert play(tags(SHELF, "a"), listed(tags=["c", "a", "b"])).result.entries == ("b", "c")
    assert play(tags(SHELF, "gone"), listed(tags=["c", "B"])).result.entries == ("B", "c")


DEEP = b"[" * 100_000


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"tags": "1"}', b'{"tags": {"1": 2}}', DEEP, b'{"tags":' + DEEP])
def test_what_is_no_list_says_so(body: bytes) -> None:
    with pytest.raises(ListUnreadable, match=r"https://reg\.example/v2/a/tags/list answered no list"):
        play(tags(SHELF), Response(200, {}, body))


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (403, PermissionDenied), (404, ThingUnknown)])
def test_a_refused_list_says_why(status: int, error: type[LadingError]) -> None:
    with pytest.raises(error):
        play(tags(SHELF), Response(status))
    with pytest.raises(error):
        play(repositories("https://reg.example"), Response(status))


def test_the_catalog() -> None:
    played = play(
        repositories("https://reg.example"), listed('</v2/_catalog?last=b>; rel="next"', repositories=["a/b"])
    )

    assert played.result == Page(("a/b",), "https://reg.example/v2/_catalog?last=b")
    assert played.lines == ["GET /v2/_catalog?n=1000"]


NEXT = "https://reg.example/v2/a/tags/list?last=2&n=1000"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ('</v2/a/tags/list?last=2&n=1000>; rel="next"', NEXT),
        ("</v2/a/tags/list?last=2&n=1000>; rel=next", NEXT),
        ("</v2/a/tags/list?last=2&n=1000>;rel='next'", NEXT),
        ('/v2/a/tags/list?last=2&n=1000; rel="next"', NEXT),
        (f'<{NEXT}>; rel="next"', NEXT),
        ('<list?last=2&n=1000>; rel="next"', NEXT),
        ('<http://reg.example/v2/a/tags/list?last=2&n=1000>; rel="next"', NEXT),
        ('<https://reg.example:443/x>; rel="next"', "https://reg.example:443/x"),
        ('</first>; rel="first", </v2/a/tags/list?last=2&n=1000>; rel="next"', NEXT),
        ('</v2/a/tags/list?last=2&n=1000>; title="t"; REL="Next"', NEXT),
        ('<https://evil.example/x>; rel="next"', None),
        ('</x>; rel="prev"', None),
        ("", None),
        ("nonsense", None),
    ],
)
def test_the_next_page_in_many_spellings(link: str, url: str | None) -> None:
    request = Request("GET", "https://reg.example/v2/a/tags/list?n=1000")

    assert following(request, Response(200, {"link": link})) == url


@given(st.text(alphabet="</>;,=\"' relnxt?&", max_size=60))
def test_no_link_breaks_the_reader(link: str) -> None:
    following(Request("GET", "https://reg.example/v2/"), Response(200, {"link": link}))


@pytest.mark.parametrize("link", ["a" * 500_000, "<" * 500_000, "</x>; rel=" + " " * 500_000, "rel=" * 200_000 + ";"])
def test_a_link_as_long_as_a_header_may_be_is_read_in_one_pass(link: str) -> None:
    assert following(Request("GET", "https://reg.example/v2/"), Response(200, {"link": link})) is None


def test_referrers_by_the_api() -> None:
    played = play(referrers(SHELF, SUBJECT), Response(200, {"link": '</next>; rel="next"'}, Index.build([ONE]).raw))

    assert played.result == Page((ONE,), "https://reg.example/next")
    assert played.lines == [f"GET /v2/a/referrers/{SUBJECT}"]


@pytest.mark.parametrize("status", [400, 404, 405, 406, 501])
def test_referrers_by_the_fallback_tag(status: int) -> None:
    played = play(referrers(SHELF, SUBJECT), Response(status), Response(200, {}, Index.build([ONE]).raw))

    assert played.result == Page((ONE,), None)
    assert played.lines[1] == f"GET /v2/a/manifests/sha256-{SUBJECT.encoded}"


def test_no_referrers_at_all() -> None:
    assert play(referrers(SHELF, SUBJECT), Response(404), Response(404)).result == Page((), None)
    assert play(tagged_referrers(SHELF, SUBJECT), Response(404)).result == ()


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"schemaVersion": 1}', b'{"schemaVersion": 2, "manifests": 5}'])
def test_referrers_that_are_no_index_say_so(body: bytes) -> None:
    with pytest.raises(LadingError):
        play(referrers(SHELF, SUBJECT), Response(200, {}, body))


def test_refused_referrers_say_why() -> None:
    with pytest.raises(PermissionDenied):
        play(referrers(SHELF, SUBJECT), Response(403))
