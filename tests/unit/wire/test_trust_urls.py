"""The URLs of a trust server: each route is matched by its own text, and no registry's path is one."""

from __future__ import annotations

import pytest

from lading.wire import registry_urls
from lading.wire.trust_urls import Changefeed, Collection, FileAt, Health, KeyAt, Route, is_trust, match

GUN = "registry.example:5000/team/app"


@pytest.mark.parametrize(
    "route",
    [
        Collection(GUN),
        FileAt(GUN, "root"),
        FileAt(GUN, "root", version=12),
        FileAt(GUN, "targets/releases/one", sha256="0f" * 32),
        KeyAt(GUN, "timestamp"),
        Changefeed(GUN),
        Changefeed(),
        Health(),
    ],
)
def test_a_route_is_matched_by_its_path(route: Route) -> None:
    assert match(str(route)) == route
    assert is_trust(str(route))


def test_what_is_percent_encoded_is_the_same() -> None:
    """As some programs write a colon."""
    assert match("/v2/registry.example%3A5000/team/app/_trust/tuf/root.json") == FileAt(GUN, "root")


@pytest.mark.parametrize(
    "path",
    [
        "/v2/",
        "/v2/_catalog",
        "/v2/team/my_trust/tags/list",
        "/v2/team/app/manifests/_trust",
        "/v2/team/app/blobs/uploads/_trust",
        "/_notary_server",
    ],
)
def test_a_registrys_path_is_none_of_a_trust_server(path: str) -> None:
    assert not is_trust(path)
    assert match(path) is None


@pytest.mark.parametrize("path", ["/v2/a/_trust/tuf/", "/v2/a/_trust/tuf/root.json", "/v2/_trust/changefeed"])
def test_a_trust_servers_path_is_none_of_a_registry(path: str) -> None:
    assert is_trust(path)
    assert registry_urls.match(path) is None
