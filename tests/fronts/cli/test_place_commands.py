"""`lading registry` and `lading environment` over a real data folder, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.certificates import Authority
from tests.fakes.service_folder import ServiceFolder

SECRET = "s3cret-of-the-registry"


def test_registries_are_configured_without_showing_a_password(lading: ServiceFolder) -> None:
    lading("registry", "add", "prod", "https://r.example:5000/team", "-u", "me", "--password-stdin", stdin=SECRET)

    listed, row = lading("registry", "ls").out.splitlines(), lading.json("registry", "ls")[0]

    assert listed[1].split() == ["1", "prod", "https://r.example:5000/team", "generic", "me", "kept", "verify", "-"]
    assert (row["hasCredentials"], "password" in row) == (True, False)
    everything = b"".join(path.read_bytes() for path in lading.data.iterdir() if path.is_file())
    assert SECRET.encode() not in everything


def test_a_registry_keeps_what_is_not_said_of_it(lading: ServiceFolder, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    lading("registry", "add", "prod", "r.example:5000", "-u", "me", "--password-stdin", stdin=SECRET)

    changes = ["--ca", str(authority.certificate), "--default", "--name", "main", "--relay", "never"]
    lading("registry", "set", "prod", *changes, "--password-stdin", stdin=SECRET)
    with_ca = lading.json("registry", "ls")[0]
    lading("registry", "set", "main", "--ca", "", "--no-login")
    bare = lading.json("registry", "ls")[0]

    assert (with_ca["name"], with_ca["isDefault"], with_ca["hasCredentials"]) == ("main", True, True)
    assert "BEGIN CERTIFICATE" in with_ca["ca"]
    assert (bare["ca"], bare["username"], bare["hasCredentials"]) == (None, None, False)
    assert (with_ca["relay"], bare["relay"]) == ("never", "never")


def test_a_password_in_the_environment_changes_no_registry_unasked(lading: ServiceFolder) -> None:
    lading("registry", "add", "prod", "r.example:5000")
    script = ServiceFolder(lading.data, {"LADING_USERNAME": "me", "LADING_PASSWORD": SECRET})

    script("registry", "set", "prod", "--tls", "skip")

    assert lading.json("registry", "ls")[0]["hasCredentials"] is False


def test_an_address_is_not_changed_with_the_password_of_another(lading: ServiceFolder) -> None:
    lading("registry", "add", "prod", "r.example:5000", "-u", "me", "--password-stdin", stdin=SECRET)

    said = lading.run("registry", "set", "prod", "--url", "elsewhere.example:5000")

    assert said.code == 2
    assert "must be given again" in said.err


def test_a_registry_that_is_away_fails_its_test_by_the_network(lading: ServiceFolder) -> None:
    lading("registry", "add", "away", "http://127.0.0.1:1")

    said = lading.run("registry", "test", "away")

    assert said.code == 7
    assert [line.split()[:2] for line in said.out.splitlines()] == [["ok", "resolve"], ["FAIL", "connect"]]
    assert "error: away cannot be worked with: connect failed" in said.err


def test_a_file_that_cannot_be_read_is_named(lading: ServiceFolder) -> None:
    said = lading.run("registry", "add", "prod", "r.example:5000", "--ca", "/nowhere/ca.pem")

    assert (said.code, said.err.splitlines()[0]) == (1, "error: cannot read /nowhere/ca.pem: no such file or directory")


def test_the_own_store_is_an_environment_from_the_start(lading: ServiceFolder) -> None:
    assert lading("environment", "ls").out.splitlines()[1].split()[:3] == ["1", "local", "embedded"]
    assert lading("environment", "test", "local").out.startswith("ok    ping")


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("unix:///run/docker.sock", "unix:///run/docker.sock"),
        ("tcp://build.example", "http://build.example:2375"),
        ("https://build.example", "https://build.example:2376"),
        ("tcp://[::1]:99", "http://[::1]:99"),
    ],
)
def test_docker_hosts_are_addressed_as_docker_does(lading: ServiceFolder, address: str, kept: str) -> None:
    lading("environment", "add", "build", address)

    assert lading("environment", "ls").out.splitlines()[2].split()[3] == kept


@pytest.mark.parametrize("address", ["build.example", "ssh://build.example", "tcp://", "tcp://a:b"])
def test_what_is_no_address_is_refused(lading: ServiceFolder, address: str) -> None:
    said = lading.run("environment", "add", "build", address)

    assert said.code == 2
    assert "is no address of a Docker host" in said.err


def test_a_key_of_an_environment_is_kept_sealed(lading: ServiceFolder, tmp_path: Path) -> None:
    certificate = Authority(tmp_path).client()
    files = ["--tls-cert", str(certificate.certificate), "--tls-key", str(certificate.key)]

    made = lading.json("environment", "add", "build", "tcp://build.example", *files)

    assert (made["protocol"], made["port"], made["hasTlsKey"]) == ("https", 2376, True)
    assert "PRIVATE KEY" not in lading("environment", "ls", "--format", "json").out


def test_the_own_store_cannot_be_removed(lading: ServiceFolder) -> None:
    assert lading.run("environment", "rm", "local").code == 6


def test_a_docker_host_that_is_away_fails_its_test_as_unreachable(lading: ServiceFolder, tmp_path: Path) -> None:
    lading("environment", "add", "build", f"unix://{tmp_path}/none.sock")

    assert lading.run("environment", "test", "build").code == 10
