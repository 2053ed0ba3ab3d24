"""What a registry token opens, and what is open without one."""

from __future__ import annotations

from typing import cast

import pytest

from lading.services.access import Grant
from lading.services.identity.tokens import TokenForm
from lading.services.identity.user_records import RoleRow
from tests.fakes.people import HOME, PASSWORD, basic
from tests.fronts.registry_api.asking import Asker
from tests.fronts.registry_api.token_place import REALM, Place, push


def test_a_public_repository_is_read_without_any_login(place: Place) -> None:
    digest = push(place, "team/app")
    private = place.ask("GET", f"/v2/team/app/blobs/{digest}")
    place.doors.public.add("team/app")

    assert private.status == 401
    assert place.ask("GET", f"/v2/team/app/blobs/{digest}").body == b"layer"
    assert place.ask("GET", "/v2/team/app/tags/list").document == {"name": "team/app", "tags": []}
    assert place.ask("GET", f"/v2/team/app/referrers/{digest}").status == 200
    assert place.ask("GET", "/v2/team/app/manifests/none").status == 404
    assert place.ask("POST", "/v2/team/app/blobs/uploads/").status == 401
    assert place.ask("DELETE", f"/v2/team/app/blobs/{digest}").status == 401


@pytest.mark.parametrize("who", [None, "anonymous token", "eve"])
def test_a_private_repository_looks_like_one_that_is_not_there(place: Place, who: str | None) -> None:
    """To who may not read it: the same answers to every question."""
    digest = push(place, "there/app")
    push(place, "there/app", b"{}")

    def answers(repository: str) -> list[tuple[int, bytes, str]]:
        found = []
        for method, path in (
            ("GET", "tags/list"),
            ("HEAD", "manifests/1"),
            ("GET", f"blobs/{digest}"),
            ("GET", f"referrers/{digest}"),
            ("POST", "blobs/uploads/"),
            ("DELETE", "manifests/1"),
        ):
            target = f"/v2/{repository}/{path}"
            if who == "eve":
                reply = place.ask(method, target, authorization=basic("eve", PASSWORD))
            elif who:
                token = place.token(None, f"repository:{repository}:pull,push")
                reply = place.bearing(token, method, target)
            else:
                reply = place.ask(method, target)
            told = reply.headers.get("www-authenticate", "").replace(repository, "…")
            found.append((reply.status, reply.body, told))
        return found

    assert answers("there/app") == answers("never/app")
    assert {status for status, _, _ in answers("there/app")} == {403 if who == "eve" else 401}


def test_a_mount_takes_a_token_for_both_repositories(place: Place) -> None:
    digest = push(place, "base/app")
    target = f"/v2/team/app/blobs/uploads/?mount={digest}&from=base/app"
    token = place.token("ada", "repository:team/app:pull,push")

    wider = place.bearing(token, "POST", target)

    scope = 'scope="repository:team/app:pull,push repository:base/app:pull"'
    assert wider.status == 401
    assert wider.headers["www-authenticate"] == f'Bearer {REALM},{scope},error="insufficient_scope"'
    assert place.ask("POST", target).headers["www-authenticate"] == f"Bearer {REALM},{scope}"
    both = place.token("ada", "repository:team/app:pull,push repository:base/app:pull")
    assert place.bearing(both, "POST", target).status == 201


def test_a_mount_from_a_repository_that_may_not_be_read_is_an_upload(place: Place) -> None:
    digest = push(place, "secret/app")
    users, grant = place.people.database.users, Grant(frozenset({"repositories:*"}), repositories=("team/*",))
    users.add_role(lambda id: RoleRow(id, "team", (grant,)))  # noqa: A006
    place.people.user("tom", "team")
    token = place.token("tom", "repository:team/app:pull,push repository:secret/app:pull")

    for query in (f"mount={digest}&from=secret/app", f"mount={digest}&from=never/app", f"mount={digest}"):
        assert place.bearing(token, "POST", f"/v2/team/app/blobs/uploads/?{query}").status == 202


def test_the_catalog_shows_what_may_be_read(place: Place) -> None:
    for repository in ("private/app", "public/app"):
        push(place, repository)
    place.doors.public.add("public/app")

    def catalog(token: str) -> object:
        return place.bearing(token, "GET", "/v2/_catalog").document["repositories"]

    assert catalog(place.token("ada", "registry:catalog:*")) == ["private/app", "public/app"]
    assert catalog(place.token(None, "registry:catalog:*")) == ["public/app"]
    assert place.ask("GET", "/v2/_catalog").status == 401


@pytest.mark.parametrize("count", [1, 2, 3, 100])
def test_no_page_of_the_catalog_tells_a_name_that_it_does_not_show(place: Place, count: int) -> None:
    """Not in the Link to the next page either; and pages are as full as they were asked for."""
    for number in range(4):
        push(place, f"secret/{number}")
        push(place, f"shown/{number}")
        push(place, f"t/secret{number}")
    place.doors.public |= {f"shown/{number}" for number in range(4)}
    token, target, pages = place.token(None, "registry:catalog:*"), f"/v2/_catalog?n={count}", []
    while target:
        reply = place.bearing(token, "GET", target)
        assert not any("secret" in value for _, value in reply.repeated)
        pages.append(cast("list[str]", reply.document["repositories"]))
        target = reply.headers.get("link", "").partition("<")[2].partition(">")[0]

    assert [name for page in pages for name in page] == [f"shown/{number}" for number in range(4)]
    assert all(len(page) == count for page in pages[:-1])


def test_basic_and_api_tokens_open_without_a_registry_token(place: Place) -> None:
    ada = place.people.authentication.login(HOME, "ada", PASSWORD).actor
    secret = place.people.tokens.add(ada, TokenForm("ci")).secret

    for header in (basic("ada", PASSWORD), basic("ada", secret), f"Bearer {secret}"):
        assert place.ask("GET", "/v2/", authorization=header).status == 200
        assert place.ask("POST", "/v2/team/app/blobs/uploads/", authorization=header).status == 202


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer x", "Bearer lra1.", "Basic", "Basic x", "Digest x", "", "Bearer lad_x"]
)
def test_a_login_that_cannot_be_read_is_told_where_to_log_in(place: Place, header: str) -> None:
    reply = place.ask("GET", "/v2/", authorization=header)

    assert (reply.status, reply.code) == (401, "UNAUTHORIZED")
    assert reply.headers["www-authenticate"].startswith(f"Bearer {REALM}")


def test_an_open_registry_has_no_tokens(ask: Asker) -> None:
    assert ask("GET", "/v2/token").status == 404
    assert ask("GET", "/v2/").status == 200


def test_a_new_password_ends_what_was_given_out_before(place: Place) -> None:
    digest = push(place, "team/app")
    scope, blob = "repository:team/app:pull", f"/v2/team/app/blobs/{digest}"
    token = place.token("bob", scope)
    assert place.bearing(token, "GET", blob).status == 200
    bob = place.people.authentication.authenticate(HOME, None, basic("bob", PASSWORD))

    place.people.authentication.change_password(bob, PASSWORD, "another long word", None)

    reply = place.bearing(token, "GET", blob)
    assert (reply.status, reply.code) == (401, "UNAUTHORIZED")
    assert 'error="invalid_token"' in reply.headers["www-authenticate"]
    assert place.asked("bob", scope).status == 401
    anew = str(place.asked("bob", scope, password="another long word").document["token"])
    assert place.bearing(anew, "GET", blob).status == 200
