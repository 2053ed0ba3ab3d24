"""What hostile registries and addresses try on `lading serve`: to have it ask where only it can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.fakes.scripted_server import Asked, Reply, ScriptedServer
from tests.peers.besieged import JSON, SECRET, Besieged, siege


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    with siege(tmp_path_factory.mktemp("besieged") / "data") as running:
        yield running


# ── being sent into private networks

LINK = [
    "169.254.169.254",
    "169.254.169.254:80",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[fe80::1]:80",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "168.63.129.16",
]
"""Where clouds keep a machine's secrets, by their spellings."""


@pytest.mark.parametrize("host", LINK)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_registry_is_a_metadata_service(besieged: Besieged, host: str, scheme: str) -> None:
    tested = besieged.admin.post("/api/registries/test", {"url": f"{scheme}://{host}"})
    pulled = besieged.admin.post("/api/images/pull", {"image": f"{host}/latest/meta-data:1"}, Accept=JSON)
    pushed = besieged.admin.post(
        "/api/images/push", {"imageId": besieged.image, "target": f"{host}/latest/meta-data:1"}, Accept=JSON
    )

    if tested.status != 400:  # this one is no host at all
        assert (tested.status, tested.json["success"]) == (200, False)
        assert [step["name"] for step in tested.json["steps"]] == ["resolve"]
        assert not tested.json["steps"][-1].get("detail")
    for answer in (pulled, pushed):
        assert answer.status in {400, 500}
        assert answer.json["status" if answer.status == 500 else "code"] in {"error", "invalid"}


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "2852039166", "0251.0376.0251.0376"]
)
def test_no_docker_host_is_a_metadata_service(besieged: Besieged, host: str) -> None:
    form = {"name": f"link {host}", "connectionType": "direct", "host": host, "port": 80, "protocol": "http"}
    made = besieged.admin.post("/api/environments", form)
    if made.status == 400:
        return
    tested = besieged.admin.post(f"/api/environments/{made.json['id']}/test")
    used = besieged.admin.get(f"/api/images?env={made.json['id']}")
    besieged.admin("DELETE", f"/api/environments/{made.json['id']}")

    assert tested.json["success"] is False
    assert [step["name"] for step in tested.json["steps"]] == ["resolve"]
    assert used.status == 503


@dataclass
class Lure:
    """A registry that sends whoever asks it somewhere else, in one of the ways that registries may."""

    way: str
    to: str

    def __call__(self, asked: Asked) -> Reply:
        if self.way == "realm":
            return Reply(401, [("WWW-Authenticate", f'Bearer realm="{self.to}",service="x"')])
        if self.way == "redirect" or "/blobs/" in asked.path:
            return Reply(307, [("Location", self.to)])
        if "/uploads" in asked.path or asked.method == "POST":
            return Reply(202, [("Location", self.to)])
        return Reply(200 if asked.path == "/v2/" else 404)


@pytest.mark.parametrize("way", ["realm", "redirect", "upload"])
@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest/",
        "http://[fe80::1]/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "//169.254.169.254/",
    ],
)
def test_a_registry_sends_us_to_no_such_place(besieged: Besieged, way: str, to: str) -> None:
    with ScriptedServer(Lure(way, to)) as lure:
        host = lure.authority
        answers = [
            besieged.admin.post(
                "/api/registries/test", {"url": f"http://{host}", "username": "me", "password": SECRET}
            ),
            besieged.admin.post("/api/images/pull", {"image": f"{host}/a/b:1"}, Accept=JSON),
            besieged.admin.post(
                "/api/images/push", {"imageId": besieged.image, "target": f"{host}/a/b:1"}, Accept=JSON
            ),
        ]
    if way != "upload":
        assert answers[0].json["success"] is False
    assert answers[1].status in {404, 500}
    assert answers[2].status == 500
    for answer in answers:
        assert b"root:" not in answer.body
        assert SECRET not in answer.text


def test_what_an_inner_service_says_is_not_passed_on(besieged: Besieged) -> None:
    """A test of a connection says whether there is a registry, not what else there is."""
    inner = b'{"AccessKeyId":"AKIA-inner","Token":"inner-token"}'
    with ScriptedServer(lambda asked: Reply(200 if asked.path == "/v2/" else 400, [], inner)) as server:
        row = besieged.admin.post("/api/registries", {"name": "inner", "url": server.url("")}).json["id"]
        form = {"name": "inner", "connectionType": "direct", "host": "127.0.0.1", "port": server.port}
        environment = besieged.admin.post("/api/environments", form).json["id"]
        answers = [
            besieged.admin.post("/api/registries/test", {"id": row}),
            besieged.admin.get(f"/api/registry/catalog?registry={row}"),
            besieged.admin.get(f"/api/registry/tags?registry={row}&repository=a"),
            besieged.admin.post("/api/images/pull", {"image": f"{server.authority}/a:1"}, Accept=JSON),
            besieged.admin.post(f"/api/environments/{environment}/test"),
            besieged.admin.get(f"/api/images?env={environment}"),
        ]
    for answer in answers:
        assert b"inner-token" not in answer.body, answer.text
        assert b"AKIA-inner" not in answer.body, answer.text
