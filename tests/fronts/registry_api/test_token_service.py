"""Docker's token service: who gets which tokens, for which logins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lading.services.identity.throttling import FREE_FOR_ACCOUNT
from lading.services.identity.tokens import TokenForm
from tests.fakes.people import HOME, PASSWORD
from tests.fronts.registry_api.token_place import HOST, Place, push

FORM = "application/x-www-form-urlencoded"


def test_a_login_gets_a_token_that_opens_what_was_asked_for(place: Place) -> None:
    reply = place.asked("bob", "repository:team/app:pull,push", service=HOST, account="bob", client_id="docker")

    document = reply.document
    assert reply.status == 200
    assert set(document) == {"token", "access_token", "expires_in", "issued_at"}
    assert (document["token"], document["expires_in"]) == (document["access_token"], 300)
    assert document["issued_at"] == "2027-01-15T08:00:00.000Z"
    assert reply.headers["cache-control"] == "no-store"
    assert place.bearing(str(document["token"]), "POST", "/v2/team/app/blobs/uploads/").status == 202
    assert place.bearing(str(document["token"]), "GET", "/v2/").status == 200


def test_a_form_gets_the_same_and_is_told_which_scopes(place: Place) -> None:
    reply = place.posted(
        grant_type="password",
        service=HOST,
        client_id="oras",
        username="bob",
        password=PASSWORD,
        scope="repository:team/app:pull,push,delete repository:other:delete",
    )

    assert reply.status == 200
    assert reply.document["scope"] == "repository:team/app:pull,push"
    assert place.bearing(str(reply.document["access_token"]), "POST", "/v2/team/app/blobs/uploads/").status == 202
    assert "refresh_token" not in reply.document


def test_a_refresh_token_stands_for_the_login(place: Place) -> None:
    refresh = str(place.asked("bob", offline_token="true").document["refresh_token"])

    reply = place.posted(grant_type="refresh_token", refresh_token=refresh, scope="repository:team/app:push,pull")

    assert reply.document["scope"] == "repository:team/app:push,pull"
    assert place.bearing(refresh, "GET", "/v2/").status == 401
    assert place.asked("<token>", password=refresh).status == 401
    again = place.posted(grant_type="refresh_token", refresh_token=refresh, access_type="offline")
    assert set(again.document) >= {"access_token", "refresh_token"}


def test_a_refresh_token_ends_with_the_password(place: Place) -> None:
    refresh = str(place.asked("bob", offline_token="true").document["refresh_token"])
    place.people.database.users.change_user(2, lambda row: replace(row, password_hash=None))

    reply = place.posted(grant_type="refresh_token", refresh_token=refresh)

    assert (reply.status, reply.code) == (401, "UNAUTHORIZED")


def test_nobody_gets_a_token_for_what_is_public(place: Place) -> None:
    digest = push(place, "team/app")
    place.doors.public.add("team/app")

    reply = place.asked(None, "repository:team/app:pull,push", offline_token="true")
    token = str(reply.document["token"])

    assert "refresh_token" not in reply.document
    assert place.bearing(token, "GET", "/v2/").status == 200
    assert place.bearing(token, "GET", f"/v2/team/app/blobs/{digest}").body == b"layer"
    assert place.bearing(token, "POST", "/v2/team/app/blobs/uploads/").status == 401
    assert place.bearing(token, "GET", "/v2/team/other/tags/list").status == 401


@pytest.mark.parametrize("name", ["bob", "nobody", "", "x" * 5000, "bob:bob", "böb"])
def test_a_wrong_login_gets_none(place: Place, name: str) -> None:
    by_get = place.asked(name, "repository:team/app:pull", password="wrong password")
    by_form = place.posted(grant_type="password", username=name, password="wrong password")

    for reply in (by_get, by_form):
        assert (reply.status, reply.code) == (401, "UNAUTHORIZED")
        assert reply.headers["www-authenticate"] == 'Basic realm="Lading"'
        assert b"the user name or the password is wrong" in reply.body


def test_an_api_token_is_a_password_here_and_narrows_what_it_gets(place: Place) -> None:
    ada = place.people.authentication.login(HOME, "ada", PASSWORD).actor
    made = place.people.tokens.add(ada, TokenForm("ci", frozenset({"repositories:pull"})))

    token = place.token("ada", "repository:team/app:pull,push", password=made.secret)
    reply = place.posted(
        grant_type="password", username="ada", password=made.secret, scope="repository:team/app:pull,push"
    )

    assert reply.document["scope"] == "repository:team/app:pull"
    place.people.tokens.remove(ada, made.row.id)
    assert place.bearing(token, "GET", "/v2/").status == 401


def test_guessing_is_slowed_down_here_as_everywhere(place: Place) -> None:
    statuses = [place.asked("bob", password="wrong password").status for _ in range(FREE_FOR_ACCOUNT + 1)]
    reply = place.posted(grant_type="password", username="bob", password=PASSWORD)

    assert statuses == [401] * FREE_FOR_ACCOUNT + [429]
    assert (reply.status, reply.code) == (429, "TOOMANYREQUESTS")
    assert int(reply.headers["retry-after"]) >= 1


def test_a_password_is_hashed_once_for_many_tokens(place: Place) -> None:
    before = place.people.passwords.checked
    for _ in range(20):
        place.bearing(place.token("bob", "repository:team/app:pull"), "GET", "/v2/")

    assert place.people.passwords.checked == before + 1
    assert place.people.said.count(("login", "user", "done")) == 1


def test_wrong_logins_are_on_the_trail(place: Place) -> None:
    place.asked("bob", password="wrong password")

    assert place.people.said == [("login", "user", "failed")]


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("HEAD", b"", 405),
        ("PUT", b"", 405),
        ("DELETE", b"", 405),
        ("POST", b"", 400),
        ("POST", b"grant_type=other", 400),
        ("POST", b"\xff\xfe\x00", 400),
        ("POST", b"scope=" + b"x" * 70_000, 413),
        ("POST", b"a&" * 1000, 400),
    ],
)
def test_what_is_no_request_for_a_token(place: Place, method: str, body: bytes, status: int) -> None:
    assert place.ask(method, "/v2/token", body, content_type=FORM).status == status


def test_no_page_of_another_site_gets_a_token(place: Place) -> None:
    for headers in ({"origin": "https://evil.example"}, {"host": "evil.example"}):
        assert place.ask("POST", "/v2/token", b"grant_type=password", fields=headers).status == 403
        assert place.ask("GET", "/v2/token", fields=headers).status == 403
