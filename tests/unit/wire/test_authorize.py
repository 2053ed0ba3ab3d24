"""The token dance, in both dialects."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from lading.errors import AccessDenied, ProtocolBroken
from lading.wire.authorize import (
    LONGEST_LIFETIME,
    Credential,
    PlainTextLogin,
    Realm,
    Scope,
    Token,
    TokenUnreadable,
    authorize,
    basic,
    delete,
    pull,
    push,
)
from lading.wire.message import BytesContent, Request, Response
from lading.wire.registry_errors import Unauthorized
from tests.fakes.conversation import Played, play

REALM = Realm("https://auth.example/token", "reg.example", "reg.example")
ANN = Credential("ann", "pa:ss", source="a test")
MACHINE = Credential("ann", identity_token="refresh-me")
SCOPES = (push("a/b"), pull("c"))


def dance(credential: Credential | None, *answers: Response, scopes: tuple[Scope, ...] = SCOPES) -> Played[Token]:
    return play(authorize(REALM, credential, scopes, plain_allowed=False), *answers)


def gives(**members: object) -> Response:
    return Response(200, {}, json.dumps(members).encode())


def query(request: Request) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.url).query)


def form(request: Request) -> dict[str, str]:
    assert isinstance(request.content, BytesContent)
    return dict(parse_qsl(request.content.held.decode()))


def test_without_a_login_the_token_is_asked_for_by_get() -> None:
    played = dance(None, gives(token="t"))

    assert played.result == Token("t", 60.0, SCOPES)
    [asked] = played.asked
    assert asked.method == "GET"
    assert query(asked) == {"service": ["reg.example"], "scope": ["repository:a/b:push,pull", "repository:c:pull"]}
    assert "authorization" not in asked.headers


def test_name_and_password_go_along_as_basic_with_the_account() -> None:
    [asked] = dance(ANN, gives(token="t")).asked

    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"ann:pa:ss").decode()
    assert query(asked)["account"] == ["ann"]


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_get_that_is_not_understood_is_followed_by_a_post(status: int) -> None:
    played = dance(ANN, Response(status), gives(access_token="t"))

    assert [request.method for request in played.asked] == ["GET", "POST"]
    assert form(played.asked[1]) == {
        "grant_type": "password",
        "client_id": "lading",
        "service": "reg.example",
        "scope": "repository:a/b:push,pull repository:c:pull",
        "username": "ann",
        "password": "pa:ss",
    }


def test_a_wrong_password_is_not_tried_twice() -> None:
    conversation = authorize(REALM, ANN, SCOPES[:1], plain_allowed=False)
    assert next(conversation).method == "GET"
    with pytest.raises(Unauthorized):
        conversation.send(Response(401))


def test_an_identity_token_is_posted_for_a_refresh() -> None:
    [asked] = dance(MACHINE, gives(access_token="t")).asked

    assert form(asked)["grant_type"] == "refresh_token"
    assert form(asked)["refresh_token"] == "refresh-me"


@pytest.mark.parametrize("status", [400, 401, 404, 405])
def test_a_post_that_is_refused_is_followed_by_a_get(status: int) -> None:
    played = dance(MACHINE, Response(status), gives(token="t"))

    assert [request.method for request in played.asked] == ["POST", "GET"]
    assert played.asked[1].headers["authorization"] == "Basic " + base64.b64encode(b"ann:refresh-me").decode()


@pytest.mark.parametrize("status", [401, 403])
def test_scopes_refused_together_leave_the_first_alone(status: int) -> None:
    played = dance(ANN, Response(status), gives(token="t"))

    assert played.result.scopes == SCOPES[:1]
    assert query(played.asked[1])["scope"] == ["repository:a/b:push,pull"]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_login_that_is_refused_is_an_access_denied(status: int) -> None:
    conversation = authorize(REALM, None, SCOPES[:1], plain_allowed=False)
    next(conversation)
    with pytest.raises(AccessDenied):
        conversation.send(Response(status))


def test_the_service_breaking_down_is_not_the_callers_fault() -> None:
    conversation = authorize(REALM, None, SCOPES[:1], plain_allowed=False)
    next(conversation)
    with pytest.raises(ProtocolBroken):
        conversation.send(Response(500))


@pytest.mark.parametrize(
    ("members", "headers", "lifetime"),
    [
        ({}, {}, 60),
        ({"expires_in": 300}, {}, 300),
        ({"expires_in": 0}, {}, 60),
        ({"expires_in": -5}, {}, 60),
        ({"expires_in": "300"}, {}, 60),
        ({"expires_in": 10**400}, {}, LONGEST_LIFETIME),
        ({"expires_in": float("inf")}, {}, LONGEST_LIFETIME),
        ({"expires_in": float("nan")}, {}, 60),
        (
            {"expires_in": 300, "issued_at": "2026-01-01T00:00:00Z"},
            {"date": "Fri, 01 Jan 99999999999 00:00:00 GMT"},
            300,
        ),
        ({"expires_in": 300, "issued_at": "2026-01-01T00:00:00Z"}, {}, 300),
        ({"expires_in": 300, "issued_at": "2026-01-01T00:00:00Z"}, {"date": "Thu, 01 Jan 2026 00:01:40 GMT"}, 200),
        (
            {"expires_in": 300, "issued_at": "2026-01-01T00:00:00.123456789Z"},
            {"date": "Thu, 01 Jan 2026 00:01:40 GMT"},
            200,
        ),
        ({"expires_in": 300, "issued_at": "2026-01-01T00:00:00Z"}, {"date": "Thu, 01 Jan 2026 09:00:00 GMT"}, 300),
        ({"expires_in": 300, "issued_at": "2026-01-01T00:00:00Z"}, {"date": "nonsense"}, 300),
        ({"expires_in": 300, "issued_at": "nonsense"}, {"date": "Thu, 01 Jan 2026 00:01:40 GMT"}, 300),
        ({"expires_in": 300, "issued_at": "2026-01-01T00:00:00"}, {"date": "Thu, 01 Jan 2026 00:01:40 GMT"}, 300),
    ],
)
def test_a_tokens_life_is_counted_by_the_services_own_clock(
    members: dict[str, object], headers: dict[str, str], lifetime: float
) -> None:
    answer = Response(200, headers, json.dumps({"token": "t", **members}).encode())

    assert dance(None, answer).result.lifetime == lifetime


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"token": 5}',
        b'{"token": ""}',
        b'{"token": "a\\r\\nb"}',
        b'{"token":"\xc3\xa9"}',
        b"[" * 100_000,
    ],
)
def test_a_yes_without_a_token_says_so(body: bytes) -> None:
    conversation = authorize(REALM, None, SCOPES, plain_allowed=False)
    next(conversation)
    with pytest.raises(TokenUnreadable, match=r"auth\.example"):
        conversation.send(Response(200, {}, body))


@pytest.mark.parametrize(
    ("url", "plain_allowed", "sent"),
    [
        ("http://auth.example/token", False, False),
        ("http://auth.example/token", True, True),
        ("http://localhost:5001/token", False, True),
        ("http://127.0.0.1/token", False, True),
        ("https://auth.example/token", False, True),
    ],
)
def test_a_login_travels_under_tls_or_by_permission(url: str, plain_allowed: bool, sent: bool) -> None:
    conversation = authorize(Realm(url, None, "reg.example"), ANN, SCOPES, plain_allowed=plain_allowed)
    if sent:
        assert next(conversation).url.startswith(url)
    else:
        with pytest.raises(PlainTextLogin):
            next(conversation)


def test_a_service_elsewhere_is_told_to_the_guard() -> None:
    [elsewhere] = dance(None, gives(token="t")).asked
    here = next(
        authorize(Realm("https://reg.example/token?a=b", None, "reg.example"), None, SCOPES, plain_allowed=False)
    )

    assert elsewhere.referred_by == "reg.example"
    assert here.referred_by is None
    assert here.url.startswith("https://reg.example/token?a=b&scope=")


def test_basic_of_an_identity_token_alone_names_the_user_token() -> None:
    assert basic(Credential(identity_token="i")) == "Basic " + base64.b64encode(b"<token>:i").decode()


def test_no_secret_shows() -> None:
    credential = Credential("ann", "s3cr3t", "s3cr3t", "s3cr3t", "file")

    assert "s3cr3t" not in repr(credential)
    assert "s3cr3t" not in repr(Token("s3cr3t", 60, ()))
    request = next(authorize(REALM, Credential("ann", "s3cr3t"), SCOPES, plain_allowed=False))
    assert "s3cr3t" not in repr(request)


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        ("", []),
        ("repository:a/b:pull,push", [Scope("a/b", ("pull", "push"))]),
        ("repository:host:5000/a:pull repository:b:*", [Scope("host:5000/a", ("pull",)), Scope("b", ("*",))]),
        ("registry:catalog:*", [Scope("catalog", ("*",), "registry")]),
        ("nonsense repository::pull", []),
    ],
)
def test_scopes_of_a_challenge(text: str, scopes: list[Scope]) -> None:
    assert list(Scope.parse(text)) == scopes


@pytest.mark.parametrize(
    ("have", "want", "covered"),
    [
        (push("a"), pull("a"), True),
        (pull("a"), push("a"), False),
        (push("a"), pull("b"), False),
        (Scope("a", ("*",)), delete("a"), True),
        (Scope("a", ("pull",), "registry"), pull("a"), False),
    ],
)
def test_a_scope_covers_what_it_includes(have: Scope, want: Scope, covered: bool) -> None:
    assert have.covers(want) is covered


def test_push_stands_before_pull() -> None:
    assert str(push("a")) == "repository:a:push,pull"
