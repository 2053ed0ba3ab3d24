"""Whatever the API's own description allows, and what it does not, is answered: never with a mistake of ours.

schemathesis makes the requests up; the service that answers them is a process of its own, whose way out of this machine
is a proxy that nobody runs.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fakes.docker_archives import docker_archive
from tests.fronts.rest_api import caller
from tests.peers.service_process import Service

NOWHERE = {"HTTP_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1,localhost"}

LEFT_OUT = ("/api/audit/events", "/api/jobs/events", "/api/registries/test")
"""Streams without an end, which a program that reads to the end cannot ask for; and what asks the network for any name
that is made up."""

CONFIGURATION = """
[parameters]
"path.image" = "team/app:1"
"path.id" = 1
"path.repository" = "team/app"
"path.tag" = "1.0"
"query.env" = 1
"query.registry" = 1
"""


def fuzz(folder: Path, *arguments: str, configuration: str = "") -> str:
    """Runs it; what it says. The registry that is asked is another product's: what is made up changes logins here."""
    service = Service(folder / "data", NOWHERE)
    with service.running(), caller.house(folder / "other") as other:
        admin = caller.logged_in(f"http://127.0.0.1:{service.port}")
        tokens = [admin.post("/api/auth/tokens", {"name": f"fuzz {number}"}).json["token"] for number in range(9)]
        upstream = other.admin.post("/api/auth/tokens", {"name": "fuzz"}).json["token"]
        login = {"name": "other", "url": f"http://{other.running.address}", "username": "admin", "password": upstream}
        assert admin.post("/api/registries", login).status == 201
        assert admin("POST", "/api/images/import", raw=docker_archive(["team/app:1"])).status == 200
        return _run(admin.api, tokens[-1], folder, arguments, configuration)


def _run(api: str, token: str, folder: Path, arguments: Sequence[str], configuration: str) -> str:
    (folder / "schemathesis.toml").write_text(configuration)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(folder / "schemathesis.toml")),
            *("run", f"{api}/api/openapi.json", "-H", f"Authorization: Bearer {token}", "--request-timeout", "20"),
            *("--checks", "not_a_server_error,response_schema_conformance,content_type_conformance", "--no-color"),
            *(word for path in LEFT_OUT for word in ("--exclude-path", path)),
            *arguments,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    return done.stdout


def test_made_up_requests_are_answered(tmp_path: Path) -> None:
    fuzz(tmp_path, "--phases", "fuzzing", "-n", "3", "--seed", "1", configuration=CONFIGURATION)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("phases", "configuration"), [("examples,coverage,fuzzing,stateful", ""), ("coverage,fuzzing", CONFIGURATION)]
)
def test_many_made_up_requests_are_answered(tmp_path: Path, phases: str, configuration: str) -> None:
    """With rows that are not there, and with some that are."""
    print(fuzz(tmp_path, "--phases", phases, "-n", "100", configuration=configuration))  # noqa: T201
