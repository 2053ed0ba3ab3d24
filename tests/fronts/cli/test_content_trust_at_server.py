"""The switch of this machine where a server does the work: it goes along with the request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.service_folder import ServiceFolder
from tests.fronts.rest_api import caller

PASSPHRASE = "correct horse battery"
RULE = '[[rule]]\nimages = ["*/team/*"]\nmode = "{mode}"\nkeys = ["team.pub"]\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("server")
    (made / "data").mkdir()
    here = ServiceFolder(made / "data", {"LADING_TRUST_PASSPHRASE": PASSPHRASE})
    here("trust", "key", "generate", "team", "--out", f"{made}/team")
    return made


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[caller.House]:
    """A server with a key, and without the switch; its own registry is one that it knows by its host."""
    with caller.house(folder / "house", trust_key=f"{folder}/team.key", trust_passphrase=PASSPHRASE) as running:
        running.own_registry()
        running.load("team/app:1")
        yield running


@pytest.fixture
def away(tmp_path: Path, house: caller.House) -> ServiceFolder:
    token = house.admin.post("/api/auth/tokens", {"name": tmp_path.name}).json["token"]
    (tmp_path / "data").mkdir()
    surroundings = {"LADING_SERVER": house.running.api, "LADING_TOKEN": token, "HOME": str(tmp_path / "home")}
    return ServiceFolder(tmp_path / "data", surroundings)


def given(away: ServiceFolder, **environment: str) -> ServiceFolder:
    return replace(away, environment={**away.environment, **environment})


def test_the_server_signs_what_it_is_asked_to_sign_and_verifies_what_it_is_asked_to_verify(
    away: ServiceFolder, house: caller.House
) -> None:
    trusting, repository = given(away, LADING_CONTENT_TRUST="1"), f"{house.running.address}/team/app"

    trusting("push", "team/app:1", f"{repository}:signed")
    trusting("push", "--disable-content-trust", "team/app:1", f"{repository}:unsigned")

    assert trusting.run("pull", f"{repository}:signed").code == 0
    refused = trusting.run("pull", f"{repository}:unsigned")
    assert refused.code == 6, refused.err
    assert "has no signature that is accepted" in refused.err
    assert trusting.run("pull", "--disable-content-trust", f"{repository}:unsigned").code == 0


def test_a_copy_there_verifies_and_signs(away: ServiceFolder, house: caller.House) -> None:
    trusting, repository = given(away, LADING_CONTENT_TRUST="1"), f"{house.running.address}/team/copied"
    away("push", "team/app:1", f"{repository}:plain")

    refused = trusting.run("copy", f"{repository}:plain", f"{repository}:2")
    trusting("push", "team/app:1", f"{repository}:1")
    trusting("copy", f"{repository}:1", f"{repository}:2")

    assert refused.code == 6, refused.err
    assert trusting.run("pull", f"{repository}:2").code == 0


def test_a_policy_of_this_machine_is_said_to_stay_here(away: ServiceFolder, house: caller.House, folder: Path) -> None:
    image = f"{house.running.address}/team/ruled:1"
    away("push", "team/app:1", image)

    def pull(mode: str, *flags: str) -> int:
        path = folder / f"{mode}.toml"
        path.write_text(RULE.format(mode=mode))
        return given(away, LADING_TRUST_POLICY=str(path)).run("pull", *flags, image).code

    assert [pull("enforce"), pull("report"), pull("off"), pull("enforce", "--disable-content-trust")] == [6, 0, 0, 0]
