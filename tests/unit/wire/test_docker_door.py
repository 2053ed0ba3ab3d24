"""The Docker Engine API's routes, and the versions a client may ask for."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire import docker_urls as urls
from lading.wire.docker_door import (
    NEWEST,
    OLDEST,
    Call,
    Route,
    VersionTooNew,
    VersionTooOld,
    match,
    negotiate,
)
from lading.wire.docker_urls import ApiVersion

SLASHED = "localhost:5000/a/b"


@pytest.mark.parametrize(
    ("method", "path", "route", "name"),
    [
        ("HEAD", "/_ping", Route.PING, ""),
        ("GET", "/_ping", Route.PING, ""),
        ("GET", "/images/json", Route.LIST, ""),
        ("GET", "/images/search", Route.SEARCH, ""),
        ("GET", "/images/get", Route.SAVE, ""),
        ("GET", "/images/x/get", Route.SAVE_ONE, "x"),
        ("GET", "/images/get/get", Route.SAVE_ONE, "get"),
        ("GET", "/images/json/json", Route.INSPECT, "json"),
        ("GET", "/images/a/json/json", Route.INSPECT, "a/json"),
        ("GET", f"/images/{SLASHED}/json", Route.INSPECT, SLASHED),
        ("GET", f"/images/{SLASHED}:1@sha256:{'0' * 64}/json", Route.INSPECT, f"{SLASHED}:1@sha256:{'0' * 64}"),
        ("GET", f"/images/{quote(SLASHED, safe='')}/json", Route.INSPECT, SLASHED),
        ("GET", "/images/a%252Fb/json", Route.INSPECT, "a%2Fb"),
        ("GET", "/images/a/history", Route.HISTORY, "a"),
        ("POST", "/images/create", Route.PULL_OR_IMPORT, ""),
        ("POST", "/images/load", Route.LOAD, ""),
        ("POST", "/images/prune", Route.PRUNE, ""),
        ("POST", f"/images/{SLASHED}/push", Route.PUSH, SLASHED),
        ("POST", "/images/push/push", Route.PUSH, "push"),
        ("POST", f"/images/{SLASHED}/tag", Route.TAG, SLASHED),
        ("DELETE", f"/images/{SLASHED}", Route.REMOVE, SLASHED),
        ("DELETE", "/images/", Route.REMOVE, ""),
        ("GET", f"/distribution/{SLASHED}/json", Route.DISTRIBUTION, SLASHED),
        ("POST", "/auth", Route.AUTHORISE, ""),
        ("GET", "/system/df", Route.USAGE, ""),
        ("GET", "/containers/json", Route.CONTAINERS, ""),
        ("GET", "/containers/json/json", Route.CONTAINER, "json"),
        ("GET", "/containers/team/app/json", Route.CONTAINER, "team/app"),
        ("POST", "/containers/create", Route.RUN, ""),
        ("POST", "/containers/x/start", Route.CONTAINER, "x"),
        ("DELETE", "/containers/x", Route.CONTAINER, "x"),
        ("GET", "/networks", Route.NETWORKS, ""),
        ("GET", "/networks/", Route.NETWORKS, ""),
        ("GET", "/networks/team/app", Route.NETWORK, "team/app"),
        ("GET", "/volumes", Route.VOLUMES, ""),
        ("GET", "/volumes/x", Route.VOLUME, "x"),
        ("GET", "/plugins", Route.PLUGINS, ""),
        ("GET", "/plugins/x/json", Route.PLUGIN, "x"),
        ("POST", "/build", Route.BUILD, ""),
        ("POST", "/session", Route.BUILD, ""),
        ("GET", "/nodes", Route.SWARM, ""),
        ("POST", "/swarm/init", Route.SWARM_CREATE, ""),
    ],
)
def test_a_route_is_found_with_its_version_and_without(method: str, path: str, route: Route, name: str) -> None:
    assert match(method, path) == Call(None, route, name)
    assert match(method, f"/v1.41{path}") == Call("1.41", route, name)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/v1.41"),
        ("GET", "/v1.41/"),
        ("GET", "/vx/images/json"),
        ("GET", "/v1.41/v1.41/images/json"),
        ("GET", "/images"),
        ("GET", "/images/json/"),
        ("GET", "/images//json"),
        ("GET", "/images/json?all=1"),
        ("POST", "/images/json"),
        ("HEAD", "/images/json"),
        ("OPTIONS", "/_ping"),
        ("GET", "/_ping/x"),
        ("GET", "/images/x/push"),
        ("GET", "/images/a\n/json"),
        ("PUT", "/images/x/json"),
        ("GET", "/v2/"),
    ],
)
def test_whatever_else_is_no_route(method: str, path: str) -> None:
    assert match(method, path) is None


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1)


@given(NAMES)
def test_a_name_is_read_as_it_was_encoded(name: str) -> None:
    for method, path, route in (
        ("GET", urls.image(NEWEST, name).partition("?")[0], Route.INSPECT),
        ("POST", f"/v1.51/images/{quote(name, safe='')}/push", Route.PUSH),
        ("DELETE", f"/images/{quote(name, safe='')}", Route.REMOVE),
    ):
        found = match(method, path)
        assert found is not None
        assert (found.route, found.name) == (route, name)


@given(st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]), st.text())
def test_any_path_is_read_without_complaint(method: str, path: str) -> None:
    match(method, path)


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        (None, NEWEST),
        ("1.24", OLDEST),
        ("1.41", ApiVersion(1, 41)),
        ("1.41.0", ApiVersion(1, 41)),
        ("1.51", NEWEST),
        ("1.051", NEWEST),
    ],
)
def test_versions_between_the_oldest_and_the_newest_are_spoken(asked: str | None, agreed: ApiVersion) -> None:
    assert negotiate(asked) == agreed


@pytest.mark.parametrize("asked", ["1.23", "1", "0.9", ".", "..", "1.0.99"])
def test_an_old_client_is_told_so_in_dockers_words(asked: str) -> None:
    with pytest.raises(VersionTooOld) as refused:
        negotiate(asked)

    assert str(refused.value) == (
        f"client version {asked} is too old. Minimum supported API version is 1.24, "
        "please upgrade your client to a newer version"
    )


@pytest.mark.parametrize("asked", ["1.52", "1.100", "2.0", "2", "1.51.1", "1." + "9" * 400])
def test_a_new_client_is_told_so_in_dockers_words(asked: str) -> None:
    with pytest.raises(VersionTooNew) as refused:
        negotiate(asked)

    assert str(refused.value) == f"client version {asked} is too new. Maximum supported API version is 1.51"


@given(st.text("0123456789.", min_size=1))
def test_any_version_is_answered_one_way_or_the_other(asked: str) -> None:
    with suppress(VersionTooOld, VersionTooNew):
        assert OLDEST <= negotiate(asked) <= NEWEST
