"""Notary wired: which trust server a repository has, and which passphrase a key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from lading.main.notary_trusting import TrustServers, notary_trust, trust_keys, trust_passphrases
from lading.oci.reference import Reference
from lading.proof.tuf_refusals import TrustAbsent
from lading.services.notary.keys import KeptKey, Passphrase
from lading.services.notary.refusals import TrustPassphraseMissing
from lading.settings import Settings, resolve
from lading.wire.message import Response
from tests.fakes.notary import KeysInMemory
from tests.fakes.registry_client import Bench
from tests.fakes.trust_repository import GUN

ROOT, TARGETS, ALICE = KeptKey("1" * 64, "root"), KeptKey("2" * 64, "targets", GUN), KeptKey("3" * 64, "alice")


def settings(folder: Path, environment: Mapping[str, str]) -> Settings:
    return resolve({}, environment, [], folder, lambda path: Path(path).read_text())


@pytest.mark.parametrize(
    ("given", "name", "asked"),
    [
        (None, "alpine", "https://notary.docker.io/v2/docker.io/library/alpine/_trust/tuf/root.json"),
        (None, "reg.example/app", "https://reg.example/v2/reg.example/app/_trust/tuf/root.json"),
        ("https://n.corp:4443", "reg.example/app", "https://n.corp:4443/v2/reg.example/app/_trust/tuf/root.json"),
        ("https://n.corp/trust", "alpine", "https://n.corp/trust/v2/docker.io/library/alpine/_trust/tuf/root.json"),
    ],
)
def test_a_repository_is_asked_for_at_its_trust_server(
    tmp_path: Path, given: str | None, name: str, asked: str
) -> None:
    bench, named = Bench(answer=lambda _request, _body, _whole: Response(404)), set[str]()
    servers = TrustServers(lambda: bench.client, lambda _repository: None, given, named)
    reference = Reference.parse(f"{name}:v1")

    with pytest.raises(TrustAbsent):
        notary_trust(tmp_path, servers, KeysInMemory()).resolve(reference, bench.cancel)

    assert [each.request.url for each in bench.transport.asked] == [asked]
    assert named == {reference.repository.registry}


@pytest.mark.parametrize(
    ("environment", "answers"),
    [
        ({"LADING_TRUST_PASSPHRASE": "all"}, ("all", "all", "all")),
        (
            {"DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE": "r", "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE": "t"},
            ("r", "t", "t"),
        ),
        (
            {"LADING_TRUST_ROOT_PASSPHRASE": "r", "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE": "docker's"},
            ("r", "ask", "ask"),
        ),
        ({"LADING_TRUST_REPOSITORY_PASSPHRASE": "t", "LADING_TRUST_PASSPHRASE": "all"}, ("all", "t", "t")),
        ({}, ("ask", "ask", "ask")),
    ],
)
def test_a_passphrase_is_asked_for_where_no_setting_has_it(
    tmp_path: Path, environment: Mapping[str, str], answers: tuple[str, ...]
) -> None:
    def ask(_key: KeptKey, _new: bool) -> str:
        return "ask"

    passphrase: Passphrase = trust_passphrases(settings(tmp_path, environment), ask)

    assert tuple(passphrase(key, False) for key in (ROOT, TARGETS, ALICE)) == answers


def test_a_file_may_hold_a_passphrase(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("r\n")
    found = settings(tmp_path, {"LADING_TRUST_ROOT_PASSPHRASE_FILE": str(tmp_path / "word")})

    assert trust_passphrases(found, None)(ROOT, True) == "r"
    assert "'r'" not in repr(found)


def test_a_key_that_nobody_has_a_passphrase_for_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(TrustPassphraseMissing, match="the root key"):
        trust_keys(settings(tmp_path, {}), None).root()

    assert list(tmp_path.rglob("*.key")) == []
