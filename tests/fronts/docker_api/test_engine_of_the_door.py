"""What the engine says of itself, what takes room, and what happens, over the Docker Engine API."""

from __future__ import annotations

import json
import time
from contextlib import closing

import pytest

from lading.oci.reference import Reference
from lading.services.access import Actor, Grant
from tests.fakes.places import NEVER
from tests.fronts.docker_api.door import Door

LESS = Actor("anonymous", (Grant(frozenset({"images:view"}), repositories=("team/*",)),))


def test_the_version_is_told_twice(door: Door) -> None:
    told = door.get("/version").json

    [engine] = told["Components"]
    assert told["Platform"] == {"Name": "Lading"}
    assert (engine["Name"], engine["Version"], told["Version"]) == ("Engine", "1.2.3", "1.2.3")
    flat = {"ApiVersion": "1.51", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64", "KernelVersion": "6.1.0"}
    assert flat.items() <= told.items()
    assert flat.items() <= engine["Details"].items()
    assert all(isinstance(value, str) for value in engine["Details"].values())


def test_information_counts_images_and_knows_docker_hub(door: Door) -> None:
    door.load("app:1", "app:2")
    door.load("other:1", label="y")

    told = door.get("/info").json

    assert (told["Images"], told["Containers"], told["Driver"]) == (2, 0, "lading")
    assert (told["OSType"], told["Architecture"], told["NCPU"]) == ("linux", "x86_64", 2)
    assert told["IndexServerAddress"] == "https://index.docker.io/v1/"
    assert told["RegistryConfig"]["IndexConfigs"]["docker.io"]["Official"] is True
    assert told["Swarm"]["LocalNodeState"] == "inactive"
    assert told["Warnings"] == []


def test_what_takes_room_is_counted_once(door: Door) -> None:
    door.load("app:1")
    door.load("other:1", label="y")

    told = door.get("/v1.41/system/df").json

    assert set(told) == {"LayersSize", "Images", "Containers", "Volumes", "BuildCache", "BuilderSize"}
    first, second = told["Images"]
    assert 0 < first["SharedSize"] < first["Size"]
    assert told["LayersSize"] < first["Size"] + second["Size"]
    assert first["Containers"] == 0
    assert (told["Containers"], told["Volumes"], told["BuildCache"]) == ([], [], [])
    assert "BuilderSize" not in door.get("/v1.42/system/df").json


def test_one_kind_of_what_takes_room_may_be_asked_for(door: Door) -> None:
    door.load("app:1")

    assert door.get("/system/df", type="volume").json == {
        "LayersSize": 0,
        "Images": None,
        "Containers": None,
        "Volumes": [],
        "BuildCache": None,
    }
    assert len(door.get("/system/df", type=["image", "container"]).json["Images"]) == 1
    assert door.get("/system/df", type="tree").told == (400, "unknown object type: tree")


def told(door: Door, accept: str = "", **query: str) -> list[dict[str, object]]:
    """Events that were, until now."""
    reply = door(
        "GET", "/v1.41/events", None, {"Accept": accept} if accept else {}, {"until": f"{time.time():f}", **query}
    )
    assert reply.status == 200, reply.body
    return [json.loads(line.lstrip(b"\x1e")) for line in reply.body.splitlines()]


def test_what_was_done_is_told_again(door: Door) -> None:
    since = time.time()
    image = door.load("app:1")
    door.post("/images/app:1/tag", repo="other", tag="2")
    door.delete("/images/other:2")

    seen = told(door, since=f"{since:f}")

    assert [(each["Action"], each["status"]) for each in seen] == [
        (action, action) for action in ("load", "tag", "untag")
    ]
    tagged = seen[1]
    assert (tagged["Type"], tagged["scope"]) == ("image", "local")
    assert tagged["id"] == image
    assert tagged["Actor"] == {"ID": image, "Attributes": {"label": "x", "name": "other:2"}}
    moment, exact = tagged["time"], tagged["timeNano"]
    assert isinstance(moment, int)
    assert isinstance(exact, int)
    assert since - 1 < moment <= exact / 1e9 < time.time()


@pytest.mark.parametrize(
    ("given", "actions"),
    [
        ({"event": ["tag"]}, ["tag"]),
        ({"event": ["tag", "load"]}, ["load", "tag"]),
        ({"image": ["other"]}, ["tag"]),
        ({"image": ["other:2"]}, ["tag"]),
        ({"image": ["oth"]}, []),
        ({"type": ["image"]}, ["load", "tag"]),
        ({"type": ["container"]}, []),
        ({"container": ["x"]}, []),
        ({"label": ["none"]}, []),
        ({"label": ["label"]}, ["load", "tag"]),
        ({"label": ["label=x", "label=y"]}, []),
    ],
)
def test_events_are_filtered(door: Door, given: dict[str, list[str]], actions: list[str]) -> None:
    since = time.time()
    door.load("app:1")
    door.post("/images/app:1/tag", repo="other", tag="2")

    seen = told(door, since=f"{since:f}", filters=json.dumps(given))

    assert [each["Action"] for each in seen] == actions


@pytest.mark.parametrize(
    ("accept", "media_type", "start"),
    [
        ("", "application/json", b"{"),
        ("*/*", "application/json", b"{"),
        ("application/x-ndjson", "application/x-ndjson", b"{"),
        ("application/json-seq, */*", "application/json-seq", b"\x1e{"),
    ],
)
def test_events_come_in_the_form_that_is_asked_for(door: Door, accept: str, media_type: str, start: bytes) -> None:
    since = time.time()
    door.load("app:1")

    reply = door("GET", "/events", None, {"Accept": accept}, {"since": f"{since:f}", "until": f"{time.time():f}"})

    assert reply.headers["content-type"] == media_type
    assert reply.body.startswith(start)
    assert reply.body.endswith(b"}\n")


def test_the_head_comes_before_the_first_event_and_each_event_at_once(door: Door) -> None:
    with closing(door.connection()) as connection:
        connection.request("GET", "/events")
        answer = connection.getresponse()
        assert answer.status == 200
        door.load("app:1")
        assert json.loads(answer.readline())["Action"] == "load"
        door.post("/images/app:1/tag", repo="other")
        assert json.loads(answer.readline())["Action"] == "tag"


def test_events_end_for_who_may_not_see_any_more_what_was_seen_at_first(door: Door) -> None:
    with closing(door.connection()) as connection:
        connection.request("GET", "/events")
        answer = connection.getresponse()
        door.load("app:1")
        assert json.loads(answer.readline())["Action"] == "load"

        door.who.append(LESS)
        door.environment.tag("app:1", Reference.parse("secret:1"), NEVER)

        assert answer.read() == b""


@pytest.mark.parametrize("query", [{"since": "soon"}, {"until": "soon"}, {"filters": '{"x":["y"]}'}])
def test_events_that_nobody_understands_are_refused(door: Door, query: dict[str, str]) -> None:
    assert door.get("/events", **query).status == 400


def test_who_may_see_some_names_hears_of_those(door: Door) -> None:
    since = time.time()
    door.load("app:1")
    door.post("/images/app:1/tag", repo="team/app")
    door.post("/images/app:1/tag", repo="other")
    door.who.append(Actor("ann", (Grant(frozenset({"images:view"}), repositories=("team/*",)),), 7))

    seen = told(door, since=f"{since:f}")

    assert [each["Actor"] for each in seen if isinstance(each["Actor"], dict)] == [
        {"ID": seen[0]["id"], "Attributes": {"label": "x", "name": "team/app:latest"}}
    ]
