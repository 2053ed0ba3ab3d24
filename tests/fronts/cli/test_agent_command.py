"""`lading agent` as a program: what it needs to be told, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.fakes.children import Child
from tests.fakes.edge_server import EdgeServer

TOKEN = "a-token-that-nobody-guesses-0123456789-abcd"


def lading(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    surroundings: Mapping[str, str] = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DOCKER_HOST": "unix:///nowhere/docker.sock",
    }
    return Child(
        [sys.executable, "-m", "lading", "agent", *arguments],
        env={**surroundings, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(child: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and what it printed."""
    output, errors = child.communicate(timeout=60)
    return child.returncode, output + errors


def test_it_has_to_be_told_a_server_and_a_token(tmp_path: Path) -> None:
    assert ended(lading(tmp_path)) == (
        2,
        "error: the agent needs the address of a server: --server, LADING_SERVER or DOCKHAND_SERVER_URL\n"
        "why:   The fault is in what was asked for.\n"
        "try:   lading agent --server https://lading.example.com --token TOKEN\n",
    )
    code, text = ended(lading(tmp_path, "--server", "https://lading.corp"))
    assert code == 2
    assert "the agent needs a token: --token, LADING_TOKEN, LADING_TOKEN_FILE or TOKEN" in text


def test_a_docker_host_and_none_are_too_much(tmp_path: Path) -> None:
    said = ("--server", "https://lading.corp", "--token", TOKEN, "--docker", "unix:///a", "--no-docker")
    code, text = ended(lading(tmp_path, *said))
    assert code == 2
    assert "docker and no-docker are both set" in text


def test_it_serves_until_it_is_asked_to_stop_and_prints_no_token(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text(f"{TOKEN}\n")
    with EdgeServer() as server:
        child = lading(
            tmp_path, "--server", server.url, "--name", "cellar", LADING_TOKEN_FILE=str(secret), LOG_LEVEL="debug"
        )
        line = server.login()
        assert line.path == "/api/hawser/connect"
        assert (line.hello["token"], line.hello["agentName"]) == (TOKEN, "cellar")
        assert line.hello["dockerVersion"] == "unknown"
        asked = line.ask("GET", "/info")
        assert line.next("stream_end", asked)["reason"] == "failed"

        child.send_signal(signal.SIGTERM)
        assert line.gone()[0] == 1001
        code, text = ended(child)
    assert code == 0
    assert "agent     cellar\nengine    /nowhere/docker.sock\n" in text
    assert '"message": "connected"' in text
    assert text.endswith("stopped\n")
    assert TOKEN not in text


def test_the_configuration_of_another_agent_is_enough(tmp_path: Path) -> None:
    with EdgeServer() as server:
        url = f"{server.url.replace('http:', 'ws:')}/api/hawser/connect"
        child = lading(tmp_path, DOCKHAND_SERVER_URL=url, TOKEN=TOKEN, AGENT_NAME="cellar", AGENT_ID="one")
        hello = server.login().hello
        child.send_signal(signal.SIGTERM)
        code, _ = ended(child)
    assert (hello["token"], hello["agentName"], hello["agentId"], code) == (TOKEN, "cellar", "one", 0)


def test_a_ca_file_that_cannot_be_used_ends_it(tmp_path: Path) -> None:
    code, text = ended(
        lading(tmp_path, "--server", "https://127.0.0.1:9", "--token", TOKEN, "--tls-ca", "/nowhere.pem")
    )
    assert code == 2
    assert "the CA file /nowhere.pem cannot be used" in text
