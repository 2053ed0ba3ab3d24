"""Logins at a real registry: flags, our own encrypted ones, docker's; and what is said when none is right."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.credential_helper import CredentialHelper
from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.programs import RunningRegistry

pytestmark = pytest.mark.peer("docker-registry", "htpasswd")


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[RunningRegistry]:
    with programs.docker_registry(tmp_path / "locked", htpasswd=("alice", "s3cret")) as registry:
        yield registry


@pytest.fixture
def lading(tmp_path: Path) -> Lading:
    return Lading(tmp_path / "data")


@pytest.fixture
def source(tmp_path: Path) -> str:
    layouts.five_layers(tmp_path / "layout")
    return f"oci:{tmp_path / 'layout'}:v1"


def test_without_a_login_the_way_to_one_is_told(lading: Lading, locked: RunningRegistry, source: str) -> None:
    refused = lading.run("copy", source, f"{locked.host}/app:1", "--insecure")

    assert refused.returncode == 4
    assert b"try:   " in refused.stderr
    assert b"lading login" in refused.stderr


def test_a_login_is_checked_kept_encrypted_and_used(
    lading: Lading, locked: RunningRegistry, source: str, tmp_path: Path
) -> None:
    wrong = lading.run("login", locked.host, "-u", "alice", "--password-stdin", stdin=b"wrong\n")
    lading("login", locked.host, "-u", "alice", "--password-stdin", stdin=b"s3cret\n")
    used = lading.run("copy", source, f"{locked.host}/app:1", "--insecure")

    assert wrong.returncode == 4
    assert used.returncode == 0
    assert f"{locked.host}/app: login: alice from Lading's own logins ({locked.host})".encode() in used.stderr
    assert not [path for path in tmp_path.glob("data/**/*") if path.is_file() and b"s3cret" in path.read_bytes()]
    lading("logout", locked.host)
    assert lading.run("ls", f"{locked.host}/app").returncode == 4


def test_a_login_for_one_call_is_read_from_standard_input(lading: Lading, locked: RunningRegistry, source: str) -> None:
    lading("copy", source, f"{locked.host}/app:1", "--insecure", "-u", "alice", "--password-stdin", stdin=b"s3cret\n")

    assert lading("ls", f"{locked.host}/app", "-u", "alice", "--password-stdin", stdin=b"s3cret\n") == "1\n"


def test_a_login_goes_through_dockers_own_helper_when_asked(
    locked: RunningRegistry, source: str, tmp_path: Path
) -> None:
    helper = CredentialHelper.install(tmp_path / "bin")
    configuration = tmp_path / "docker/config.json"
    configuration.parent.mkdir()
    configuration.write_text('{"credsStore": "test"}')
    path = ("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    lading = Lading(tmp_path / "data", (("DOCKER_CONFIG", str(configuration.parent)), path))
    lading("login", "--docker", locked.host, "-u", "alice", "--password-stdin", stdin=b"s3cret\n")
    used = lading.run("copy", source, f"{locked.host}/app:1", "--insecure")

    assert helper.keeps() == {locked.host: ["alice", "s3cret"]}
    assert used.returncode == 0
    assert b"login: alice from docker-credential-test, which" in used.stderr
    assert "s3cret" not in configuration.read_text()
    lading("logout", "--docker", locked.host)
    assert helper.keeps() == {}


def test_dockers_logins_are_used_and_the_next_one_is_named_when_one_is_refused(
    locked: RunningRegistry, source: str, tmp_path: Path
) -> None:
    def auth(secret: str) -> str:
        entry = {"auth": base64.b64encode(f"alice:{secret}".encode()).decode()}
        return json.dumps({"auths": {locked.host: entry}})

    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(auth("s3cret"))
    folder = ("DOCKER_CONFIG", str(tmp_path / "docker"))
    right = Lading(tmp_path / "data", (folder,))
    hidden = Lading(tmp_path / "data", (folder, ("DOCKER_AUTH_CONFIG", auth("outdated"))))

    used = right.run("copy", source, f"{locked.host}/app:1", "--insecure")
    refused = hidden.run("copy", source, f"{locked.host}/app:2", "--insecure")

    assert used.returncode == 0
    assert b"login: alice from" in used.stderr
    assert refused.returncode == 4
    assert b"DOCKER_AUTH_CONFIG" in refused.stderr
    assert f"docker/config.json ({locked.host}); it was not tried".encode() in refused.stderr
    assert b"outdated" not in refused.stderr
