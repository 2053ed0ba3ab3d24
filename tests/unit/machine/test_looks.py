from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from lading.backends.machine.looks import ConfigurationUnreadable, FolderUnusable, ThisMachine
from lading.services.server.diagnosis import Helper


def machine(**environment: str) -> ThisMachine:
    return ThisMachine(environment, lambda: 7, lambda port: f"server {port}")


def test_space_is_told_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert machine().free(str(tmp_path / "a/b")) > 0


def test_a_place_that_is_no_folder_of_ours_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(FolderUnusable):
        machine().free(str(tmp_path / "file/data"))


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not machine().port_free(port)
    assert machine().port_free(port)


def test_who_answers_on_a_port_is_asked_of_those_who_open_connections() -> None:
    assert machine().server_name(5000) == "server 5000"


def test_the_authorities_are_the_systems_unless_the_environment_names_a_file() -> None:
    assert machine().authorities() == ("the system", 7)
    assert machine(SSL_CERT_FILE="/ca.pem").authorities() == ("/ca.pem", 7)


def test_dockers_socket_is_told_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    host = f"unix://{path}"

    assert machine(DOCKER_HOST=host).docker_sockets() == []
    path.touch()
    assert machine(DOCKER_HOST=host).docker_sockets() == [(str(path), True)]


def test_helpers_are_those_that_dockers_configuration_names(tmp_path: Path) -> None:
    program = tmp_path / "docker-credential-here"
    program.touch(0o755)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"credsStore": "here", "credHelpers": {"a.test": "gone", "b.test": "here"}}))

    assert machine(DOCKER_CONFIG=str(tmp_path), PATH=str(tmp_path)).helpers() == [
        Helper("docker-credential-here", str(path), missing=False),
        Helper("docker-credential-gone", str(path), missing=True),
    ]


@pytest.mark.parametrize("content", ["[]", '{"credHelpers": []}', '{"credsStore": 3}'])
def test_a_configuration_that_names_no_helper_names_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)

    assert machine(DOCKER_CONFIG=str(tmp_path)).helpers() == []


def test_a_configuration_that_is_no_json_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")

    with pytest.raises(ConfigurationUnreadable):
        machine(DOCKER_CONFIG=str(tmp_path)).helpers()
    assert machine(DOCKER_CONFIG=str(tmp_path / "nowhere")).helpers() == []
