"""Docker's token flow at the door: challenges, tokens, and what they open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.fronts.registry_api.serving import registry_application
from lading.oci.media_types import OCI_INDEX
from lading.services.access import Grant
from lading.services.throttling import FREE_FOR_ACCOUNT
from lading.services.tokens import TokenForm
from lading.services.user_records import RoleRow
from tests.fakes.people import HOME, PASSWORD, People, basic, people
from tests.fakes.records import MemoryLeases
from tests.fakes.registry_doors import Doors
from tests.fakes.repository_records import MemoryRecords
from tests.fronts.registry_api.asking import Asker, Reply, digest_of

HOST = "127.0.0.1:5000"
REALM = f'realm="http://{HOST}/v2/token",service="{HOST}"'
EMPTY = b'{"schemaVersion":2,"manifests":[]}'
FORM = "application/x-www-form-urlencoded"


@dataclass
class Place:
    """A registry with users, and a way to ask it."""

    ask: Asker
    doors: Doors

    @property
    def people(self) -> People:
        return self.doors.people

    def token(self, name: str | None, *scopes: str, **more: str) -> str:
        """What `name` gets for these scopes, by a GET."""
        return str(self.asked(name, *scopes, **more).document["token"])

    def asked(self, name: str | None, *scopes: str, password: str = PASSWORD, **more: str) -> Reply:
        query = urlencode([*(("scope", scope) for scope in scopes), *more.items()])
        login = {} if name is None else {"authorization": basic(name, password)}
        return self.ask("GET", f"/v2/token?{query}", fields=login)

    def posted(self, **form: str) -> Reply:
        return self.ask("POST", "/v2/token", urlencode(form).encode(), content_type=FORM)

    def bearing(self, token: str, method: str, target: str, body: bytes = b"") -> Reply:
        return self.ask(method, target, body, authorization=f"Bearer {token}")


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    with people(tmp_path) as all_:
        yield Doors(all_)


@pytest.fixture
def place(doors: Doors, tmp_path: Path) -> Iterator[Place]:
    """ada may do everything, bob may push, eve may nothing; team/app has a blob."""
    for name, roles in {"ada": ["admin"], "bob": ["publisher"], "eve": []}.items():
        doors.people.user(name, *roles)
    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        place = Place(Asker(registry_application(MemoryRecords(), content, doors.gate())), doors)
        yield place


def push(place: Place, repository: str, content: bytes = b"layer") -> str:
    token = place.token("ada", f"repository:{repository}:pull,push")
    target = f"/v2/{repository}/blobs/uploads/?digest={digest_of(content)}"
    assert place.bearing(token, "POST", target, content).status == 201
    return digest_of(content)


# ── challenges


@pytest.mark.parametrize(
    ("method", "target", "scope"),
    [
        ("GET", "/v2/", ""),
        ("GET", "/v2/_catalog", ',scope="registry:catalog:*"'),
        ("GET", "/v2/team/app/tags/list", ',scope="repository:team/app:pull"'),
        ("GET", "/v2/team/app/manifests/1", ',scope="repository:team/app:pull"'),
        ("HEAD", "/v2/team/app/manifests/1", ',scope="repository:team/app:pull"'),
        ("PUT", "/v2/team/app/manifests/1", ',scope="repository:team/app:pull,push"'),
        ("DELETE", "/v2/team/app/manifests/1", ',scope="repository:team/app:delete"'),
        ("GET", f"/v2/team/app/blobs/{digest_of(b'')}", ',scope="repository:team/app:pull"'),
        ("DELETE", f"/v2/team/app/blobs/{digest_of(b'')}", ',scope="repository:team/app:delete"'),
        ("GET", f"/v2/team/app/referrers/{digest_of(b'')}", ',scope="repository:team/app:pull"'),
        ("POST", "/v2/team/app/blobs/uploads/", ',scope="repository:team/app:pull,push"'),
        ("PATCH", "/v2/team/app/blobs/uploads/abc", ',scope="repository:team/app:pull,push"'),
        ("PUT", "/v2/team/app/blobs/uploads/abc", ',scope="repository:team/app:pull,push"'),
        ("GET", "/v2/team/app/blobs/uploads/abc", ',scope="repository:team/app:pull,push"'),
        ("DELETE", "/v2/team/app/blobs/uploads/abc", ',scope="repository:team/app:pull,push"'),
    ],
)
def test_whoever_shows_nothing_is_told_where_to_log_in_and_for_what(
    place: Place, method: str, target: str, scope: str
) -> None:
    reply = place.ask(method, target)

    assert (reply.status, reply.code) == (401, "UNAUTHORIZED")
    assert reply.headers["www-authenticate"] == f"Bearer {REALM}{scope}"


def test_a_token_for_something_else_is_told_so(place: Place) -> None:
    token = place.token("bob", "repository:team/app:pull")

    reply = place.bearing(token, "POST", "/v2/team/app/blobs/uploads/")

    scope = 'scope="repository:team/app:pull,push",error="insufficient_scope"'
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == f"Bearer {REALM},{scope}"


@pytest.mark.parametrize("spoil", ["expired", "changed", "another service's", "a user's who is gone"])
def test_a_token_that_opens_nothing_is_told_so(place: Place, spoil: str) -> None:
    token, host = place.token("bob", "repository:team/app:pull"), HOST
    match spoil:
        case "expired":
            place.people.clock.now += 300
        case "changed":
            token = token[:-1] + ("A" if token[-1] != "A" else "B")
        case "another service's":
            host = "localhost:5000"
        case _:
            place.people.database.users.change_user(2, lambda row: replace(row, active=False))

    reply = place.ask("GET", "/v2/team/app/tags/list", host=host, authorization=f"Bearer {token}")

    told = f'realm="http://{host}/v2/token",service="{host}",scope="repository:team/app:pull",error="invalid_token"'
    assert (reply.status, reply.code) == (401, "UNAUTHORIZED")
    assert reply.headers["www-authenticate"] == f"Bearer {told}"


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"host": "localhost:5000"}, "http://localhost:5000"),
        ({"host": "registry.corp"}, "https://registry.corp"),
        ({"host": "REGISTRY.corp:443"}, "https://registry.corp"),
        ({"host": "registry.corp:5000"}, "http://registry.corp:5000"),
        ({"host": "192.0.2.1:5000", "x-forwarded-host": "evil.example"}, "http://192.0.2.1:5000"),
    ],
)
def test_the_realm_is_where_the_client_came_to(place: Place, headers: dict[str, str], origin: str) -> None:
    told = place.ask("GET", "/v2/", fields=headers).headers["www-authenticate"]

    assert told.startswith(f'Bearer realm="{origin}/v2/token",service="{origin.partition("://")[2].lower()}"')


@pytest.mark.parametrize(
    "host", ["127.0.0.1:99999", '127.0.0.1:5000"', "127.0.0.1:x", "localhost:65536", "[::1]:-1", ""]
)
def test_what_is_no_host_and_port_is_refused(place: Place, host: str) -> None:
    for target in ("/v2/", "/v2/token"):
        reply = place.ask("GET", target, host=host)
        assert (reply.status, reply.code) == (403, "DENIED")


def test_behind_a_trusted_proxy_the_realm_is_where_the_proxy_is(doors: Doors, tmp_path: Path) -> None:
    doors.trusted = ["127.0.0.1"]
    headers = {"x-forwarded-proto": "https", "x-forwarded-host": "hub.corp", "x-forwarded-prefix": "/images"}
    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        ask = Asker(registry_application(MemoryRecords(), content, doors.gate()))
        told = ask("GET", "/v2/", fields=headers).headers["www-authenticate"]

    assert told == 'Bearer realm="https://hub.corp/images/v2/token",service="hub.corp"'


# ── tokens


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


# ── what they open


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


# ── where answers lead


def test_behind_a_trusted_proxy_every_url_is_whole(doors: Doors, tmp_path: Path) -> None:
    doors.trusted, doors.public = ["127.0.0.1"], {"team/app"}
    doors.people.user("ada", "admin")
    told = {"x-forwarded-proto": "https", "x-forwarded-host": "hub.corp", "x-forwarded-prefix": "/images"}
    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        ask = Asker(registry_application(MemoryRecords(), content, doors.gate()))
        login = {"authorization": basic("ada", PASSWORD)}

        begun = ask("POST", "/v2/team/app/blobs/uploads/", fields={**login, **told})
        plain = ask("POST", "/v2/team/app/blobs/uploads/", fields=login)
        whole = ask("POST", f"/v2/team/app/blobs/uploads/?digest={digest_of(b'{}')}", b"{}", fields={**login, **told})
        ask("PUT", "/v2/team/app/manifests/a", EMPTY, fields=login, content_type=OCI_INDEX)
        pushed = ask("PUT", "/v2/team/app/manifests/b", EMPTY, fields={**login, **told}, content_type=OCI_INDEX)
        page = ask("GET", "/v2/team/app/tags/list?n=1", fields={**login, **told})

    assert begun.headers["location"].startswith("https://hub.corp/images/v2/team/app/blobs/uploads/")
    assert plain.headers["location"].startswith("/v2/team/app/blobs/uploads/")
    assert whole.headers["location"] == f"https://hub.corp/images/v2/team/app/blobs/{digest_of(b'{}')}"
    assert pushed.headers["location"].startswith("https://hub.corp/images/v2/team/app/manifests/sha256:")
    assert page.headers["link"] == '<https://hub.corp/images/v2/team/app/tags/list?n=1&last=a>; rel="next"'
