"""One image to many environments over the API: at the far ends stand other products of ours, behind Docker doors."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from tests.fakes.several_platforms import several
from tests.fronts.docker_api.door import Door, door
from tests.fronts.rest_api.caller import DENIED, JSON, Answer, Caller, House, done, house, until
from tests.peers import programs

UNSET = "Docker hosts cannot fetch from this registry: registry-public-url is not set"


@dataclass(frozen=True)
class Fleet:
    """A service whose registry has a public address, and two hosts."""

    house: House
    one: Door
    other: Door
    numbers: tuple[int, int]
    registry: str

    def distribute(self, image: str, environments: Sequence[int] | None = None, **fields: object) -> Answer:
        """Waits for the end."""
        return distribute(self.house.admin, image, environments or self.numbers, **fields)

    def add(self, name: str, port: int) -> int:
        form = {"name": name, "connectionType": "direct", "host": "127.0.0.1", "port": port, "protocol": "http"}
        made = self.house.admin.post("/api/environments", form)
        assert made.status == 201, made.text
        return int(made.json["id"])

    @property
    def passing(self) -> list[str]:
        """Tags of the repositories that images of environments pass through."""
        names = [each["name"] for each in self.house.admin.get("/api/repositories").json]
        return [
            tag
            for name in names
            if name.startswith("lading-distributed/")
            for tag in self.house.admin.get(f"/api/repositories/{quote(name, '')}/tags").json
        ]

    @property
    def users(self) -> list[str]:
        return [each["username"] for each in self.house.admin.get("/api/users").json]

    def told(self, name: str) -> list[tuple[str, int | None, str]]:
        """What the trail says of an image."""
        rows = self.house.admin.get("/api/audit?limit=200&page=1").json["items"]
        return [(row["action"], row["environmentId"], row["result"]) for row in rows if row["entityName"] == name]


def distribute(caller: Caller, image: str | None, environments: Sequence[int], **fields: object) -> Answer:
    body = {"image": image, "environments": list(environments), **fields}
    return caller.post("/api/images/distribute", body, Accept=JSON)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder, port = tmp_path_factory.mktemp("fleet"), programs.free_port()
    registry = f"127.0.0.1:{port}"
    with ExitStack() as stack:
        one, other = (stack.enter_context(door(folder / name)) for name in ("one", "other"))
        url = f"http://{registry}"
        running = stack.enter_context(house(folder / "data", registry_port=port, registry_public_url=url))
        bare = Fleet(running, one, other, (0, 0), registry)
        yield Fleet(running, one, other, (bare.add("one", one.port), bare.add("site:other", other.port)), registry)


def _load(house: House, archive: bytes) -> None:
    loaded = house.admin("POST", "/api/images/import", raw=archive, headers={"Accept": JSON})
    assert loaded.status == 200, loaded.text


def names_at(host: Door) -> set[str]:
    return {name for image in host.get("/v1.41/images/json").json for name in image["RepoTags"] or []}


def pinned_at(host: Door) -> set[str]:
    return {name for image in host.get("/v1.41/images/json").json for name in image["RepoDigests"] or []}


def test_every_host_gets_it_under_its_name_and_nothing_else_is_left_anywhere(fleet: Fleet) -> None:
    fleet.house.load("shop.example/app:1", label="app")

    answer = fleet.distribute("shop.example/app:1")

    assert answer.status == 200, answer.text
    assert answer.json["message"] == "Image shop.example/app:1 is at 2 hosts"
    one, other = fleet.numbers
    digest = answer.json["digest"]
    assert answer.json["results"] == [
        {"environment": one, "name": "one", "status": "done", "digest": digest, "current": False},
        {"environment": other, "name": "site:other", "status": "done", "digest": digest, "current": False},
    ]
    assert names_at(fleet.one) == names_at(fleet.other) == {"shop.example/app:1"}
    assert not any("lading-distributed" in name for name in pinned_at(fleet.one) | pinned_at(fleet.other))
    assert (fleet.passing, fleet.users) == ([], ["admin"])
    assert {("pull", one, "done"), ("pull", other, "done"), ("pull", one, "started")} <= {
        *fleet.told("shop.example/app:1")
    }
    assert ("distribute", 1, "done") in fleet.told("shop.example/app:1")


def test_lines_bear_the_names_of_hosts_and_bytes_are_those_that_moved(fleet: Fleet) -> None:
    fleet.house.load("shop.example/lines:1", label="lines")

    answer = fleet.distribute("shop.example/lines:1")

    job: Any = done(fleet.house.admin, answer.headers["x-job-id"])
    lines = [line["data"] for line in job["lines"]]
    assert {line["id"] for line in lines if "id" in line} == {"one", "site:other"}
    last = {line["id"]: line["status"] for line in lines if "id" in line}
    assert last == {"one": "Done", "site:other": "Done"}
    assert "staged" in [line["status"] for line in lines]
    assert (job["kind"], job["status"]) == ("distribute", "done")

    again = fleet.distribute("shop.example/lines:1")
    assert [each["current"] for each in again.json["results"]] == [True, True]
    job = done(fleet.house.admin, again.headers["x-job-id"])
    assert job["progress"]["totals"]["sent"] == 0
    assert [line["data"]["status"] for line in job["lines"] if line["data"].get("id") == "one"][-1] == "Up to date"


def test_an_image_of_the_registry_is_meant_by_its_path_or_its_whole_name(fleet: Fleet) -> None:
    image = fleet.house.load("shop.example/pushed:1", label="pushed")
    push = {"imageId": image, "registryId": fleet.house.own_registry(), "newTag": "team/app:1"}
    pushed = fleet.house.admin.post("/api/images/push", push, Accept=JSON)
    assert pushed.status == 200, pushed.text
    digest = pushed.json["digest"]
    one = fleet.numbers[:1]

    for text in ("team/app:1", f"{fleet.registry}/team/app:1", f"team/app@{digest}"):
        answer = fleet.distribute(text, one)
        assert (answer.status, answer.json.get("digest")) == (200, digest), answer.text
    assert f"{fleet.registry}/team/app:1" in names_at(fleet.one)
    assert f"{fleet.registry}/team/app@{digest}" in pinned_at(fleet.one)

    renamed = fleet.distribute("team/app:1", one, **{"as": "renamed"})
    assert renamed.status == 200, renamed.text
    assert "renamed:latest" in names_at(fleet.one)

    nothing = fleet.distribute(f"{fleet.registry}/team/nothing:1", one)
    assert nothing.status == 404
    reader = fleet.house.role("pulls", {"permissions": ["images:pull"]})
    assert distribute(fleet.house.user("puller", reader), "team/app:1", one).json == DENIED


def test_an_image_of_a_host_goes_to_another(fleet: Fleet) -> None:
    fleet.one.load("shop.example/of-one:1", label="of one")
    one, other = fleet.numbers

    answer = fleet.distribute("shop.example/of-one:1", [other], env=one)

    assert answer.status == 200, answer.text
    assert "shop.example/of-one:1" in names_at(fleet.other)
    assert not any("lading-distributed" in name for name in names_at(fleet.one) | pinned_at(fleet.one))
    assert (fleet.passing, fleet.users[:1]) == ([], ["admin"])


def test_what_is_asked_is_checked_before_anything_moves(fleet: Fleet, house: House) -> None:
    admin = fleet.house.admin
    fleet.house.load("shop.example/checked:1", label="checked")

    assert distribute(house.admin, "shop.example/checked:1", [1]).brief == (409, UNSET)
    missing = (400, "Image and environments are required")
    assert distribute(admin, None, fleet.numbers).brief == missing
    assert distribute(admin, "shop.example/checked:1", []).brief == missing
    assert distribute(admin, "shop.example/checked:1", [99]).brief == (404, "Environment not found")
    assert distribute(admin, "shop.example/nothing:1", fleet.numbers).status == 404
    named = distribute(admin, "shop.example/checked:1", fleet.numbers, **{"as": f"a@sha256:{'0' * 64}"})
    assert named.status == 400
    environments = [1, fleet.numbers[0]]
    looks = {"permissions": ["images:pull", "images:view"], "environments": environments}
    looker = fleet.house.user("looker", fleet.house.role("looks", looks))
    assert distribute(looker, "shop.example/checked:1", fleet.numbers[:1]).json == DENIED
    grant = {"permissions": ["images:pull", "images:view", "images:export"], "environments": environments}
    limited = fleet.house.user("limited", fleet.house.role("one host", grant))
    assert distribute(limited, "shop.example/checked:1", fleet.numbers).json == DENIED
    assert distribute(limited, "shop.example/checked:1", fleet.numbers[:1]).status == 200


def test_a_host_of_another_platform_is_told_before_it_pulls(fleet: Fleet) -> None:
    fleet.house.load("shop.example/amd64:1", label="amd64")
    _load(fleet.house, several("arm").archive("shop.example/several:1"))
    one = fleet.numbers[:1]
    asked = fleet.distribute("shop.example/several:1", one)
    assert asked.json["error"] == "Image has 2 of 3 platforms here. Use platform=have, or pull the rest."
    assert asked.status == 409

    have = fleet.distribute("shop.example/several:1", one, platform="have")
    assert have.status == 200, have.text
    assert fleet.passing == []

    alone = several("only arm64")
    absent = [alone.amd64.digest]
    _load(fleet.house, alone.archive("shop.example/arm64:1", without=absent))
    refused = fleet.distribute("shop.example/arm64:1", one)
    assert refused.json["results"][0]["error"] == "shop.example/arm64:1 has no linux/amd64"
    assert refused.json["results"][0]["detail"] == "it was built for linux/arm64"
    assert refused.status == 404

    named = fleet.distribute("shop.example/arm64:1", one, platform="linux/arm64")
    assert named.status == 200, named.text


def test_one_that_fails_stops_no_other_and_is_tried_again_alone(fleet: Fleet) -> None:
    fleet.house.load("shop.example/partly:1", label="partly")
    gone = fleet.add("gone", programs.free_port())

    answer = fleet.distribute("shop.example/partly:1", [fleet.numbers[0], gone])

    assert answer.json["error"] == "shop.example/partly:1 is at 1 of 2 hosts; it is not at gone"
    assert (answer.json["code"], answer.json["cause"]) == ("partly_done", "partly_done")
    assert [(each["name"], each["status"]) for each in answer.json["results"]] == [("one", "done"), ("gone", "error")]
    assert "shop.example/partly:1" in names_at(fleet.one)
    assert ("pull", gone, "failed") in fleet.told("shop.example/partly:1")

    again = fleet.house.admin.post(f"/api/jobs/{answer.headers['x-job-id']}/retry", {})
    ended: Any = done(fleet.house.admin, again.json["jobId"])
    assert [each["name"] for each in ended["result"]["results"]] == ["gone"]
    assert ended["result"]["error"] == "shop.example/partly:1 did not come to gone"
    assert ended["result"]["cause"] == "unreachable"
    assert fleet.passing == []


def test_a_cancel_ends_it_at_every_host(fleet: Fleet) -> None:
    fleet.house.load("shop.example/cancelled:1", label="cancelled")
    admin = fleet.house.admin
    with closing(socket.create_server(("127.0.0.1", 0))) as deaf:
        hangs = fleet.add("hangs", deaf.getsockname()[1])
        body = {"image": "shop.example/cancelled:1", "environments": [hangs, fleet.numbers[0]]}
        job = admin.post("/api/images/distribute", body).json["jobId"]
        until(lambda: "shop.example/cancelled:1" in names_at(fleet.one), "the other host has it")
        assert admin("DELETE", f"/api/jobs/{job}").status == 200
        ended: Any = done(admin, job)

    assert ended["status"] == "cancelled"
    assert (fleet.passing, [name for name in fleet.users if name.startswith("lading-")]) == ([], [])
    assert ("pull", hangs, "cancelled") in fleet.told("shop.example/cancelled:1")


def test_a_policy_refuses_it_at_the_host_that_it_is_for(fleet: Fleet) -> None:
    fleet.house.load("shop.example/judged:1", label="judged")
    one, _ = fleet.numbers
    policy = {"name": "strict", "action": "pull", "mode": "enforce", "maxSeverity": "low", "environments": [one]}
    made = fleet.house.admin.post("/api/policies", policy)
    assert made.status == 201, made.text

    answer = fleet.distribute("shop.example/judged:1")
    fleet.house.admin("DELETE", f"/api/policies/{made.json['id']}")

    refused, done_there = answer.json["results"]
    assert (refused["status"], refused["environment"], done_there["status"]) == ("error", one, "done"), answer.text
    assert "shop.example/judged:1" not in names_at(fleet.one)
    assert "shop.example/judged:1" in names_at(fleet.other)
    assert not any("lading-distributed" in name for name in names_at(fleet.one) | pinned_at(fleet.one))


def test_our_own_engine_may_be_one_of_the_hosts(fleet: Fleet) -> None:
    fleet.one.load("shop.example/home:1", label="home")

    answer = fleet.distribute("shop.example/home:1", [1], env=fleet.numbers[0])

    assert answer.status == 200, answer.text
    found = fleet.house.admin.get("/api/images").json
    assert [each for each in found if "shop.example/home:1" in each["tags"]]
    assert not [name for each in found for name in (*each["tags"], *each["digests"]) if "lading-distributed" in name]
