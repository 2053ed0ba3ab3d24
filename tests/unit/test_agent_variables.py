"""What `lading agent` is told by settings and by the variables of the field's agents."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from lading.fronts.agent.agent import Pace
from lading.main.agent import connect_url
from lading.main.agent_variables import agent_variables
from lading.settings import SettingInvalid, Settings

NOTHING = Settings(Path("/data"))


def test_where_nobody_says_anything_there_is_nothing() -> None:
    said = agent_variables(NOTHING, {"TOKEN": "", "LOG_LEVEL": ""})
    assert (said.server, said.token, said.docker, said.name, said.id) == (None, None, None, None, None)
    assert (said.pace, said.level, said.skips_verification) == (Pace(30, 1, 60), logging.INFO, False)


def test_the_variables_of_another_agent_configure_this_one() -> None:
    said = agent_variables(
        NOTHING,
        {
            "DOCKHAND_SERVER_URL": "wss://images.corp/api/hawser/connect",
            "TOKEN": "secret-of-the-host",
            "CA_CERT": "/ca.pem",
            "TLS_SKIP_VERIFY": "true",
            "DOCKER_SOCKET": "/run/podman.sock",
            "AGENT_NAME": "edge",
            "AGENT_ID": "one",
            "HEARTBEAT_INTERVAL": "20",
            "RECONNECT_DELAY": "2",
            "MAX_RECONNECT_DELAY": "40",
            "LOG_LEVEL": "WARN",
        },
    )
    assert (said.server, said.token) == ("wss://images.corp/api/hawser/connect", "secret-of-the-host")
    assert (said.ca_file, said.skips_verification, said.docker) == ("/ca.pem", True, "unix:///run/podman.sock")
    assert (said.name, said.id, said.pace, said.level) == ("edge", "one", Pace(20, 2, 40), logging.WARNING)
    assert "secret-of-the-host" not in repr(said)


def test_settings_go_before_those_variables() -> None:
    settings = Settings(Path("/data"), server="https://a", token="ours", docker="unix:///a", name="a", tls_ca="/a.pem")
    said = agent_variables(
        settings,
        {
            "DOCKHAND_SERVER_URL": "https://b",
            "TOKEN": "theirs",
            "DOCKER_SOCKET": "/b",
            "AGENT_NAME": "b",
            "CA_CERT": "/b.pem",
        },
    )
    assert (said.server, said.token, said.docker, said.name, said.ca_file) == (
        "https://a",
        "ours",
        "unix:///a",
        "a",
        "/a.pem",
    )


def test_docker_host_goes_before_docker_socket() -> None:
    assert agent_variables(NOTHING, {"DOCKER_HOST": "tcp://a:2375", "DOCKER_SOCKET": "/b"}).docker is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DOCKHAND_SERVER_URL", "images.corp"),
        ("DOCKHAND_SERVER_URL", "ftp://images.corp"),
        ("TLS_SKIP_VERIFY", "perhaps"),
        ("HEARTBEAT_INTERVAL", "-1"),
        ("RECONNECT_DELAY", "soon"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_what_cannot_be_understood_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=name):
        agent_variables(NOTHING, {name: value})


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("https://images.corp", "wss://images.corp/api/hawser/connect"),
        ("http://[::1]:3000", "ws://[::1]:3000/api/hawser/connect"),
        ("wss://images.corp/", "wss://images.corp/api/hawser/connect"),
        ("ws://images.corp/api/hawser/connect", "ws://images.corp/api/hawser/connect"),
        ("https://corp/lading", "wss://corp/lading/api/hawser/connect"),
    ],
)
def test_an_agent_connects_below_the_address_that_it_is_given(server: str, url: str) -> None:
    assert connect_url(server) == url
