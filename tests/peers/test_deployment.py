"""The files of deploy/: read by the programs they are for, and saying nothing that Lading does not know."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from lading.setting_keys import KEYS
from tests.peers import programs
from tests.peers.service_process import Service, until

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*.service"))
VARIABLES = {key.variable for key in KEYS}
EXPOSED = 2.5
"""The most that `systemd-analyze security` may find in what runs as a system's service, of 10."""


@pytest.mark.peer("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_understands_the_unit(unit: Path, tmp_path: Path) -> None:
    text = re.sub(r"^ExecStart=\S*/lading", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE)
    copied = tmp_path / unit.name
    copied.write_text(text)

    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copied)], capture_output=True, text=True, check=False
    )

    mine = [line for line in told.stderr.splitlines() if unit.name in line]
    assert mine == []
    assert told.returncode == 0, told.stderr


@pytest.mark.peer("systemd-analyze")
@pytest.mark.parametrize("unit", [each for each in UNITS if "user" not in each.stem], ids=lambda unit: unit.stem)
def test_a_service_of_the_machine_is_confined(unit: Path) -> None:
    told = programs.run("systemd-analyze", "security", "--offline=true", "--no-pager", str(unit))
    score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told)

    assert score is not None
    assert float(score[1]) <= EXPOSED


@pytest.mark.parametrize(
    "file", [*UNITS, DEPLOY / "container/Containerfile", DEPLOY / "container/compose.yaml"], ids=lambda file: file.name
)
def test_every_setting_that_a_file_names_is_one(file: Path) -> None:
    named = set(re.findall(r"\bLADING_[A-Z_]+", file.read_text()))

    assert {name.removesuffix("_FILE") for name in named} <= VARIABLES


def test_the_service_of_the_compose_file_is_open_to_this_machine_alone() -> None:
    composed = yaml.safe_load((DEPLOY / "container/compose.yaml").read_text())
    service = composed["services"]["lading"]

    assert (DEPLOY / "container" / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["read_only"] is True


def test_the_board_shows_what_is_counted(tmp_path: Path) -> None:
    board = json.loads((DEPLOY / "grafana/lading.json").read_text())
    asked = " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
    found = re.findall(r"\b(?:lading|process)_[a-z_]+", asked)
    named = {name.removesuffix("_bucket") for name in found} | {"lading_info"}
    service = Service(tmp_path / "data")
    with service.running():
        counted = service.text("GET", "/metrics")[1]

    known = set(re.findall(r"^([a-z_]+)[{ ]", counted, flags=re.MULTILINE))
    known |= set(re.findall(r"^# TYPE ([a-z_]+) ", counted, flags=re.MULTILINE))
    assert named <= known, named - known


def test_the_service_tells_when_it_is_ready_and_when_it_stops(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(60)
        service = Service(tmp_path / "data", {"NOTIFY_SOCKET": supervisor.getsockname()})
        with service.running():
            ready = supervisor.recv(100)
            answered = service.ask("GET", "/readyz")
        stopping = supervisor.recv(100)

    assert (ready, answered[0], stopping) == (b"READY=1", 200, b"STOPPING=1")


# ── the container


def podman(folder: Path, *arguments: str) -> list[str]:
    """A command over a storage of its own."""
    return ["podman", "--root", str(folder / "storage"), "--runroot", str(folder / "run"), *arguments]


@contextmanager
def container_image(folder: Path) -> Iterator[str]:
    """The image of the Containerfile over a small Debian; podman builds it, with this machine's way to the packages."""
    base, built = "localhost/lading-tests-base:1", "localhost/lading-tests:1"
    root = folder / "root"
    included = "--include=python3-venv,ca-certificates"
    programs.run("debootstrap", "--variant=minbase", included, "bookworm", str(root), timeout=900)
    for path in ("etc/ssl/certs/ca-certificates.crt", "etc/pip.conf"):
        if Path("/", path).exists():
            programs.run("cp", f"/{path}", str(root / path))
    programs.run("tar", "-C", str(root), "-cf", str(folder / "root.tar"), ".")
    programs.run(*podman(folder, "import", str(folder / "root.tar"), base))
    given = [f"--env={name}" for name in os.environ if name.startswith("PIP_")]
    try:
        building = podman(folder, "build", "--isolation", "chroot", "--network", "host", *given)
        described = ("--build-arg", f"BASE={base}", "-f", str(DEPLOY / "container/Containerfile"), "-t", built)
        programs.run(*building, *described, str(ROOT), timeout=900)
        yield built
    finally:
        subprocess.run(podman(folder, "rmi", "-f", "--all"), capture_output=True, check=False)


@pytest.mark.proof
@pytest.mark.peer("podman", "debootstrap")
def test_the_container_serves_without_being_root(tmp_path: Path) -> None:
    port, registry = programs.free_port(), programs.free_port()
    with container_image(tmp_path) as image:
        settings = (f"LADING_PORT={port}", f"LADING_REGISTRY_PORT={registry}", "LADING_HOST=127.0.0.1")
        limits = ("--ulimit", "nofile=1024:4096", "--ulimit", "nproc=1024:4096")
        command = podman(tmp_path, "run", "--rm", "--network", "host", "--read-only", "--tmpfs", "/tmp", *limits)
        log = tmp_path / "container.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                [*command, *(f"--env={each}" for each in settings), image], stdout=output, stderr=output
            )
            try:
                programs.wait_for_port(port, child, log)
                service = Service(tmp_path / "none", port=port)
                until(lambda: service.ask("GET", "/readyz")[0] == 200, "it is ready")
            finally:
                child.terminate()
                child.wait(60)

    assert "/setup?token=" in log.read_text()
    assert child.returncode == 0
