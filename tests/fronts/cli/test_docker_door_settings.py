"""Settings of the Docker door that cannot be: told at the start, by their names."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from lading.main.service import served_product
from lading.oci.platform import Platform
from lading.settings import Settings
from tests.fakes.service_folder import ServiceFolder

FREE = {"LADING_PORT": "0", "LADING_REGISTRY_PORT": "0"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"LADING_DOCKER_API": "tcp://127.0.0.1"}, "docker-api (LADING_DOCKER_API) must be unix:///PATH"),
        ({"LADING_DOCKER_API": "unix:///run/x?env=77"}, "docker-api says unix:///run/x?env=77"),
        ({"LADING_DOCKER_API": f"unix:///{'x' * 120}"}, "the path has 121 bytes"),
        ({"LADING_DOCKER_API": "unix:///no/such/folder/d.sock"}, "cannot listen on /no/such/folder/d.sock"),
        ({"LADING_DOCKER_API": "unix:///no/such/folder/d.sock"}, "try:   Choose another path, in a folder that"),
        ({"LADING_DOCKER_API": "tcp://0.0.0.0:0", "LADING_NO_AUTH": "1"}, "and not on 0.0.0.0"),
        ({"LADING_DOCKER_API_GROUP": "no-such-group"}, "docker-api-group says 'no-such-group'"),
        ({"LADING_DOCKER_API_ROLE": "operater"}, "docker-api-role says 'operater'"),
        ({"LADING_DOCKER_API_ROLE": "admin"}, "docker-api-role says 'admin'"),
    ],
)
def test_what_cannot_be_is_told_at_the_start(lading: ServiceFolder, settings: Mapping[str, str], said: str) -> None:
    failed = ServiceFolder(lading.data, {**FREE, **settings}).run("serve")

    assert failed.code != 0
    assert said in failed.err


@pytest.mark.parametrize(
    "settings",
    [{"LADING_DOCKER_API": "tcp://0.0.0.0:0", "LADING_NO_AUTH": "1"}, {"LADING_DOCKER_API_GROUP": "no-such-group"}],
)
def test_what_is_known_beforehand_is_told_before_anything_is_made(tmp_path: Path, settings: Mapping[str, str]) -> None:
    data = tmp_path / "data"

    failed = ServiceFolder(data, {**FREE, **settings}).run("serve")

    assert failed.code != 0
    assert not data.exists()


def test_no_bundle_is_made_for_a_door_that_is_not_there(lading: ServiceFolder) -> None:
    lading.user("ann", "admin")

    said = lading.run("user", "bundle", "ann", "--out", str(lading.data / "ann.zip"))

    assert said.code != 0
    assert "lading serve --docker-api tcp://0.0.0.0:2376" in said.err
    assert not (lading.data / "ann.zip").exists()


def test_a_bundles_file_is_never_written_over(lading: ServiceFolder) -> None:
    lading.user("ann", "admin")
    file = lading.data / "ann.zip"
    file.write_text("mine")

    said = lading.run("user", "bundle", "ann", "--address", "h:1", "--out", str(file))

    assert f"cannot write {file}" in said.err
    assert file.read_text() == "mine"
    assert lading("token", "ls", "-q").out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody", "--address", "h:1"], "no user"),
        (["ann", "--address", "h"], "'h' is no address of a server"),
        (["ann", "--address", "h:1'; rm -rf ~ #:1"], "is no address of a server"),
        (["ann", "--address", "h:1", "--expires", "soon"], "'soon' is no time that a token can last"),
        (["ann", "--address", "h:1", "--scope", "everything"], "there is no such permission"),
    ],
)
def test_what_a_bundle_cannot_be_is_told(lading: ServiceFolder, arguments: list[str], said: str) -> None:
    lading.user("ann", "admin")
    file = lading.data / "ann.zip"

    failed = lading.run("user", "bundle", *arguments, "--out", str(file))

    assert failed.code != 0
    assert said in failed.err
    assert not file.exists()


def test_a_data_folder_too_deep_for_a_socket_is_served_without_one(lading: ServiceFolder) -> None:
    deep = lading.data.joinpath(*["x" * 60] * 2)
    settings = Settings(deep, port=0, registry_port=0)

    with served_product(settings, Platform("linux", "amd64")) as served:
        assert list(served.docker) == []


def test_a_port_that_somebody_has_is_told_with_how_to_find_who(lading: ServiceFolder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        asked = {**FREE, "LADING_DOCKER_API": f"tcp://127.0.0.1:{port}"}
        failed = ServiceFolder(lading.data, asked).run("serve")

    assert failed.code != 0
    assert f"try:   Find who has it: ss -ltnp 'sport = :{port}'" in failed.err


def test_where_no_door_is_opened_nobody_asks_for_its_role(tmp_path: Path) -> None:
    settings = Settings(tmp_path, port=0, registry_port=0, docker_api=("off",), docker_api_role="operater")

    with served_product(settings, Platform("linux", "amd64")) as served:
        assert list(served.docker) == []
