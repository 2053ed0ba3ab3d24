"""Which Docker host is meant, as docker's own command decides it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lading.backends.machine.docker_host import DockerHost, DockerHostInvalid, docker_host


def context(home: Path, name: str, host: str, *, skip: bool = False, tls: bool = False) -> None:
    """As `docker context create` writes it."""
    encoded = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker/contexts/meta" / encoded
    meta.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": skip}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": endpoint}}))
    if tls:
        folder = home / ".docker/contexts/tls" / encoded / "docker"
        folder.mkdir(parents=True)
        for file in ("ca.pem", "cert.pem", "key.pem"):
            (folder / file).write_text("pem")


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, DockerHost("/var/run/docker.sock", "/var/run/docker.sock")),
        ({"DOCKER_CONTEXT": "default"}, DockerHost("/var/run/docker.sock", "/var/run/docker.sock")),
        ({"DOCKER_HOST": "unix:///run/d.sock"}, DockerHost("/run/d.sock", "/run/d.sock")),
        ({"DOCKER_HOST": "tcp://build"}, DockerHost("tcp://build", None, "http://build:2375")),
        ({"DOCKER_HOST": "tcp://[::1]:99"}, DockerHost("tcp://[::1]:99", None, "http://[::1]:99")),
        (
            {"DOCKER_HOST": "tcp://build", "DOCKER_TLS_VERIFY": "1"},
            DockerHost("tcp://build", None, "https://build:2376"),
        ),
        (
            {"DOCKER_HOST": "tcp://build", "DOCKER_TLS": "1"},
            DockerHost("tcp://build", None, "https://build:2376", verify=False),
        ),
    ],
)
def test_variables_decide(tmp_path: Path, environment: dict[str, str], found: DockerHost) -> None:
    assert docker_host({"HOME": str(tmp_path), **environment}) == found


def test_certificates_stand_where_docker_looks_for_them(tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_text("pem")
    environment = {"DOCKER_HOST": "tcp://build", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}

    found = docker_host(environment)

    assert (found.ca, found.certificate, found.key) == tuple(
        str(tmp_path / name) for name in ("ca.pem", "cert.pem", "key.pem")
    )


def test_a_context_is_followed_with_its_certificates(tmp_path: Path) -> None:
    context(tmp_path, "build", "tcp://build:2376", tls=True)
    (tmp_path / ".docker/config.json").write_text(json.dumps({"currentContext": "build"}))

    current = docker_host({"HOME": str(tmp_path)})
    named = docker_host({"HOME": str(tmp_path), "DOCKER_CONTEXT": "build"})
    overridden = docker_host({"HOME": str(tmp_path), "DOCKER_HOST": "unix:///run/d.sock"})

    assert current == named
    assert (current.origin, current.verify) == ("https://build:2376", True)
    assert str(current.ca).endswith("docker/ca.pem")
    assert overridden.socket == "/run/d.sock"


def test_a_context_that_skips_verification_is_still_tls(tmp_path: Path) -> None:
    context(tmp_path, "build", "tcp://build:2376", skip=True)

    found = docker_host({"HOME": str(tmp_path), "DOCKER_CONTEXT": "build"})

    assert (found.origin, found.verify) == ("https://build:2376", False)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"DOCKER_HOST": "ssh://me@build"}, "'ssh://me@build' (DOCKER_HOST) is reached over SSH by docker alone"),
        ({"DOCKER_HOST": "build"}, "'build' (DOCKER_HOST) is no address of a Docker host"),
        ({"DOCKER_CONTEXT": "gone"}, "'gone' (the name of docker's context) cannot be read"),
    ],
)
def test_what_cannot_be_followed_is_said(tmp_path: Path, environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(DockerHostInvalid) as refused:
        docker_host({"HOME": str(tmp_path), **environment})

    assert str(refused.value) == sentence
