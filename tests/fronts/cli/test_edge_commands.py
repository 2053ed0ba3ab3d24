"""`lading environment` of hosts behind agents: those that we dial, and those that come to us."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lading.backends.database.service_database import open_service_database
from lading.services.agents.tokens import agent_token_hash
from lading.services.hub.records import PresenceRow
from tests.fakes.agents import presence_of
from tests.fakes.service_folder import ServiceFolder


@pytest.fixture
def edge(lading: ServiceFolder) -> ServiceFolder:
    """With an environment whose agent comes to us."""
    lading("environment", "add", "far", "--type", "hawser-edge")
    return lading


def connect(lading: ServiceFolder, environment: int, *, silent: float = 0.0) -> None:
    """As a server writes it down, which was silent for so many seconds since."""
    with closing(open_service_database(lading.data / "lading.db", time.time)) as database:
        database.agents.put_presences([PresenceRow(presence_of(environment), "one", "")])
    with closing(sqlite3.connect(lading.data / "lading.db")) as connection:
        connection.execute("UPDATE agent_presence SET told = told - ?", (silent,))
        connection.commit()


def test_one_that_comes_to_us_has_no_address(edge: ServiceFolder) -> None:
    assert edge.json("environment", "show", "far")["connectionType"] == "hawser-edge"
    assert "its agent comes to us" in edge("environment", "ls").out
    assert edge.run("environment", "add", "x", "tcp://h", "--type", "hawser-edge").code == 2
    said = edge.run("environment", "add", "x")
    assert (said.code, "--type hawser-edge has none" in said.err) == (2, True)


def test_its_token_is_printed_once_as_what_is_pasted_on_the_host(edge: ServiceFolder) -> None:
    said = edge("environment", "token", "far", "--server", "https://lading.corp/")
    match = re.fullmatch(r"lading agent --server https://lading\.corp --token ([A-Za-z0-9_-]{43})\n", said.out)

    assert match is not None
    assert "shown this once" in said.err
    assert match[1] not in said.err
    with closing(sqlite3.connect(edge.data / "lading.db")) as connection:
        assert connection.execute("SELECT hash FROM agent_token").fetchall() == [(agent_token_hash(match[1]),)]
        assert match[1] not in str(connection.execute("SELECT * FROM audit").fetchall())


def test_the_line_for_a_stock_agent(edge: ServiceFolder) -> None:
    words = edge("environment", "token", "far", "--stock", "--server", "https://lading.corp").out.split()

    assert "DOCKHAND_SERVER_URL=wss://lading.corp/api/hawser/connect" in words
    assert words[:3] == ["docker", "run", "-d"]
    assert words[-1] == "ghcr.io/finsys/hawser:latest"


def test_the_server_is_the_one_that_the_settings_name(edge: ServiceFolder) -> None:
    named = ServiceFolder(edge.data, {"LADING_PUBLIC_URL": "https://lading.corp"})
    said = named("environment", "token", "far")
    assert said.out.startswith("lading agent --server https://lading.corp --token ")

    unnamed = edge("environment", "token", "far")
    assert unnamed.out.startswith("lading agent --server http://127.0.0.1:3000 --token ")
    assert "--public-url is not set" in unnamed.err


def test_a_script_gets_the_token_alone_or_all_of_it(edge: ServiceFolder) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}\n", edge("environment", "token", "far", "-q").out)
    made = edge.json("environment", "token", "far", "--expires", "30d")
    assert made["command"].endswith(made["token"])
    assert f"TOKEN={made['token']}" in made["stockCommand"]
    assert (made["isActive"], made["tokenPrefix"]) == (True, made["token"][:8])
    assert made["expiresAt"] is not None


def test_a_token_is_taken_back(edge: ServiceFolder) -> None:
    edge("environment", "token", "far")
    assert edge("environment", "token", "far", "--revoke").out == "far   token revoked\n"

    said = edge.run("environment", "token", "far", "--revoke")
    assert (said.code, "Token not found" in said.err) == (5, True)
    assert edge.run("environment", "token", "local").code == 2
    assert edge.run("environment", "token", "far", "--expires", "soon").code == 2


def test_agents_are_listed_with_what_lets_them_in(edge: ServiceFolder) -> None:
    assert edge("environment", "agents").out.splitlines()[1].split() == ["far", *"----", "no", "none", "-"]
    made = edge.json("environment", "token", "far")
    connect(edge, made["environmentId"])

    line = edge("environment", "agents").out.splitlines()[1].split()
    assert line[:5] == ["far", "far", "0.2.14", "28.0.1", "192.0.2.7"]
    assert line[5:] == ["since", "2027-01-15T08:00:00.000Z", f"{made['tokenPrefix']}…", "never"]
    (told,) = edge.json("environment", "agents")
    assert (told["connected"], told["agent"]["hostname"], told["token"]["id"]) == (True, "far.example", made["id"])
    assert edge("environment", "agents", "-q").out == "far\n"


def test_an_agent_whose_server_is_gone_is_gone(edge: ServiceFolder) -> None:
    connect(edge, 2, silent=60)

    assert edge.json("environment", "agents")[0]["connected"] is False


def test_a_test_says_whether_the_agent_is_here(edge: ServiceFolder) -> None:
    away = edge.run("environment", "test", "far")
    assert (away.code, away.out.splitlines()[0].split()[:2]) == (10, ["FAIL", "agent"])
    assert "Edge agent not connected" in away.out
    assert "lading environment token far" in away.err

    connect(edge, 2)
    (line,) = edge("environment", "test", "far").out.splitlines()
    assert line == "ok    agent    far 0.2.14, Docker 28.0.1, connected since 2027-01-15T08:00:00.000Z"


def test_a_standard_agents_token_is_kept_sealed(lading: ServiceFolder, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    words = ["--type", "hawser-standard", "--hawser-token", str(token)]
    made = lading.json("environment", "add", "proxy", "tcp://proxy.example", *words)
    assert (made["port"], made["protocol"], made["hasHawserToken"]) == (2376, "http", True)
    assert "http://proxy.example:2376" in lading("environment", "ls").out
    assert "s3cret" not in lading("environment", "show", "proxy").out

    said = lading.run("environment", "set", "proxy", "tcp://elsewhere.example:99")
    assert (said.code, "hawserToken must be given again" in said.err) == (2, True)
    moved = lading.json("environment", "set", "proxy", "tcp://elsewhere.example:99", "--hawser-token", str(token))
    assert (moved["connectionType"], moved["host"], moved["hasHawserToken"]) == (
        "hawser-standard",
        "elsewhere.example",
        True,
    )
    assert lading.json("environment", "set", "proxy", "--hawser-token", "")["hasHawserToken"] is False
    socket = lading.json("environment", "set", "proxy", "unix:///run/docker.sock")
    assert socket["connectionType"] == "socket"


def test_a_presence_keeps_no_token(edge: ServiceFolder) -> None:
    row = presence_of(2)
    shown = replace(row, hello=replace(row.hello, token="s3cret"))
    with closing(open_service_database(edge.data / "lading.db", time.time)) as database:
        database.agents.put_presences([PresenceRow(shown, "one", "")])

    assert b"s3cret" not in b"".join(path.read_bytes() for path in edge.data.glob("lading.db*"))
