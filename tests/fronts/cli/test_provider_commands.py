"""`lading registry` with a provider's fields, against played providers, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.docker_archives import docker_archive
from tests.fakes.played_providers import (
    CLIENT,
    CLIENT_SECRET,
    KEY_ID,
    ROBOT,
    ROBOT_SECRET,
    SECRET_KEY,
    SESSION,
    TENANT,
    PlayedProviders,
    service_key,
)
from tests.fakes.scripted_server import ScriptedServer
from tests.fakes.service_folder import ServiceFolder


@pytest.fixture
def providers() -> Iterator[PlayedProviders]:
    played = PlayedProviders(time.time)
    with ScriptedServer(played) as server:
        played.url = server.url("")
        yield played


def amazon(lading: ServiceFolder, providers: PlayedProviders, *more: str, secret: str = SECRET_KEY) -> None:
    where = ["aws", providers.url, "--provider", "ecr", "--field", "region=eu-central-1"]
    api = ["--field", f"apiUrl={providers.url}/aws"]
    lading("registry", "add", *where, *api, "-u", KEY_ID, "--password-stdin", *more, stdin=secret)


def test_a_minted_login_opens_the_registry_and_its_end_is_shown(
    lading: ServiceFolder, providers: PlayedProviders, tmp_path: Path
) -> None:
    (tmp_path / "session").write_text(f"{SESSION}\n")
    amazon(lading, providers, "--field", f"sessionToken=@{tmp_path / 'session'}")

    steps = {step["name"]: step["ok"] for step in lading.json("registry", "test", "aws")["steps"]}
    listed = lading("registry", "catalog", "aws").out.split()[1:]
    row = lading.json("registry", "ls")[0]

    assert steps == dict.fromkeys(["resolve", "connect", "v2", "mint", "token", "scope"], True)
    assert (row["provider"], row["fields"]["region"], row["hasSecretFields"]) == ("ecr", "eu-central-1", True)
    assert row["validUntil"] > "2020"
    assert f"until {row['validUntil']}" in lading("registry", "ls").out
    assert lading.json("registry", "show", "aws") == row
    assert listed == ["team/a", "team/b", "team/c", "team/d", "team/e"]
    everything = b"".join(path.read_bytes() for path in lading.data.iterdir() if path.is_file())
    assert not any(secret.encode() in everything for secret in (SECRET_KEY, SESSION, "ecr-1"))


def test_the_end_of_a_login_goes_with_the_login(lading: ServiceFolder, providers: PlayedProviders) -> None:
    amazon(lading, providers)
    lading("registry", "test", "aws")
    lading("registry", "set", "aws", "--name", "renamed")
    renamed = lading.json("registry", "ls")[0]["validUntil"]
    lading("registry", "set", "renamed", "--no-login")

    assert renamed is not None
    assert lading.json("registry", "ls")[0]["validUntil"] is None


def test_a_key_that_the_provider_refuses_fails_the_test_there(
    lading: ServiceFolder, providers: PlayedProviders
) -> None:
    amazon(lading, providers, secret="another secret")

    said = lading.run("registry", "test", "aws", "--format", "json")

    failed = [step for step in said.json["steps"] if not step["ok"]]
    assert [(step["name"], "InvalidSignatureException" in step["error"]) for step in failed] == [("mint", True)]
    assert said.code == 4
    assert "another secret" not in said.out + said.err


def test_a_service_accounts_key_comes_from_a_file(
    lading: ServiceFolder, providers: PlayedProviders, tmp_path: Path
) -> None:
    private = rsa.generate_private_key(65537, 2048)
    providers.account = private.public_key()
    (tmp_path / "key.json").write_text(service_key(private))
    where = [f"{providers.url}/project", "--provider", "gar", "--field", f"apiUrl={providers.url}/google"]

    lading("registry", "add", "gar", *where, "--key-file", str(tmp_path / "key.json"))

    assert lading.json("registry", "ls")[0]["username"] == "builder@project.iam.gserviceaccount.com"
    assert lading.json("registry", "test", "gar")["success"] is True


def test_a_service_principals_secret_never_reaches_the_registry(
    lading: ServiceFolder, providers: PlayedProviders
) -> None:
    where = [providers.url, "--provider", "acr", "--field", f"apiUrl={providers.url}/entra"]
    login = ["--field", f"tenant={TENANT}", "-u", CLIENT, "--password-stdin"]
    lading("registry", "add", "acr", *where, *login, stdin=CLIENT_SECRET)

    assert lading.json("registry", "test", "acr")["success"] is True


def test_what_nobody_lists_is_what_images_here_are_named_after(
    lading: ServiceFolder, providers: PlayedProviders, tmp_path: Path
) -> None:
    host = providers.url.removeprefix("http://")
    lading("registry", "add", "bare", providers.url)

    before = lading.run("registry", "catalog", "bare")
    (tmp_path / "image.tar").write_bytes(docker_archive([f"{host}/team/app:1", f"{host}/team/db:2", "other/app:1"]))
    lading("load", "-i", str(tmp_path / "image.tar"))
    after = lading.run("registry", "catalog", "bare")

    assert (before.code, "does not list its repositories" in before.err) == (5, True)
    assert after.out.split() == ["NAME", "team/app", "team/db"]
    assert "images here are named after" in after.err


def test_a_provider_of_a_kept_login_is_not_changed_without_it(
    lading: ServiceFolder, providers: PlayedProviders
) -> None:
    """Whoever may edit, and never knew the secret, could have it sent elsewhere."""
    amazon(lading, providers)
    changes = [["--provider", "generic"], ["--field", "apiUrl=https://elsewhere.example"], ["--field", "apiUrl="]]

    refused = [lading.run("registry", "set", "aws", *change) for change in changes]

    assert [(said.code, "must be given again" in said.err) for said in refused] == [(2, True)] * 3


def test_a_secret_field_is_not_taken_by_the_line(lading: ServiceFolder) -> None:
    said = lading.run("registry", "add", "x", "r.example", "--provider", "quay", "--field", "apiToken=visible")

    assert said.code == 2
    assert "--field apiToken=@FILE" in said.err


def test_a_field_of_another_provider_is_refused(lading: ServiceFolder) -> None:
    said = lading.run("registry", "add", "x", "r.example", "--field", "region=eu")

    assert (said.code, "region of generic" in said.err) == (2, True)


def test_providers_are_listed_with_what_they_ask_for(lading: ServiceFolder) -> None:
    listed = {row["provider"]: row for row in lading.json("registry", "providers")}

    assert [field["name"] for field in listed["acr"]["fields"]] == ["tenant", "apiUrl"]
    assert "ecr:GetAuthorizationToken" in listed["ecr"]["scopes"]
    assert listed["generic"]["listing"] == "catalog"


def test_harbor_lists_by_its_own_api(lading: ServiceFolder, providers: PlayedProviders) -> None:
    login = ["-u", ROBOT, "--password-stdin"]
    lading("registry", "add", "harbor", providers.url, "--provider", "harbor", *login, stdin=ROBOT_SECRET)

    assert lading("registry", "catalog", "harbor", "team/b").out.split() == ["NAME", "team/b"]
