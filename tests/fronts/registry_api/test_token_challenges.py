"""Where to log in, and for what: the challenges of the door, and the URLs that its answers lead to."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.fronts.registry_api.serving import registry_application
from lading.oci.media_types import OCI_INDEX
from tests.fakes.people import PASSWORD, basic
from tests.fakes.records import MemoryLeases
from tests.fakes.registry_doors import Doors
from tests.fakes.repository_records import MemoryRecords
from tests.fronts.registry_api.asking import Asker, digest_of
from tests.fronts.registry_api.token_place import HOST, REALM, Place

EMPTY = b'{"schemaVersion":2,"manifests":[]}'


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


def test_whoever_shows_nothing_is_told_whose_registry_it_is(place: Place) -> None:
    """`lading doctor` asks so which program has the port."""
    assert place.ask("GET", "/v2/").headers["server"] == "lading"


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
    doors.trusted, doors.public_url = ["127.0.0.1"], None
    headers = {"x-forwarded-proto": "https", "x-forwarded-host": "hub.corp", "x-forwarded-prefix": "/images"}
    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        ask = Asker(registry_application(MemoryRecords(), content, doors.gate()))
        told = ask("GET", "/v2/", fields=headers).headers["www-authenticate"]

    assert told == 'Bearer realm="https://hub.corp/images/v2/token",service="hub.corp"'


@pytest.mark.parametrize("host", ["evil.example", "evil.example, registry.corp", "registry.corp, evil.example"])
def test_no_proxy_makes_us_tell_a_foreign_name(doors: Doors, tmp_path: Path, host: str) -> None:
    doors.trusted = ["127.0.0.1"]
    doors.people.user("ada", "admin")
    told = {"x-forwarded-proto": "https", "x-forwarded-host": host, "host": "registry.corp"}
    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        ask = Asker(registry_application(MemoryRecords(), content, doors.gate()))
        challenge = ask("GET", "/v2/", fields=told).headers["www-authenticate"]
        login = {"authorization": basic("ada", PASSWORD)}
        begun = ask("POST", "/v2/team/app/blobs/uploads/", fields={**login, **told})

    assert challenge == 'Bearer realm="https://registry.corp/v2/token",service="registry.corp"'
    assert begun.headers["location"].startswith("https://registry.corp/v2/team/app/blobs/uploads/")


def test_behind_a_trusted_proxy_every_url_is_whole(doors: Doors, tmp_path: Path) -> None:
    doors.trusted, doors.public, doors.public_url = ["127.0.0.1"], {"team/app"}, "https://hub.corp/images"
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
