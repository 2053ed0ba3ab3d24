"""A real registry that takes only what a provider minted: our engine pulls from it and pushes to it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lading.oci.media_types import OCI_MANIFEST
from tests.fakes.docker_archives import docker_archive
from tests.fakes.played_providers import KEY_ID, SECRET_KEY, PlayedProviders
from tests.fakes.scripted_server import ScriptedServer
from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.test_service import admin_of, served

pytestmark = pytest.mark.peer("docker-registry", "htpasswd")

MINTED = "ecr-1"
"""What the played provider mints first."""


def test_a_key_at_the_provider_moves_images_at_its_registry(tmp_path: Path) -> None:
    layouts.five_layers(tmp_path / "layout")
    lading = Lading(tmp_path / "laptop")
    played = PlayedProviders(time.time)
    with (
        programs.docker_registry(tmp_path / "registry", htpasswd=("AWS", MINTED)) as registry,
        ScriptedServer(played) as provider,
        served(tmp_path / "data") as running,
    ):
        image, login = f"{registry.host}/app:1", ["-u", "AWS", "--password-stdin"]
        lading("copy", f"oci:{tmp_path / 'layout'}:v1", image, *login, stdin=MINTED.encode())
        admin = admin_of(running)
        fields = {"region": "eu-central-1", "apiUrl": provider.url("/aws")}
        form = {"name": "aws", "url": f"http://{registry.host}", "provider": "ecr", "fields": fields}
        made = admin.json("POST", "/api/registries", {**form, "username": KEY_ID, "password": SECRET_KEY})
        pulled = admin.json("POST", "/api/images/pull", {"image": image}, Accept="application/json")
        wanted = {"imageId": pulled[1]["imageId"], "registryId": 1, "newTag": "team/app:2"}
        pushed = admin.json("POST", "/api/images/push", wanted, Accept="application/json")
        answered = programs.get(registry, "/v2/team/app/manifests/2", OCI_MANIFEST)[1]["docker-content-digest"]
        kept = admin.json("GET", "/api/registries/1")[1]
        everything = admin.ask("GET", "/api/audit")[1] + admin.ask("GET", "/api/jobs")[1]

    assert (made[0], pulled[0], pushed[0]) == (201, 200, 200)
    assert pushed[1]["digest"] == answered
    assert len(played.minted) == 1
    assert kept["validUntil"] is not None
    assert not any(secret in everything for secret in (SECRET_KEY, MINTED))


@pytest.mark.peer("dockerd")
def test_a_docker_host_gets_what_was_minted(tmp_path: Path, docker_engine: programs.RunningDocker) -> None:
    docker_engine("load", input=docker_archive(["minted/app:1"], label="minted"))
    played = PlayedProviders(time.time)
    with (
        programs.docker_registry(tmp_path / "registry", htpasswd=("AWS", MINTED)) as registry,
        ScriptedServer(played) as provider,
        served(tmp_path / "data") as running,
    ):
        admin = admin_of(running)
        host = {"name": "host", "connectionType": "socket", "socketPath": str(docker_engine.socket)}
        environment = admin.json("POST", "/api/environments", host)[1]["id"]
        fields = {"region": "eu-central-1", "apiUrl": provider.url("/aws")}
        form = {"name": "aws", "url": f"http://{registry.host}", "provider": "ecr", "fields": fields, "relay": "never"}
        admin.json("POST", "/api/registries", {**form, "username": KEY_ID, "password": SECRET_KEY})
        wanted = {"imageId": "minted/app:1", "registryId": 1, "newTag": "minted/app:2"}
        pushed = admin.json("POST", f"/api/images/push?env={environment}", wanted, Accept="application/json")
        answered = programs.get(registry, "/v2/minted/app/tags/list", "application/json")

    assert (pushed[0], pushed[1]["status"]) == (200, "complete"), pushed
    assert b'"2"' in answered[0]
