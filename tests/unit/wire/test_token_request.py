"""What clients ask our token service, in the spellings of docker, skopeo, crane and ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.authorization import BasicLogin
from lading.wire.authorize import Scope
from lading.wire.token_request import (
    SCOPES_LIMIT,
    RefreshLogin,
    TokenRequest,
    TokenRequestInvalid,
    from_form,
    from_query,
)

APP = Scope("team/app", ("pull", "push"))
BASE = Scope("base", ("pull",))


@pytest.mark.parametrize(
    ("query", "request_"),
    [
        ("", TokenRequest()),
        ("service=r&account=ada&client_id=docker&offline_token=true", TokenRequest((), True)),
        ("scope=repository%3Ateam%2Fapp%3Apull%2Cpush", TokenRequest((APP,))),
        ("scope=repository:team/app:pull,push&scope=repository:base:pull", TokenRequest((APP, BASE))),
        ("scope=repository:team/app:pull,push+repository:base:pull", TokenRequest((APP, BASE))),
        ("scope=repository:base:pull&scope=repository:base:pull", TokenRequest((BASE,))),
        ("scope=repository:host:5000/a:pull", TokenRequest((Scope("host:5000/a", ("pull",)),))),
        ("scope=registry:catalog:*", TokenRequest((Scope("catalog", ("*",), "registry"),))),
        ("scope=&scope=nonsense&scope=repository:&scope=a:b", TokenRequest()),
        ("offline_token=false", TokenRequest()),
        ("offline_token=1&grant_type=password&username=ada&password=x", TokenRequest((), True)),
    ],
)
def test_a_query(query: str, request_: TokenRequest) -> None:
    assert from_query(query) == request_


@pytest.mark.parametrize(
    ("form", "request_"),
    [
        (
            "grant_type=password&username=ada&password=p%26w%2B+%C3%A4&service=r&client_id=docker&access_type=offline",
            TokenRequest((), True, BasicLogin("ada", "p&w+ ä")),
        ),
        (
            "grant_type=refresh_token&refresh_token=lrr1.x.y&scope=repository:team/app:pull,push",
            TokenRequest((APP,), False, RefreshLogin("lrr1.x.y")),
        ),
        ("grant_type=password&username=&password=", TokenRequest((), False, BasicLogin("", ""))),
    ],
)
def test_a_form(form: str, request_: TokenRequest) -> None:
    assert from_form(form) == request_


@pytest.mark.parametrize(
    "form",
    [
        "",
        "grant_type=password",
        "grant_type=password&username=ada",
        "grant_type=refresh_token",
        "grant_type=refresh_token&refresh_token=",
        "grant_type=client_credentials&username=ada&password=x",
        "{}",
    ],
)
def test_a_form_without_a_login_is_none(form: str) -> None:
    with pytest.raises(TokenRequestInvalid, match="grant_type"):
        from_form(form)


def test_a_request_has_bounds() -> None:
    many = "&".join(f"scope=repository:r{number}:pull" for number in range(SCOPES_LIMIT + 1))
    with pytest.raises(TokenRequestInvalid, match="at most 100 scopes"):
        from_query(many)
    with pytest.raises(TokenRequestInvalid, match="too many fields"):
        from_query("a&" * 1000)


def test_a_login_is_kept_out_of_texts() -> None:
    assert "secret" not in repr(from_form("grant_type=password&username=ada&password=secret"))
    assert "secret" not in repr(from_form("grant_type=refresh_token&refresh_token=secret"))


PIECES = st.sampled_from(
    ["scope", "=", "&", "repository", ":", "pull", ",", "*", "%", "%00", "%ff", "+", "grant_type", "é"]
)


@given(st.text() | st.lists(PIECES | st.text(max_size=3)).map("".join))
def test_whatever_is_asked_is_understood_or_refused(text: str) -> None:
    for read in (from_query, from_form):
        try:
            found = read(text)
        except TokenRequestInvalid:
            continue
        assert all(scope.name and not set(scope.name) & set(" \n\t") for scope in found.scopes)
