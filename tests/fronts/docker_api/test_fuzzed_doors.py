"""Whatever is asked at the Docker door is answered in its form: never with a mistake of ours."""

from __future__ import annotations

import json
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lading.fronts.docker_api.application import ENDPOINTS
from lading.wire.docker_door import Route
from tests.fronts.docker_api.door import Door

NAMES = st.one_of(
    st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable()),
    st.sampled_from(["app:1", "app", "sha256", "a/b/c", "a@sha256:x", "0123456789ab", "..", "%2F", "@", ":", "a:b:c"]),
)
VALUES = st.one_of(
    st.text(max_size=20).filter(lambda text: text.isprintable()),
    st.sampled_from(
        ["", "1", "0", "{}", "[]", "null", '{"label":["x"]}', '{"reference":{"[":true}}', '{"until":["-1h"]}', "app:1"]
    ),
    st.sampled_from(['{"os":"linux","architecture":"amd64"}', '{"os":"linux"}', "linux/amd64", "9" * 40, "-1"]),
)
PARAMETERS = [
    *("all", "digests", "filter", "filters", "force", "manifests", "names", "noprune", "platform", "platforms"),
    *("repo", "shared-size", "since", "tag", "type", "until"),
]
QUERIES = st.dictionaries(st.sampled_from(PARAMETERS), VALUES, max_size=4)
PATHS = (
    ("GET", "/images/json"),
    ("GET", "/images/{}/json"),
    ("GET", "/images/{}/history"),
    ("POST", "/images/{}/tag"),
    ("DELETE", "/images/{}"),
    ("POST", "/images/prune"),
    ("GET", "/system/df"),
    ("GET", "/info"),
    ("GET", "/containers/{}/json"),
    ("GET", "/images/{}/get"),
    ("GET", "/distribution/{}/json/x"),
    ("POST", "/images/load"),
)


def test_every_route_is_answered() -> None:
    assert set(Route) - set(ENDPOINTS) == {Route.PING}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=120)
@given(st.sampled_from(PATHS), st.sampled_from(["", "/v1.24", "/v1.41", "/v1.51"]), NAMES, QUERIES)
def test_no_question_makes_us_err(
    door: Door, path: tuple[str, str], version: str, name: str, query: dict[str, str]
) -> None:
    method, place = path

    reply = door(method, version + place.format(quote(name, safe="/:@")), query=query)

    assert reply.status in {200, 201, 400, 404, 409}, reply.body
    if reply.status >= 400:
        assert reply.headers["content-type"] == "application/json"
        assert isinstance(json.loads(reply.body)["message"], str)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.sampled_from(["/images/x/tag", "/images/prune", "/images/load"]), st.binary(max_size=200), VALUES)
def test_no_body_makes_us_err(door: Door, path: str, body: bytes, kind: str) -> None:
    kinds = {"Content-Type": kind.encode("ascii", "ignore").decode() or "application/x-www-form-urlencoded"}

    reply = door("POST", path, body, kinds)

    assert reply.status in {200, 400, 404}, reply.body
