"""Content trust at the server over a real Docker engine: it fetches signed digests alone; its pushes are signed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.exchange import Answer as HttpAnswer
from lading.fronts.http.exchange import IncomingRequest
from tests.fakes.docker_archives import docker_archive
from tests.fronts.docker_api.upstream import Upstream, upstream
from tests.fronts.rest_api.caller import JSON, Answer, House, done, house
from tests.fronts.rest_api.test_content_trust import PASSPHRASE, POLICY, written_key
from tests.peers.programs import RunningDocker, RunningRegistry, docker_registry

pytestmark = [pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry")]


@dataclass(frozen=True)
class Place:
    """A server with a policy and a key, a Docker host as an environment of it, and somebody else's registry."""

    house: House
    docker: RunningDocker
    host: int
    registry: RunningRegistry

    def push(self, image: str, target: str, env: int | None = None, **options: object) -> Answer:
        body = {"imageId": image, "target": target, **options}
        return self.house.admin.post(f"/api/images/push{_at(env)}", body, Accept=JSON)

    def pull(self, image: str, env: int | None = None, **options: object) -> Answer:
        return self.house.admin.post(f"/api/images/pull{_at(env)}", {"image": image, **options}, Accept=JSON)

    def put(self, name: str, *, sign: bool = False) -> str:
        """An image of its own in the registry; its name there."""
        target = f"{self.registry.host}/{name}"
        image = self.house.load(f"local/{name}", label=name)
        pushed = self.push(image, target, sign=sign)
        assert pushed.status == 200, pushed.text
        return target

    def loaded(self, name: str) -> None:
        """The host has an image of this name."""
        self.docker("load", "--quiet", input=docker_archive([name], label=name))

    def known(self, repository: str) -> list[dict[str, Any]]:
        """The images that the host knows by names or digests of this repository."""
        found = self.house.admin.get(f"/api/images?env={self.host}").json
        return [each for each in found if any(repository in name for name in (*each["tags"], *each["digests"]))]

    def fetched(self, repository: str) -> list[str]:
        """Which manifests the Docker engine itself asked the registry for."""
        asked = re.compile(rf'"(?:GET|HEAD) /v2/{repository}/manifests/(\S+) HTTP[^"]*" 200 .*docker/')
        lines = self.registry.log.read_text(errors="replace").splitlines()
        return [found[1] for found in map(asked.search, lines) if found]


def _at(env: int | None) -> str:
    return "" if env is None else f"?env={env}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, docker_engine: RunningDocker) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("trusting")
    key = written_key(folder)
    (folder / "policy.toml").write_text(POLICY)
    settings = {"trust_policy": str(folder / "policy.toml"), "trust_key": str(key), "trust_passphrase": PASSPHRASE}
    with ExitStack() as stack:
        registry = stack.enter_context(docker_registry(folder / "registry"))
        running = stack.enter_context(house(folder / "data", **settings))
        form = {"name": "docker", "connectionType": "socket", "socketPath": str(docker_engine.socket)}
        yield Place(running, docker_engine, running.admin.post("/api/environments", form).json["id"], registry)


def test_a_docker_host_fetches_the_signed_digest_and_gets_the_tag_last(place: Place) -> None:
    name = place.put("must/signed:1", sign=True)

    pulled = place.pull(name, place.host)

    assert pulled.status == 200, pulled.text
    digest = pulled.json["trust"]["digest"]
    assert (pulled.json["trust"]["trusted"], pulled.json["digest"]) == (True, digest)
    assert set(place.fetched("must/signed")) == {digest}
    (image,) = place.known("must/signed")
    assert (image["tags"], image["digests"]) == ([name], [f"{name.removesuffix(':1')}@{digest}"])
    (shown,) = place.house.admin.get(f"/api/images?env={place.host}&page=1&filter=must/signed").json["items"]
    assert shown["signed"] is True
    (item,) = place.house.admin.get(f"/api/images/{image['id']}/signatures?env={place.host}").json["items"]
    assert (item["trusted"], item["signers"]) == (True, ["own.pub"])


