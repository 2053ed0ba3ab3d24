"""`lading serve` with logins, from the set-up link to a push that is proven, over real sockets and a real registry."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lading.main.service import ServedProduct, served_product
from lading.oci.media_types import OCI_MANIFEST
from lading.oci.platform import Platform
from lading.settings import Settings
from tests.peers import layouts, programs
from tests.peers.command import Lading

PASSWORD = "correct horse battery"
SECRET = "s3cret-of-the-registry"

pytestmark = pytest.mark.peer("docker-registry", "htpasswd")


class _Unled(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **keywords: object) -> None:
        return None


@dataclass
class Person:
    """Who asks the API: with a cookie or a token, or with neither."""

    api: str
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: object = None, *, form: dict[str, str] | None = None, **headers: str
    ) -> tuple[int, str, dict[str, str]]:
        data = urllib.parse.urlencode(form).encode() if form else None if body is None else json.dumps(body).encode()
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        sent = {
            "Content-Type": kind,
            **self.headers,
            **{name.replace("_", "-"): each for name, each in headers.items()},
        }
        request = urllib.request.Request(self.api + path, data, sent, method=method)
        opener = urllib.request.build_opener(_Unled, urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), dict(error.headers)

    def json(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, object]]:
        status, text, _ = self.ask(method, path, body, form=None, **headers)
        return status, json.loads(text)


@contextmanager
def served(folder: Path) -> Iterator[ServedProduct]:
    with served_product(Settings(folder, port=0, registry_port=0), Platform("linux", "amd64")) as running:
        yield running


def admin_of(running: ServedProduct) -> Person:
    """Through the set-up link, as a browser goes."""
    assert running.setup is not None
    token = running.setup.partition("token=")[2]
    fields = {"token": token, "username": "admin", "password": PASSWORD, "again": PASSWORD}
    status, _, headers = Person(running.api).ask("POST", "/setup", form=fields)
    assert status == 303
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    return Person(running.api, {"Cookie": cookie.partition(";")[0]})


def test_from_the_set_up_link_to_a_proven_push(tmp_path: Path) -> None:
    layouts.five_layers(tmp_path / "layout")
    lading = Lading(tmp_path / "laptop")
    with (
        programs.docker_registry(tmp_path / "registry", htpasswd=("me", SECRET)) as registry,
        served(tmp_path / "data") as running,
    ):
        login = ["-u", "me", "--password-stdin"]
        image = f"{registry.host}/app:1"
        lading("copy", f"oci:{tmp_path / 'layout'}:v1", image, *login, stdin=SECRET.encode() + b"\n")
        admin = admin_of(running)
        made = admin.json("POST", "/api/registries", {"name": "r", "url": f"http://{registry.host}"})
        changed = admin.json("PATCH", "/api/registries/1", {"username": "me", "password": SECRET})
        tested = admin.json("POST", "/api/registries/test", {"id": 1})
        form = {"name": "r", "url": registry.host, "username": "me", "password": SECRET}
        unsaid = admin.json("POST", "/api/registries/test", form)
        pulled = admin.json("POST", "/api/images/pull", {"image": image}, Accept="application/json")
        wanted = {"imageId": pulled[1]["imageId"], "registryId": 1, "newTag": "team/app:v2"}
        pushed = admin.json("POST", "/api/images/push", wanted, Accept="application/json")
        job = admin.json("POST", "/api/images/push", {**wanted, "newTag": "team/app:v3"})[1]["jobId"]
        _, events, kind = admin.ask("GET", f"/api/jobs/{job}", Accept="text/event-stream")
        stored = admin.json("GET", f"/api/jobs/{job}")[1]
        answered = programs.get(registry, "/v2/team/app/manifests/v2", OCI_MANIFEST)[1]["docker-content-digest"]
        trail = admin.ask("GET", "/api/audit")[1]

    assert (made[0], changed[0], pulled[0], pushed[0]) == (201, 200, 200, 200)
    assert tested[1]["success"] is True
    assert unsaid[1]["success"] is True, "on this machine a push finds a registry without TLS too"
    assert pushed[1]["status"] == "complete"
    assert pushed[1]["targetTag"] == f"{registry.host}/team/app:v2"
    assert pushed[1]["digest"] == answered
    assert kind["content-type"].startswith("text/event-stream")
    assert events.startswith("event: snapshot\n")
    assert "event: result\n" in events
    assert stored["status"] == "done"
    assert '"action":"push"' in trail
    assert SECRET not in trail + events + json.dumps([made, changed, tested, stored])


def test_the_documented_answers_to_what_cannot_be_done(tmp_path: Path) -> None:
    with served(tmp_path / "data") as running:
        nobody, admin = Person(running.api), admin_of(running)
        refused = {
            "nobody": nobody.json("POST", "/api/images/push", {"imageId": "a", "registryId": 1}),
            "incomplete": admin.json("POST", "/api/images/push", {"imageId": "a"}),
            "registry": admin.json("POST", "/api/images/pull", {}),
            "environment": admin.json("POST", "/api/images/pull?env=9", {"image": "a"}),
            "image": admin.json("POST", "/api/images/push", {"imageId": "a", "registryId": 1}),
            "field": admin.json("POST", "/api/images/pull", {"imag": "a"}),
            "origin": admin.json("POST", "/api/images/pull", {"image": "a"}, Origin="http://evil.test"),
            "host": admin.json("GET", "/api/images", Host="evil.test"),
        }

    unauthorized = {"error": "Unauthorized", "message": "Authentication required"}
    assert refused["nobody"] == (401, unauthorized)
    assert (refused["incomplete"][0], refused["incomplete"][1]["error"]) == (
        400,
        "Image ID and registry ID are required",
    )
    assert (refused["registry"][0], refused["registry"][1]["error"]) == (400, "Image name is required")
    assert (refused["environment"][0], refused["environment"][1]["error"]) == (404, "Environment not found")
    assert (refused["image"][0], refused["image"][1]["error"]) == (404, "Image not found")
    assert refused["field"][0] == 400
    assert refused["origin"][0] == 403
    assert refused["host"][0] == 421


def test_the_registry_wants_a_login_and_takes_a_token(tmp_path: Path) -> None:
    with served(tmp_path / "data") as running:
        address = running.address
        admin, door = admin_of(running), Person(f"http://{address}")
        token = str(admin.json("POST", "/api/auth/tokens", {"name": "ci"})[1]["token"])
        layouts.five_layers(tmp_path / "layout")
        bare = door.ask("GET", "/v2/")
        lading = Lading(tmp_path / "laptop")
        target = f"{address}/team/app:1"
        lading(
            "copy",
            f"oci:{tmp_path / 'layout'}:v1",
            target,
            "-u",
            "admin",
            "--password-stdin",
            stdin=f"{token}\n".encode(),
        )
        refused = lading.run("copy", f"oci:{tmp_path / 'layout'}:v1", f"{running.address}/team/app:2")

    assert bare[0] == 401
    assert bare[2]["WWW-Authenticate"] == f'Bearer realm="http://{address}/v2/token",service="{address}"'
    assert refused.returncode == 4


def test_what_was_kept_is_there_after_a_restart_and_the_link_is_not(tmp_path: Path) -> None:
    with served(tmp_path / "data") as running:
        admin_of(running)

    with served(tmp_path / "data") as running:
        again = Person(running.api).json("POST", "/api/auth/login", {"username": "admin", "password": PASSWORD})
        wrong = Person(running.api).json("POST", "/api/auth/login", {"username": "admin", "password": "not this one"})

    assert running.setup is None
    assert again[0] == 200
    assert wrong[0] == 401
