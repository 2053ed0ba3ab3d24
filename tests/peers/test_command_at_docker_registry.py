"""The command at docker-registry 2.8, in the corners of a newcomer's first week."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.fakes.certificates import Authority
from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.programs import RunningRegistry
from tests.peers.secrecy import Witness
from tests.peers.service_process import until

pytestmark = pytest.mark.peer("docker-registry")


@pytest.fixture
def lading(tmp_path: Path) -> Lading:
    return Lading(tmp_path / "data")


@pytest.fixture
def source(tmp_path: Path) -> str:
    layouts.five_layers(tmp_path / "layout", size=1000)
    return f"oci:{tmp_path / 'layout'}:v1"


def test_a_repository_that_is_not_there_is_told_in_a_sentence(lading: Lading, docker_registry: RunningRegistry) -> None:
    refused = Witness(lading).refusal("ls", f"{docker_registry.host}/gone", code=5)

    assert refused["error"] == f"{docker_registry.host} has no repository gone"


def test_a_dry_run_of_a_pull_brings_nothing(lading: Lading, docker_registry: RunningRegistry, source: str) -> None:
    name = f"{docker_registry.host}/app:1"
    lading("copy", source, name)

    planned = json.loads(lading("pull", name, "--dry-run", "--format", "json"))

    assert planned["dryRun"] is True
    assert planned["totals"]["left"] > 5000
    assert "would receive" in lading("pull", name, "-n")
    assert json.loads(lading("images", "--format", "json")) == []


def test_a_registry_that_removes_no_single_tag_says_so(
    lading: Lading, docker_registry: RunningRegistry, source: str
) -> None:
    lading("copy", source, f"{docker_registry.host}/app:1")

    refused = Witness(lading).refusal("untag", "--remote", f"{docker_registry.host}/app:1", code=6)

    assert refused["error"] == f"{docker_registry.host}/app cannot remove the tag 1 alone"
    assert lading("ls", f"{docker_registry.host}/app") == "1\n"


def test_an_upload_that_the_registry_forgot_is_said_to_start_again(
    lading: Lading, docker_registry: RunningRegistry, tmp_path: Path
) -> None:
    layouts.write_layout(
        tmp_path / "large", "v1", layouts.write_image(tmp_path / "large", [layouts.layer("a", 8_000_000)])
    )
    said = ["copy", f"oci:{tmp_path / 'large'}:v1", f"{docker_registry.host}/app:1"]
    first = lading.start(*said, "--limit-rate", "2M")
    _wait_for_an_upload(docker_registry, first)
    first.send_signal(signal.SIGINT)
    _, told = first.communicate(timeout=60)
    again = lading.run(*said)

    assert first.returncode == 130, told.decode()
    assert again.returncode == 0
    assert again.stderr.count(b"retrying: from the start, as the registry did not keep what was sent before") == 1


def _wait_for_an_upload(registry: RunningRegistry, sender: subprocess.Popen[bytes]) -> None:
    """Until some of the layer lies at the registry."""
    uploads = registry.root / "docker/registry/v2/repositories/app/_uploads"

    def some() -> bool:
        assert sender.poll() is None, "it ended before it was interrupted"
        return any(path.name == "data" and size > 100_000 for path, size in programs.files_below(uploads))

    until(some, "some of it is at the registry")


# ── by a name that is not loopback's own: 0.0.0.0 is this machine, and is trusted no more than any other


def elsewhere(registry: RunningRegistry) -> str:
    return registry.host.replace("127.0.0.1", "0.0.0.0")


def test_an_image_goes_and_comes_back_under_tls_by_another_name(lading: Lading, source: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    shown = authority.server("0.0.0.0")
    with programs.docker_registry(tmp_path / "tls", tls=(shown.certificate, shown.key)) as registry:
        name = f"{elsewhere(registry)}/app:1"
        refused = Witness(lading).refusal("copy", source, name, code=7)
        lading("copy", source, name, "--tls-ca", str(authority.certificate))
        lading("pull", name, "--tls-ca", str(authority.certificate))

    assert "is signed by nobody this machine trusts" in refused["error"]


def test_plain_http_by_another_name_must_be_allowed(
    lading: Lading, docker_registry: RunningRegistry, source: str
) -> None:
    name = f"{elsewhere(docker_registry)}/app:1"

    refused = Witness(lading).refusal("copy", source, name, code=7)
    lading("copy", source, name, "--insecure")

    assert "--insecure" in refused["try"]
    assert lading("ls", f"{docker_registry.host}/app") == "1\n"
