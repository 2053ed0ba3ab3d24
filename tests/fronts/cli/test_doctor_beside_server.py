"""`lading doctor` and `lading registry ls` beside a server that is at work over the same data folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.oci.instants import parse_instant
from tests.fakes.scripted_server import Asked, Reply, ScriptedServer
from tests.fakes.service_folder import ServiceFolder
from tests.fronts.rest_api import caller
from tests.fronts.rest_api.caller import until


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[caller.House]:
    with caller.house(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture
def here(house: caller.House) -> ServiceFolder:
    """The program on the server's machine, with none of its settings."""
    return ServiceFolder(Path(house.running.folder))


@pytest.fixture
def away(tmp_path: Path, house: caller.House) -> ServiceFolder:
    """The program of an admin elsewhere."""
    token = house.admin.post("/api/auth/tokens", {"name": tmp_path.name}).json["token"]
    (tmp_path / "data").mkdir()
    return ServiceFolder(tmp_path / "data", {"LADING_SERVER": house.running.api, "LADING_TOKEN": token})


def finding(folder: ServiceFolder, name: str) -> str:
    (text,) = (each["text"] for each in folder.run("doctor", "--format", "json").json if each["name"] == name)
    return str(text)


def test_the_doctor_tells_the_port_of_the_server_that_runs(house: caller.House, here: ServiceFolder) -> None:
    port = house.running.address.rpartition(":")[2]

    assert finding(here, "port") == f"{port} is the registry's: lading serve runs over this data folder"


def test_a_registry_that_limits_the_rate_is_asked_once_and_says_how_long(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    asked: list[Asked] = []

    def answer(request: Asked) -> Reply:
        asked.append(request)
        return Reply(429, [("Retry-After", "250")])

    with ScriptedServer(answer) as server:
        said = ServiceFolder(tmp_path / "data").run("doctor", server.authority, "--insecure", "--timeout", "20s")

    (line,) = (line for line in said.out.splitlines() if server.authority in line)
    assert (said.code, [each.target for each in asked].count("/v2/")) == (1, 1)
    assert f"{server.authority} limits the rate and asks to wait 250 s" in line
    assert line.endswith(
        f"→  lading login {server.authority}   (or wait: many registries allow more to those they know)"
    )


def test_a_registry_that_is_left_alone_is_shown_by_every_command(
    house: caller.House, here: ServiceFolder, away: ServiceFolder
) -> None:
    with ScriptedServer(lambda asked: Reply(429, [("Retry-After", "250")])) as server:
        row = house.admin.post("/api/registries", {"name": "limiting", "url": server.url("")}).json["id"]
        before = [folder.json("registry", "ls")[0] for folder in (here, away)]
        job = house.admin.post("/api/images/pull", {"image": f"{server.authority}/app:1"}).json["jobId"]
        until(lambda: "heldUntil" in house.admin.get(f"/api/registries/{row}").json, "the registry is left alone")
        listed = [folder.json("registry", "ls")[0] for folder in (here, away)]
        shown = [folder.json("registry", "show", "limiting") for folder in (here, away)]
        tables = [folder("registry", "ls").out.splitlines() for folder in (here, away)]
        told = finding(here, "registries")
        house.admin("DELETE", f"/api/jobs/{job}")

    assert all("heldUntil" not in each for each in before)
    ends = [str(each["heldUntil"]) for each in (*listed, *shown)]
    assert all(0 < (parse_instant(end) or 0) - time.time() <= 251 for end in ends)
    assert [lines[0].split()[-1] for lines in tables] == ["HELD"] * 2
    assert all((parse_instant(lines[1].split()[-1]) or 0) > time.time() for lines in tables)
    assert told.startswith(f"left alone, as they asked for, and asked again: {server.authority} at 2")
