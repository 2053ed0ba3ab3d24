"""`lading environment distribute` over a data folder: what it asks for, and what it refuses."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from lading.backends.database.service_database import open_service_database
from lading.main.distributing import tell_registry
from lading.settings import Settings
from tests.fakes.docker_archives import docker_archive
from tests.fakes.service_folder import ServiceFolder


def told(lading: ServiceFolder, url: str | None) -> None:
    """As a server does that begins over the folder."""
    with closing(open_service_database(lading.data / "lading.db", time.time)) as database:
        tell_registry(Settings(lading.data, registry_public_url=url), database.settings)


def hosts(lading: ServiceFolder, tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(docker_archive(["shop.example/app:1"]))
    lading("load", str(tmp_path / "image.tar"))
    for name in ("one", "other"):
        lading("environment", "add", name, f"unix:///nowhere/{name}.sock")


def test_it_makes_a_job_that_waits_for_a_server(lading: ServiceFolder, tmp_path: Path) -> None:
    hosts(lading, tmp_path)
    told(lading, "https://registry.example:5443")

    said = lading("environment", "distribute", "shop.example/app:1", "--to", "one,other")

    assert "it waits for lading serve to start" in said.err
    (job,) = lading.json("jobs", "ls", "--kind", "distribute")
    assert (job["id"], job["status"]) == (said.out.split()[0], "queued")
    shown = lading("audit", "tail", "--action", "distribute", "--format", "json").json
    assert [row["details"]["environments"] for row in shown] == [["one", "other"]]
    everywhere = lading("environment", "distribute", "shop.example/app:1", "--all", "--as", "app:2")
    assert "distribute" in everywhere.out


def test_without_the_registrys_public_address_it_says_which_setting_is_missing(
    lading: ServiceFolder, tmp_path: Path
) -> None:
    hosts(lading, tmp_path)

    said = lading.run("environment", "distribute", "shop.example/app:1", "--to", "one")

    assert said.code == 6
    assert "registry-public-url is not set" in said.err
    assert "lading serve --registry-public-url" in said.err
    told(lading, "https://registry.example")
    told(lading, None)
    assert lading.run("environment", "distribute", "shop.example/app:1", "--to", "one").code == 6


def test_what_is_not_there_is_not_found(lading: ServiceFolder, tmp_path: Path) -> None:
    hosts(lading, tmp_path)
    told(lading, "https://registry.example")

    assert lading.run("environment", "distribute", "shop.example/app:1", "--to", "nobody").code == 5
    assert lading.run("environment", "distribute", "shop.example/none:1", "--to", "one").code == 5
    assert lading.run("environment", "distribute", "shop.example/app:1").code == 2
    assert lading.run("environment", "distribute", "shop.example/app:1", "--all", "--to", "one").code == 2
