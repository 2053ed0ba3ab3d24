"""One image to several real Docker engines, which fetch it from our registry under logins that end with the pull."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.cutting_relay import CuttingRelay
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.fakes.stock_agent import StockAgent, Variant
from tests.fakes.stock_engine import SocketEngine
from tests.fakes.stock_playing import playing
from tests.fakes.stock_standard import StandardProxy
from tests.fronts.rest_api.caller import JSON, Answer, House, done, house, until
from tests.peers import programs
from tests.peers.edge_ways import QUICK, TOKEN, Way, our_agent
from tests.peers.programs import RunningDocker

pytestmark = pytest.mark.peer("dockerd")


@dataclass(frozen=True)
class Fleet:
    """A service, and two Docker hosts that know nothing of each other."""

    house: House
    one: RunningDocker
    other: RunningDocker
    numbers: tuple[int, int]
    registry: str

    def distribute(self, image: str, environments: Sequence[int] | None = None, **fields: object) -> Answer:
        body = {"image": image, "environments": list(environments or self.numbers), **fields}
        return self.house.admin.post("/api/images/distribute", body, Accept=JSON)

    def lines(self, answer: Answer) -> list[dict[str, Any]]:
        job = done(self.house.admin, answer.headers["x-job-id"])
        told: list[dict[str, Any]] = [line["data"] for line in job["lines"]]  # type: ignore[attr-defined]
        return told

    def add(self, name: str, **fields: object) -> int:
        made = self.house.admin.post("/api/environments", {"name": name, **fields})
        assert made.status == 201, made.text
        return int(made.json["id"])


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, docker_engine: RunningDocker) -> Iterator[Fleet]:
    folder, port = tmp_path_factory.mktemp("fleet"), programs.free_port()
    registry = f"127.0.0.1:{port}"
    with (
        programs.docker_engine(folder / "other") as other,
        house(folder / "data", registry_port=port, registry_public_url=f"http://{registry}") as running,
    ):
        made = Fleet(running, docker_engine, other, (0, 0), registry)
        one, two = (
            made.add(name, connectionType="socket", socketPath=str(docker.socket))
            for name, docker in (("one", docker_engine), ("two", other))
        )
        yield Fleet(running, docker_engine, other, (one, two), registry)


def archive(*names: str, base: bytes, label: str) -> bytes:
    return docker_archive(names, [base, tar_of({"own": label.encode()})], label=label)


def tagged(docker: RunningDocker) -> set[str]:
    return set(docker("images", "--format", "{{.Repository}}:{{.Tag}}").split())


def known(docker: RunningDocker, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(docker("inspect", name))
    return found[0]


def nothing_is_left(fleet: Fleet) -> bool:
    """Neither names at the hosts, nor tags in the registry, nor users and logins."""
    names = {name for docker in (fleet.one, fleet.other) for name in tagged(docker)}
    pinned = "".join(docker("images", "--digests") for docker in (fleet.one, fleet.other))
    repositories = [each["name"] for each in fleet.house.admin.get("/api/repositories").json]
    passing = [name for name in repositories if name.startswith("lading-distributed/")]
    tags = [fleet.house.admin.get(f"/api/repositories/{name.replace('/', '%2F')}/tags").json for name in passing]
    users = [each["username"] for each in fleet.house.admin.get("/api/users").json]
    return (
        "lading-distributed" not in " ".join(names) + pinned
        and not any(tags)
        and users == ["admin"]
        and "one distribution" not in fleet.house.admin.get("/api/auth/tokens?all=true").text
    )


def test_an_image_of_our_own_engine_goes_to_all_hosts_and_only_what_is_new_moves(fleet: Fleet) -> None:
    base = tar_of({"base": os.urandom(2_000_000)})
    admin, name = fleet.house.admin, "shop.example/team/app:1"
    loaded = admin("POST", "/api/images/import", raw=archive(name, base=base, label="first"), headers={"Accept": JSON})
    assert loaded.status == 200, loaded.text

    answer = fleet.distribute(name)

    assert answer.status == 200, answer.text
    assert [(each["name"], each["status"], each["current"]) for each in answer.json["results"]] == [
        ("one", "done", False),
        ("two", "done", False),
    ]
    assert {name} <= tagged(fleet.one) & tagged(fleet.other)
    assert known(fleet.one, name)["Config"]["Labels"] == {"label": "first"}
    assert nothing_is_left(fleet)
    last = {line["id"]: line["status"] for line in fleet.lines(answer) if "id" in line}
    assert (last["one"], last["two"]) == ("Done", "Done")

    again = fleet.distribute(name)
    assert [(each["status"], each["current"]) for each in again.json["results"]] == [("done", True), ("done", True)]

    loaded = admin("POST", "/api/images/import", raw=archive(name, base=base, label="second"), headers={"Accept": JSON})
    newer = fleet.distribute(name)
    assert newer.status == 200, newer.text
    job = done(admin, newer.headers["x-job-id"])
    moved: Any = job["progress"]
    assert 0 < moved["totals"]["sent"] < 100_000
    assert known(fleet.other, name)["Config"]["Labels"] == {"label": "second"}
    records = admin.get("/api/audit?action=pull").json
    rows = records["items"] if isinstance(records, dict) else records
    told = [(row["entityName"], row["environmentId"], row["result"]) for row in rows]
    for number in fleet.numbers:
        assert (name, number, "started") in told
        assert (name, number, "done") in told


def test_a_hosts_image_passes_through_the_registry_to_another(fleet: Fleet) -> None:
    name = "lading-distribution/of-one:1"
    fleet.one("load", input=archive(name, base=tar_of({"a": os.urandom(50_000)}), label="of one"))

    answer = fleet.distribute(name, [fleet.numbers[1]], env=fleet.numbers[0], **{"as": "renamed/app:2"})

    assert answer.status == 200, answer.text
    assert known(fleet.other, "renamed/app:2")["Config"]["Labels"] == {"label": "of one"}
    assert name in tagged(fleet.one)
    assert nothing_is_left(fleet)


def test_an_image_of_our_registry_is_fetched_from_where_it_is(fleet: Fleet) -> None:
    admin, registry = fleet.house.admin, fleet.house.own_registry("for tests")
    image = fleet.house.load("team/there:1", label="there")
    pushed = admin.post(
        "/api/images/push", {"imageId": image, "registryId": registry, "newTag": "team/there:1"}, Accept=JSON
    )
    assert pushed.status == 200, pushed.text

    answer = fleet.distribute("team/there:1")

    assert answer.status == 200, answer.text
    assert answer.json["digest"] == pushed.json["digest"]
    name = f"{fleet.registry}/team/there:1"
    assert {name} <= tagged(fleet.one) & tagged(fleet.other)
    assert known(fleet.one, name)["RepoDigests"] == [f"{fleet.registry}/team/there@{answer.json['digest']}"]


def test_one_host_that_fails_stops_no_other_and_is_tried_again_alone(fleet: Fleet) -> None:
    name = "shop.example/partly:1"
    fleet.house.load(name, label="partly")
    gone = fleet.add("gone", connectionType="socket", socketPath="/nowhere/docker.sock")

    answer = fleet.distribute(name, [fleet.numbers[0], gone])

    assert answer.status == 500, answer.text
    assert answer.json["error"] == f"{name} is at 1 of 2 hosts; it is not at gone"
    assert answer.json["cause"] == "partly_done"
    one, other = answer.json["results"]
    assert (one["status"], other["status"], other["code"]) == ("done", "error", "unreachable")
    assert name in tagged(fleet.one)

    again = fleet.house.admin.post(f"/api/jobs/{answer.headers['x-job-id']}/retry", {})
    assert again.status == 200, again.text
    ended: Any = done(fleet.house.admin, again.json["jobId"])
    assert [each["name"] for each in ended["result"]["results"]] == ["gone"]


def test_a_host_that_does_not_find_or_trust_the_registry_says_so_in_a_sentence(fleet: Fleet, tmp_path: Path) -> None:
    address, port = programs.own_address(), programs.free_port()
    if address is None:
        pytest.skip("this machine has no address but loopback's")
    nobody = f"127.0.0.1:{programs.free_port()}"
    said = {}
    for place, url in (("reach", nobody), ("trust", f"{address}:{port}")):
        settings = {"host": address, "registry_port": port} if place == "trust" else {}
        with house(tmp_path / place, registry_public_url=f"http://{url}", **settings) as running:
            alone = Fleet(running, fleet.one, fleet.one, (0, 0), url)
            host = alone.add("far", connectionType="socket", socketPath=str(fleet.one.socket))
            running.load("shop.example/far:1", label="far")
            answer = alone.distribute("shop.example/far:1", [host])
            said[place] = answer.json
            assert nothing_is_left(alone)
    assert said["reach"]["results"][0]["error"] == f"the host cannot reach {nobody}"
    assert said["trust"]["results"][0]["error"] == f"the host does not trust {address}:{port}"


@contextmanager
def reached(fleet: Fleet, way: Way, folder: Path) -> Iterator[int]:
    """The other Docker host as an environment that is reached so; its id."""
    admin, engine = fleet.house.admin, SocketEngine(str(fleet.other.socket))
    variant = Variant.NEW if way in {Way.EDGE_NEW, Way.STANDARD_NEW} else Variant.OLD
    dialled = {"host": "127.0.0.1", "protocol": "http"}
    with ExitStack() as stack:
        if way is Way.TCP:
            relay = stack.enter_context(CuttingRelay(str(fleet.other.socket)))
            yield fleet.add(way.value, connectionType="direct", port=relay.port, **dialled)
        elif way in {Way.STANDARD_OLD, Way.STANDARD_NEW}:
            proxy = stack.enter_context(StandardProxy(engine, TOKEN, variant=variant))
            kind = {"connectionType": "hawser-standard", "hawserToken": TOKEN}
            yield fleet.add(way.value, port=proxy.port, **kind, **dialled)
        else:
            number = fleet.add(way.value, connectionType="hawser-edge")
            token = admin.post("/api/hawser/tokens", {"name": "t", "environmentId": number}).json["token"]
            server = fleet.house.running.api
            if way is Way.OURS:
                folder.mkdir(exist_ok=True)
                stack.enter_context(our_agent(folder, server, token, fleet.other))
            else:
                agent = StockAgent(server.replace("http:", "ws:"), token, engine, variant, habits=QUICK)
                stack.enter_context(playing(agent))
            until(lambda: bool(admin.get("/api/hawser/connect").json["connections"]), "the agent is connected")
            yield number


WAYS = [
    pytest.param(way, id=way.name, marks=() if way in {Way.STANDARD_OLD, Way.EDGE_OLD, Way.OURS} else pytest.mark.proof)
    for way in Way
]


@pytest.mark.parametrize("way", WAYS)
def test_it_goes_to_hosts_however_they_are_reached(fleet: Fleet, way: Way, tmp_path: Path) -> None:
    name = f"shop.example/{way.name.lower()}:1"
    fleet.house.load(name, label=way.name)
    with reached(fleet, way, tmp_path) as number:
        answer = fleet.distribute(name, [number])

        assert answer.status == 200, answer.text
        assert known(fleet.other, name)["Config"]["Labels"] == {"label": way.name}
        assert nothing_is_left(fleet)
        fleet.house.admin("DELETE", f"/api/environments/{number}")


def test_an_agent_that_is_away_is_one_hosts_failure(fleet: Fleet) -> None:
    fleet.house.load("shop.example/away:1", label="away")
    number = fleet.add("away", connectionType="hawser-edge")

    answer = fleet.distribute("shop.example/away:1", [fleet.numbers[0], number])

    one, away = answer.json["results"]
    assert (one["status"], away["status"], away["error"]) == ("done", "error", "Edge agent not connected")
    alone = fleet.distribute("shop.example/away:1", [number])
    assert alone.json["detail"] == "away: Edge agent not connected"
    assert alone.status == 503
