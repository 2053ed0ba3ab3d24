"""What is pasted on a host: one line for a shell, whatever the server is called."""

from __future__ import annotations

import shlex

import pytest

from lading.services.agents.commands import agent_command, stock_command


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("https://lading.corp", "wss://lading.corp/api/hawser/connect"),
        ("https://lading.corp:8443/", "wss://lading.corp:8443/api/hawser/connect"),
        ("http://[::1]:3000", "ws://[::1]:3000/api/hawser/connect"),
        ("https://corp/lading/", "wss://corp/lading/api/hawser/connect"),
    ],
)
def test_a_stock_agent_is_given_the_whole_url(server: str, url: str) -> None:
    words = shlex.split(stock_command(server, "-token"))

    assert f"DOCKHAND_SERVER_URL={url}" in words
    assert "TOKEN=-token" in words
    assert shlex.split(agent_command(server, "t"))[3] == server.rstrip("/")


def test_what_a_shell_would_read_is_quoted() -> None:
    hostile = "https://a$(reboot);b"

    assert shlex.split(agent_command(hostile, "t")) == ["lading", "agent", "--server", hostile, "--token", "t"]
    assert "DOCKHAND_SERVER_URL=wss://a$(reboot);b/api/hawser/connect" in shlex.split(stock_command(hostile, "t"))
