"""Where answers send us, and where we go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.guard import authority, is_loopback, may_carry_secrets, referrer
from lading.wire.locations import LocationBroken, follow, locate, resolved, with_query
from lading.wire.message import Request, Response
from tests.fakes.conversation import play

ASKED = "https://reg.example/v2/a/blobs/uploads/"


@pytest.mark.parametrize(
    ("asked", "location", "url"),
    [
        (ASKED, "/v2/a/blobs/uploads/1?_state=x%3D", "https://reg.example/v2/a/blobs/uploads/1?_state=x%3D"),
        (ASKED, "1", "https://reg.example/v2/a/blobs/uploads/1"),
        (ASKED, "//cdn.example/1", "https://cdn.example/1"),
        (ASKED, "https://reg.example:443/u/1?q", "https://reg.example:443/u/1?q"),
        (ASKED, "http://reg.example/u/1", "https://reg.example/u/1"),
        (ASKED, "http://reg.example:80/u/1", "https://reg.example/u/1"),
        (ASKED, "http://reg.example:443/u/1", "https://reg.example:443/u/1"),
        (ASKED, "http://other.example/u/1", "http://other.example/u/1"),
        (ASKED, "http://reg.example:9000/u/1", "http://reg.example:9000/u/1"),
        ("https://reg.example:8443/v2/", "http://reg.example/u", "https://reg.example:8443/u"),
        ("https://reg.example:5000/v2/", "http://reg.example:5000/u", "https://reg.example:5000/u"),
        ("http://localhost:5000/v2/", "http://localhost:5000/u", "http://localhost:5000/u"),
        ("http://reg.example/v2/", "https://reg.example/u", "https://reg.example/u"),
        ("https://[::1]:5000/v2/", "http://[::1]/u", "https://[::1]:5000/u"),
    ],
)
def test_a_location_is_resolved_and_stays_under_tls(asked: str, location: str, url: str) -> None:
    assert locate(asked, location) == url


@pytest.mark.parametrize("location", ["ftp://x/", "http://[bad/", "https://h:99999/", "file:///etc/passwd"])
def test_what_is_no_address_of_the_web_is_refused(location: str) -> None:
    with pytest.raises(LocationBroken):
        locate(ASKED, location)


def test_who_gives_tokens_may_be_asked_as_it_is_written() -> None:
    assert resolved(ASKED, "http://reg.example/token?a=b") == "http://reg.example/token?a=b"
    assert resolved(ASKED, "/token") == "https://reg.example/token"


@given(st.text(max_size=40))
def test_no_location_breaks_the_reader(location: str) -> None:
    try:
        assert locate(ASKED, location).startswith("http")
    except LocationBroken as error:
        assert "reg.example" in str(error)  # noqa: PT017 - either of the two ways is right


def test_a_query_goes_behind_the_one_that_is_there() -> None:
    assert with_query("https://h/u", "digest=d") == "https://h/u?digest=d"
    assert with_query("https://h/u?_state=a%2Fb", "digest=d") == "https://h/u?_state=a%2Fb&digest=d"


def to(location: str, status: int = 307) -> Response:
    return Response(status, {"location": location})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_and_told_to_the_guard(status: int) -> None:
    played = play(follow(Request("GET", ASKED)), to("https://cdn.example/x", status), to("/y"), Response(200))

    assert [request.url for request in played.asked] == [ASKED, "https://cdn.example/x", "https://cdn.example/y"]
    assert [request.referred_by for request in played.asked] == [None, "reg.example", "reg.example"]


def test_a_signed_url_that_has_expired_is_signed_anew_once() -> None:
    answers = [to("https://cdn.example/old"), Response(403), to("https://cdn.example/new"), Response(200)]

    played = play(follow(Request("GET", ASKED)), *answers)

    assert played.asked[-1].url == "https://cdn.example/new"
    assert played.result[1].status == 200


def test_a_second_refusal_elsewhere_is_the_answer() -> None:
    answers = [to("https://cdn.example/1"), Response(403), to("https://cdn.example/2"), Response(403)]

    assert play(follow(Request("GET", ASKED)), *answers).result[1].status == 403


def test_a_refusal_by_the_registry_itself_is_not_repeated() -> None:
    assert play(follow(Request("GET", ASKED)), Response(403)).result[1].status == 403
    assert play(follow(Request("GET", ASKED)), to("/other"), Response(403)).result[1].status == 403


def test_a_redirect_loop_ends() -> None:
    with pytest.raises(LocationBroken, match="redirects more than 10 times"):
        play(follow(Request("GET", ASKED)), *[to(ASKED)] * 20)


def test_a_redirect_to_nowhere_is_refused_without_showing_the_query() -> None:
    conversation = follow(Request("GET", f"{ASKED}?sig=s3cr3t"))
    next(conversation)
    with pytest.raises(LocationBroken, match="without a Location") as caught:
        conversation.send(Response(302))
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "spelled"),
    [
        ("https://Reg.Example/", "reg.example"),
        ("https://reg.example:443/", "reg.example"),
        ("http://reg.example:443/", "reg.example:443"),
        ("http://reg.example:80/", "reg.example"),
        ("https://[::1]:5000/", "[::1]:5000"),
    ],
)
def test_a_host_has_one_spelling(url: str, spelled: str) -> None:
    assert authority(url) == spelled


def test_a_referrer_is_named_only_where_the_host_changes() -> None:
    assert referrer("https://a/", "https://a:443/x") is None
    assert referrer("https://a/", "https://b/x") == "a"
    assert referrer("https://a:1/", "https://a:2/x") == "a:1"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("app.localhost", True),
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("[::1]:5000", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("reg.example:5000", False),
    ],
)
def test_this_machine_by_name_and_number(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert may_carry_secrets(f"http://{host}/", plain_allowed=False) is loopback
    assert may_carry_secrets(f"https://{host}/", plain_allowed=False)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("LOCALHOST:5000", True),
        ("localhost.:80", True),
        ("a.b.localhost", True),
        ("", False),
        ("0.0.0.0", False),
        ("[::]", False),
        ("128.0.0.1", False),
        ("127.0.0.1.example.com", False),
        ("notlocalhost", False),
        ("localhost@example.com", False),
        ("localhost:5000:1", False),
        ("example.com", False),
    ],
)
def test_only_names_that_cannot_be_made_to_lead_elsewhere_are_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
