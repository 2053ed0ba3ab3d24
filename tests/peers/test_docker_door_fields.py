"""The same questions, put to a real dockerd and to the Docker door at API 1.41, about the same image: the same fields
of the same kinds, and the same failures. What differs is listed, with its reason."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import pytest

from lading.services.environments.forms import EnvironmentForm
from lading.services.identity.authentication import OPEN
from tests.fakes.docker_archives import docker_archive
from tests.fronts.docker_api import door as doors
from tests.peers.compared_engines import NAME, PREFIX, Engines, shape
from tests.peers.programs import RunningDocker

pytestmark = pytest.mark.peer("dockerd")


@pytest.fixture(scope="module")
def engines(docker_engine: RunningDocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    archive = docker_archive([NAME], label="fields")  # nobody else at this dockerd has it
    with doors.door(tmp_path_factory.mktemp("door")) as door, _relay(door, docker_engine) as relay:
        found = Engines(docker_engine.socket, door, relay)
        assert b"Loaded image" in found.theirs("POST", "/images/load", archive).body
        door.load_archive(archive)
        yield found
        found.theirs("DELETE", f"/images/{NAME}", query={"force": "1"})


@contextmanager
def _relay(door: doors.Door, docker_engine: RunningDocker) -> Iterator[doors.Door]:
    form = EnvironmentForm("dockerd", "socket", str(docker_engine.socket))
    row = door.product.product.environments.add(OPEN, form)
    with doors.leading(door.product, row.id) as relay:
        yield relay


def test_a_listed_image_has_the_same_fields(engines: Engines) -> None:
    theirs, ours = (
        next(each for each in reply.json if each["RepoTags"] == [NAME])
        for reply in engines.ask("GET", "/images/json", filters=json.dumps({"reference": {NAME: True}}))
    )

    assert theirs.pop("RepoDigests") is None  # a graph driver forgets the manifest; we keep it, and so its digest
    assert ours.pop("RepoDigests")
    assert shape(ours) == shape(theirs)
    for same in ("RepoTags", "Created", "Labels", "Containers", "SharedSize", "ParentId"):
        assert ours[same] == theirs[same]


def test_an_inspected_image_has_the_same_fields(engines: Engines) -> None:
    theirs, ours = (reply.json for reply in engines.ask("GET", f"/images/{NAME}/json"))

    for one in (theirs, ours):
        assert set(one.pop("GraphDriver")) == {"Data", "Name"}
        one.pop("RepoDigests")  # as in the list
    assert shape(ours) == shape(theirs)
    for same in ("RepoTags", "Created", "Config", "ContainerConfig", "Architecture", "Os", "RootFS", "Author"):
        assert ours[same] == theirs[same], same


def test_the_history_is_the_same(engines: Engines) -> None:
    theirs, ours = (reply.json for reply in engines.ask("GET", f"/images/{NAME}/history"))

    for one in (theirs, ours):
        for step in one:
            step["Size"] = min(step["Size"], 1)  # ours are compressed
        one[0]["Id"] = ""  # there the config's digest, here the manifest's
    assert ours == theirs


def test_the_versions_have_the_same_fields(engines: Engines) -> None:
    theirs, ours = (reply.json for reply in engines.ask("GET", "/version"))

    assert set(theirs) - set(ours) <= {"Experimental"}  # said where it is true
    assert set(ours) <= set(theirs)
    engine = theirs["Components"][0]
    assert set(ours["Components"][0]["Details"]) == set(engine["Details"])
    assert (ours["Components"][0]["Name"], ours["Os"], ours["Arch"]) == (engine["Name"], theirs["Os"], theirs["Arch"])


OF_CONTAINERS = {
    "CgroupVersion",
    "DefaultAddressPools",
    "ProductLicense",
    "ClusterStore",
    "ClusterAdvertise",
    "CPUCfsPeriod",
    "CPUCfsQuota",
    "CpuCfsPeriod",
    "CpuCfsQuota",
    "KernelMemoryTCP",
    "SystemStatus",
    "Transport",
}
"""What only an engine with containers has to tell."""


def test_information_has_the_same_fields(engines: Engines) -> None:
    theirs, ours = (reply.json for reply in engines.ask("GET", "/info"))

    assert set(theirs) - set(ours) <= OF_CONTAINERS
    assert set(ours) - set(theirs) <= OF_CONTAINERS
    for name in set(ours) & set(theirs) - {
        "DriverStatus",
        "Runtimes",
        "SecurityOptions",
        "Plugins",
        "Warnings",
        "Swarm",
    }:
        assert type(ours[name]) is type(theirs[name]) or None in (ours[name], theirs[name]), name
    assert ours["RegistryConfig"]["IndexConfigs"] == theirs["RegistryConfig"]["IndexConfigs"]
    assert (ours["OSType"], ours["IndexServerAddress"]) == (theirs["OSType"], theirs["IndexServerAddress"])


def test_what_takes_room_has_the_same_fields(engines: Engines) -> None:
    theirs, ours = (reply.json for reply in engines.ask("GET", "/system/df"))

    assert set(ours) == set(theirs)
    image = next(each for each in theirs["Images"] if each["RepoTags"] == [NAME])
    assert set(ours["Images"][0]) == set(image)


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/images/nothing:1/history", {}),
        ("DELETE", "/images/nothing", {}),
        ("POST", "/images/nothing/tag", {"repo": "x"}),
        ("POST", f"/images/{NAME}/tag", {"repo": "sha256"}),
        ("GET", "/nowhere", {}),
        ("POST", "/images/json", {}),
        ("GET", "/containers/x/json", {}),
        ("GET", "/networks/nothing", {}),
        ("GET", "/volumes/nothing", {}),
        ("GET", "/exec/x/json", {}),
        ("GET", "/nodes", {}),
    ],
)
def test_failures_are_told_in_the_same_words(
    engines: Engines, method: str, path: str, query: Mapping[str, str]
) -> None:
    theirs, ours = engines.ask(method, path, **query)

    assert ours.told == theirs.told
    assert ours.headers["content-type"] == theirs.headers["content-type"]


@pytest.mark.parametrize("name", ["nothing", "localhost:5000%2Fnothing", f"sha256:{'0' * 64}"])
def test_an_image_that_is_not_there_is_called_the_same(engines: Engines, name: str) -> None:
    theirs, ours = (reply.told for reply in engines.ask("GET", f"/images/{name}/json"))

    assert ours[0] == theirs[0] == 404
    assert theirs[1].endswith(f": {ours[1]}")  # until Docker 23 the sentence stood there twice


@pytest.mark.parametrize(
    ("method", "path", "query", "status"),
    [
        ("GET", "/images/UPPER/json", {}, 400),
        ("GET", "/images/json", {"filters": '{"bogus":{"x":true}}'}, 400),
        ("GET", "/images/json", {"filters": '{"dangling":{"maybe":true}}'}, 400),
        # here 20.10 forgot to say whose fault it is, and newer engines do not
        ("POST", f"/images/{NAME}/tag", {"repo": "UPPER"}, 500),
        ("POST", f"/images/{NAME}/tag", {"repo": "x", "tag": "-x"}, 500),
        ("GET", "/images/json", {"filters": "{"}, 500),
        ("POST", "/images/prune", {"filters": '{"until":{"soon":true}}'}, 500),
    ],
)
def test_what_cannot_be_understood_is_the_callers_fault(
    engines: Engines, method: str, path: str, query: Mapping[str, str], status: int
) -> None:
    theirs, ours = engines.ask(method, path, **query)

    assert (ours.status, theirs.status) == (400, status)


@pytest.mark.parametrize("path", ["/containers/json", "/volumes", "/swarm"])
def test_lists_without_anything_in_them_are_the_same(engines: Engines, path: str) -> None:
    theirs, ours = engines.ask("GET", path, all="1")

    assert (ours.status, ours.json) == (theirs.status, theirs.json)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_ping_has_the_same_fields(engines: Engines, method: str) -> None:
    theirs, ours = engines.ask(method, "/_ping")

    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    assert set(theirs.headers) <= set(ours.headers)
    for same in ("cache-control", "pragma", "content-type", "content-length", "docker-experimental", "ostype"):
        assert ours.headers[same] == theirs.headers[same]


def test_names_come_and_go_in_the_same_lines(engines: Engines) -> None:
    theirs, ours = engines.ask("POST", f"/images/{NAME}/tag", repo="fields.example/other", tag="2")
    assert (ours.status, ours.body) == (theirs.status, theirs.body) == (201, b"")

    theirs, ours = engines.ask("DELETE", "/images/fields.example/other:2")

    assert (ours.status, ours.json) == (theirs.status, theirs.json)


def test_events_have_the_same_fields(engines: Engines) -> None:
    def event(reply: doors.Reply) -> Any:
        return next(each for each in map(json.loads, reply.body.splitlines()) if each["Action"] == "tag")

    since = f"{time.time():.9f}"
    engines.ask("POST", f"/images/{NAME}/tag", repo="fields.example/event")
    theirs, ours = engines.ask(
        "GET", "/events", since=since, until=f"{time.time():.9f}", filters='{"event":{"tag":true}}'
    )

    assert shape(event(ours)) == shape(event(theirs))
    assert event(ours)["Actor"]["Attributes"].keys() == event(theirs)["Actor"]["Attributes"].keys()
    engines.ask("DELETE", "/images/fields.example/event:latest")


def test_a_docker_hosts_events_are_told_as_the_host_tells_them(engines: Engines) -> None:
    """Also of what was done there without us."""
    since = f"{time.time():.6f}"
    engines.theirs("POST", f"/images/{NAME}/tag", query={"repo": "fields.example/past", "tag": "1"})
    assert engines.relay.post("/images/fields.example/past:1/tag", repo="fields.example/through").status == 201
    for name in ("past:1", "through:latest"):
        engines.theirs("DELETE", f"/images/fields.example/{name}")
    asked = {"since": since, "until": f"{time.time():.6f}", "filters": '{"type":{"image":true}}'}

    theirs = engines.theirs("GET", "/events", query=asked)
    through = engines.relay.get(f"{PREFIX}/events", **asked)

    heard = [json.loads(each) for each in through.body.splitlines()]
    assert heard == [json.loads(each) for each in theirs.body.splitlines()]
    assert [each["Action"] for each in heard] == ["tag", "tag", "untag", "untag"]


def test_a_docker_hosts_events_come_at_once(engines: Engines) -> None:
    with closing(engines.relay.connection()) as connection:
        connection.request("GET", "/events")
        answer = connection.getresponse()
        engines.theirs("POST", f"/images/{NAME}/tag", query={"repo": "fields.example/live", "tag": "1"})
        assert json.loads(answer.readline())["Actor"]["Attributes"]["name"] == "fields.example/live:1"
    engines.theirs("DELETE", "/images/fields.example/live:1")


@pytest.mark.parametrize("path", [f"/images/{NAME}/json", f"/images/{NAME}/history"])
def test_a_docker_host_is_seen_through_the_door_as_it_is(engines: Engines, path: str) -> None:
    theirs = engines.theirs("GET", path)

    through = engines.relay.get(PREFIX + path)

    seen, told = through.json, theirs.json
    if isinstance(seen, dict):
        for each in (seen, told):
            each.pop("GraphDriver")  # the paths of another machine
            each["Metadata"]["LastTagTime"] = each["Metadata"]["LastTagTime"][:19]  # in its own zone, to the nanosecond
    assert seen == told


def test_a_docker_hosts_list_is_seen_through_the_door(engines: Engines) -> None:
    query = {"filters": json.dumps({"reference": [NAME]})}

    [theirs] = engines.theirs("GET", "/images/json", query=query).json
    [through] = engines.relay("GET", f"{PREFIX}/images/json", query=query).json

    assert {**through, "RepoDigests": None} == theirs


def test_a_docker_hosts_failures_are_passed_on(engines: Engines) -> None:
    assert engines.relay.get("/images/nothing/json").told == (404, "No such image: nothing:latest")
    assert engines.relay.delete("/images/nothing").told == (404, "No such image: nothing:latest")


def test_names_of_a_docker_host_come_and_go_through_the_door(engines: Engines) -> None:
    assert engines.relay.post(f"/images/{NAME}/tag", repo="fields.example/through").status == 201

    gone = engines.relay.delete("/images/fields.example/through")

    assert gone.json == [{"Untagged": "fields.example/through:latest"}]


@pytest.mark.parametrize("path", ["/info", "/version", "/system/df"])
def test_a_door_to_a_docker_host_is_still_ours(engines: Engines, path: str) -> None:
    assert engines.relay.get(path).status == 200
