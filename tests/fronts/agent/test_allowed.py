from __future__ import annotations

import pytest

from lading.fronts.agent.allowed import is_allowed


@pytest.mark.parametrize(
    "asked",
    [
        "GET /_ping",
        "HEAD /_ping",
        "GET /v1.41/version",
        "GET /info",
        "GET /events?filters=%7B%22type%22%3A%5B%22image%22%5D%7D",
        "GET /v1.51/system/df?type=image",
        "GET /v1.41/images/json?all=1",
        "GET /images/registry.corp:5000/a/b:1/json",
        "GET /images/a%2Fb/history",
        "GET /images/get?names=a&names=b",
        "GET /images/a/get",
        "GET /distribution/a/b/json",
        "POST /images/create?fromImage=a&tag=1",
        "POST /v1.41/images/create?fromSrc=-&repo=a",
        "POST /v1.41/images/a/b/push?tag=1",
        "POST /images/load?quiet=0",
        "POST /images/prune",
        "POST /images/a/tag?repo=b&tag=..",
        "DELETE /images/sha256:abc?force=1",
    ],
)
def test_images_are_a_servers_to_ask_for(asked: str) -> None:
    method, _, path = asked.partition(" ")
    assert is_allowed(method, path)


@pytest.mark.parametrize(
    "asked",
    [
        "GET /containers/json",
        "POST /containers/create",
        "POST /v1.41/containers/a/exec",
        "POST /exec/a/start",
        "POST /build",
        "POST /session",
        "POST /_hawser/compose",
        "GET /volumes",
        "POST /auth",
        "GET /swarm",
        "POST /plugins/pull",
        "PUT /images/a/json",
        "CONNECT /_ping",
        "GET _ping",
        "GET http://elsewhere/_ping",
        "GET @elsewhere/_ping",
        "GET /images/../containers/json",
        "GET /images/%2e%2e/containers/json",
        "GET /images/..%2fcontainers/json",
        "GET /images/./a/json",
        "GET /v1.41/../containers/json",
        "GET /images/json#/x",
        "DELETE /images/../containers/a",
        "GET //containers/json",
        "GET %2F_ping",
        "GET %2Fimages%2Fx@elsewhere/containers/json",
        "DELETE %2Fimages%2Fx@elsewhere:80/containers/a?force=1",
        "POST /images/create?fromSrc=http://169.254.169.254/latest",
        "POST /v1.41/images/create?repo=a&from%53rc=http://elsewhere/&fromSrc=-",
        "GET ",
    ],
)
def test_nothing_else_is(asked: str) -> None:
    method, _, path = asked.partition(" ")
    assert not is_allowed(method, path)
