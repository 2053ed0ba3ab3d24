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
from typing import Any  # what YAML holds

import pytest
import yaml

from lading.setting_keys import KEYS
from tests.peers import programs
from tests.peers.service_process import Service, until

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*.service"))
COMPOSED = sorted(DEPLOY.glob("*/compose.yaml"))
MANIFESTS = sorted(DEPLOY.glob("kubernetes/*.yaml"))
PODS = ("lading-serve", "lading-worker")
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
    "file",
    [*UNITS, DEPLOY / "container/Containerfile", *COMPOSED, *MANIFESTS],
    ids=lambda file: f"{file.parent.name}-{file.stem}",
)
def test_every_setting_that_a_file_names_is_one(file: Path) -> None:
    named = set(re.findall(r"\bLADING_[A-Z_]+", file.read_text()))

    assert {name.removesuffix("_FILE") for name in named} <= VARIABLES


@pytest.mark.parametrize("file", COMPOSED, ids=lambda file: file.parent.name)
def test_what_is_composed_is_confined_and_open_to_this_machine_alone(file: Path) -> None:
    services = yaml.safe_load(file.read_text())["services"]
    ours = [each for each in services.values() if each["image"] == "lading"]

    assert ours
    for service in ours:
        assert (file.parent / service["build"]["context"]).resolve() == ROOT
        assert (ROOT / service["build"]["dockerfile"]).is_file()
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for each in services.values() for port in each.get("ports", ()))


def test_servers_and_workers_that_are_composed_meet_in_one_place() -> None:
    services = yaml.safe_load((DEPLOY / "scaled/compose.yaml").read_text())["services"]
    servers = {name: each for name, each in services.items() if name.startswith("serve-")}
    shared = ("LADING_DATABASE", "LADING_SECRET_KEY", "LADING_STORAGE", "AWS_ENDPOINT_URL")

    assert len(servers) == 3
    for name, server in servers.items():
        assert server["environment"]["LADING_WORKERS"] == "true"
        assert server["environment"]["LADING_REPLICA_URL"] == f"http://{name}:3001"
        for each in shared:
            assert server["environment"][each] == services["worker"]["environment"][each]


def test_the_balancer_knows_every_server_that_is_composed() -> None:
    services = yaml.safe_load((DEPLOY / "scaled/compose.yaml").read_text())["services"]
    text = (DEPLOY / "scaled/haproxy.cfg").read_text()
    servers = {name for name in services if name.startswith("serve-")}

    for port in ("3000", "5000"):
        assert set(re.findall(rf"^    server (\S+) \1:{port}$", text, re.MULTILINE)) == servers


@pytest.mark.peer("haproxy")
def test_haproxy_reads_the_balancers_configuration() -> None:
    programs.run(str(programs.find("haproxy")), "-c", "-f", str(DEPLOY / "scaled/haproxy.cfg"))


def test_an_image_is_built_of_what_it_needs_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "container/Containerfile").read_text(), re.MULTILINE)

    assert "*" in lines
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert let_in == {name for names in copied for name in names.split()}


# ── Kubernetes


def objects() -> dict[tuple[str, str], dict[str, Any]]:
    """All of them, by kind and name."""
    resources = [each for file in MANIFESTS for each in yaml.safe_load_all(file.read_text())]
    return {(each["kind"], each["metadata"]["name"]): each for each in resources if each["kind"] != "Kustomization"}


@pytest.mark.peer("kubernetes-validate")
@pytest.mark.parametrize(
    "file", [each for each in MANIFESTS if each.stem != "kustomization"], ids=lambda file: file.stem
)
def test_kubernetes_schemas_allow_the_manifest(file: Path) -> None:
    programs.run(str(programs.find("kubernetes-validate")), "--strict", str(file))


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_confined(name: str) -> None:
    pod = objects()["Deployment", name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")} == {
        "/var/lib/lading",
        "/tmp",
    }


@pytest.mark.parametrize("name", PODS)
def test_no_service_of_the_cluster_sets_a_setting(name: str) -> None:
    """One called lading would give its pods LADING_PORT=tcp://…"""
    assert objects()["Deployment", name]["spec"]["template"]["spec"]["enableServiceLinks"] is False


@pytest.mark.parametrize("name", PODS)
def test_a_pod_may_stop_for_as_long_as_a_unit_of_systemd(name: str) -> None:
    pod = objects()["Deployment", name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    waited = int(container["lifecycle"]["preStop"]["exec"]["command"][1]) if "lifecycle" in container else 0
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", (DEPLOY / "systemd/lading.service").read_text(), re.MULTILINE)

    assert pod["terminationGracePeriodSeconds"] - waited >= int(stop)


def test_while_a_server_is_exchanged_none_is_missing() -> None:
    strategy = objects()["Deployment", "lading-serve"]["spec"]["strategy"]["rollingUpdate"]

    assert (strategy["maxUnavailable"], strategy["maxSurge"]) == (0, 1)
    assert objects()["PodDisruptionBudget", "lading-serve"]["spec"]["maxUnavailable"] == 1


def test_selectors_find_the_pods_that_they_mean() -> None:
    found = objects()
    labels = {name: found["Deployment", name]["spec"]["template"]["metadata"]["labels"] for name in PODS}

    for kind, name, selector in (
        ("Deployment", "lading-serve", ("selector", "matchLabels")),
        ("Deployment", "lading-worker", ("selector", "matchLabels")),
        ("PodDisruptionBudget", "lading-serve", ("selector", "matchLabels")),
        ("PodDisruptionBudget", "lading-worker", ("selector", "matchLabels")),
        ("NetworkPolicy", "lading-serve", ("podSelector", "matchLabels")),
        ("NetworkPolicy", "lading-worker", ("podSelector", "matchLabels")),
        ("Service", "lading", ("selector",)),
    ):
        wanted = found[kind, name]["spec"]
        for key in selector:
            wanted = wanted[key]
        meant = "lading-serve" if kind == "Service" else name
        assert [pod for pod in PODS if wanted.items() <= labels[pod].items()] == [meant]


def test_ports_are_named_alike_everywhere() -> None:
    found = objects()
    (container,) = found["Deployment", "lading-serve"]["spec"]["template"]["spec"]["containers"]
    named = {port["name"]: port["containerPort"] for port in container["ports"]}
    service = {port["name"]: port["targetPort"] for port in found["Service", "lading"]["spec"]["ports"]}
    paths = found["Ingress", "lading"]["spec"]["rules"][0]["http"]["paths"]

    assert named == {"api": 3000, "registry": 5000, "replica": 3001}
    assert service == {"api": "api", "registry": "registry"}
    assert {path["path"]: path["backend"]["service"]["port"]["name"] for path in paths} == {
        "/v2/": "registry",
        "/": "api",
    }
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


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