def test_a_docker_host_fetches_what_is_signed_in_our_own_registry(place: Place) -> None:
    place.house.own_registry()
    ours = f"{place.house.running.address}/must/ours"
    image = place.house.load("local/ours:1", label="ours")
    assert place.push(image, f"{ours}:1", sign=True).status == 200
    assert place.push(image, f"{ours}:2").status == 200

    signed, unsigned = place.pull(f"{ours}:1", place.host), place.pull(f"{ours}:2", place.host)

    assert (signed.status, unsigned.status) == (200, 409), signed.text
    assert "the signature is of the tag 1" in unsigned.json["detail"]
    (known,) = place.known("must/ours")
    assert (known["tags"], len(known["digests"])) == ([f"{ours}:1"], 1)


def test_what_nobody_signed_never_reaches_a_docker_host(place: Place) -> None:
    name = place.put("must/unsigned:1")

    refused = place.pull(name, place.host)

    assert (refused.status, refused.json["code"]) == (409, "not_trusted")
    assert (place.fetched("must/unsigned"), place.known("must/unsigned")) == ([], [])


def test_the_old_image_keeps_the_name_where_the_new_one_is_not_signed(place: Place) -> None:
    name = place.put("must/moved:1", sign=True)
    assert place.pull(name, place.host).status == 200
    (before,) = place.known("must/moved")
    other = place.house.load("local/other:1", label="moved to")
    assert place.push(other, name).status == 200

    assert place.pull(name, place.host).status == 409
    assert place.known("must/moved") == [before]


def test_what_a_docker_host_pushes_is_read_back_and_signed(place: Place) -> None:
    target = f"{place.registry.host}/must/pushed:1"
    place.loaded("local/pushed:1")

    unsigned = place.push("local/pushed:1", target, place.host)
    refused = place.pull(target)
    signed = place.push("local/pushed:1", target, place.host, sign=True)
    pulled = place.pull(target)

    assert (unsigned.status, refused.status, signed.status, pulled.status) == (200, 409, 200, 200)
    assert signed.json["digest"] == pulled.json["trust"]["digest"]


def test_what_goes_through_us_is_signed_before_its_tag_is_there(place: Place) -> None:
    target = f"{place.registry.host}/must/relayed:1"
    place.loaded("local/relayed:1")

    pushed = place.push("local/relayed:1", target, place.host, sign=True, relay=True)

    assert (pushed.status, pushed.json["relayed"]) == (200, True)
    assert place.pull(target, place.host).json["trust"]["trusted"] is True
    manifests = [each for each in place.registry.asked() if each.method == "PUT" and "/manifests/" in each.path]
    asked = [each.path for each in manifests if "/must/relayed/" in each.path]
    assert asked[-1].endswith("/1")
    assert len(asked) > 1


@dataclass(frozen=True)
class SealedOnceTagged:
    """A registry that takes nothing more once a tag is there."""

    registry: Upstream

    def __call__(self, request: IncomingRequest) -> HttpAnswer:
        if request.method == "POST" and self.registry.count("PUT", "/manifests/1"):
            told = json.dumps({"errors": [{"code": "DENIED", "message": "nothing more from you"}]}).encode()
            return HttpAnswer(403, (("Content-Type", JSON), ("Content-Length", str(len(told)))), (told,))
        return self.registry(request)


def test_a_registry_that_takes_no_signature_leaves_it_pushed_and_said_to_be_unsigned(
    place: Place, tmp_path: Path
) -> None:
    place.loaded("local/refused:1")
    with upstream(tmp_path) as inner, ByteServer([("127.0.0.1", 0)], SealedOnceTagged(inner)) as server:
        target = f"127.0.0.1:{server.addresses[0][1]}/must/refused:1"
        started = place.house.admin.post(
            f"/api/images/push?env={place.host}", {"imageId": "local/refused:1", "target": target, "sign": True}
        )
        job: Any = done(place.house.admin, started.json["jobId"])

    ((known,),) = (image["digests"] for image in place.known(target.removesuffix(":1")))
    assert (job["status"], job["result"]["code"]) == ("error", "pushed_unsigned")
    assert job["result"]["error"] == f"{target} is pushed but unsigned: {known.partition('@')[2]}"
    assert "Sign it" in job["result"]["hint"]
    (row, *_) = place.house.admin.get("/api/audit?action=push&limit=1").json
    assert (row["result"], row["details"]["error"]) == ("failed", "pushed_unsigned")
