"""`lading trust key`: what is made, kept, shown and replaced."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from lading.proof.tuf_key_files import NotaryKey
from tests.fakes.certificates import Certificate
from tests.fakes.service_folder import ServiceFolder
from tests.fronts.cli.trust.trust_places import PASSPHRASE, SECRETS, Place


def test_signing_first_makes_a_root_and_a_repository_key_and_says_so(place: Place) -> None:
    lading = place.other("new")

    first = lading("trust", "sign", f"{place.app}:1")
    second = lading("trust", "sign", f"{place.app}:2")

    assert "made the root key" in first.err
    assert "made the targets key" in first.err
    assert "lading trust key export root" in first.err
    assert second.err == ""
    kept = lading.json("trust", "key", "ls")
    assert {(key["role"], key["repository"]) for key in kept} == {("root", None), ("targets", place.app)}


def test_of_several_root_keys_the_one_that_came_last_sets_up_new_repositories(
    place: Place, lading: ServiceFolder
) -> None:
    lading("trust", "sign", f"{place.app}:1")
    (first,) = [key for key in lading.json("trust", "key", "ls") if key["role"] == "root"]
    made = lading.json("trust", "key", "rotate", place.app, "root")["keyId"]

    roots = {key["keyId"]: key["newRepositories"] for key in lading.json("trust", "key", "ls") if key["role"] == "root"}

    assert first["newRepositories"] is True
    assert roots == {first["keyId"]: False, made: True}
    assert [made, "root", "new", "ones"] in map(str.split, lading("trust", "key", "ls").out.splitlines())


def test_a_root_key_is_exported_as_it_lies_and_once(lading: ServiceFolder, place: Place, tmp_path: Path) -> None:
    told = lading.json("trust", "key", "export", "root", "--out", f"{tmp_path}/root.key")
    again = lading.run("trust", "key", "export", told["keyId"][:8], "--out", f"{tmp_path}/root.key")

    written = tmp_path / "root.key"
    assert written.stat().st_mode & 0o777 == 0o600
    assert NotaryKey.parse(written.read_bytes(), PASSPHRASE).role == "root"
    assert again.code == 6
    assert "keys are never overwritten" in again.err


def test_a_root_key_comes_back_from_its_export(lading: ServiceFolder, place: Place, tmp_path: Path) -> None:
    lading("trust", "sign", f"{place.app}:1")
    exported = lading.json("trust", "key", "export", "root", "--out", f"{tmp_path}/root.key")
    bob = place.other("bob")

    loaded = bob.json("trust", "key", "load", f"{tmp_path}/root.key")

    assert (loaded["keyId"], loaded["role"]) == (exported["keyId"], "root")
    assert bob("trust", "key", "rotate", place.app, "targets").code == 0


@pytest.mark.parametrize("word", ["eve", "abc", "0123456789"])
def test_a_key_that_is_not_kept_is_not_found(lading: ServiceFolder, tmp_path: Path, word: str) -> None:
    refused = lading.run("trust", "key", "export", word, "--out", f"{tmp_path}/k")

    assert refused.code == 5
    assert f"the private key {word} is not kept here" in refused.err


def test_of_several_keys_one_must_be_named(lading: ServiceFolder, tmp_path: Path) -> None:
    for name in ("one", "two"):
        lading("trust", "key", "generate", name, "--out", f"{tmp_path}/{name}")
        lading("trust", "key", "load", f"{tmp_path}/{name}.key", "--name", "team")

    refused = lading.run("trust", "key", "export", "team", "--out", f"{tmp_path}/k")

    assert refused.code == 2
    assert "'team' is several keys" in refused.err


def test_the_key_of_a_client_bundle_is_a_signers_key(lading: ServiceFolder, alice: Certificate, tmp_path: Path) -> None:
    bundle = tmp_path / "alice.zip"
    with zipfile.ZipFile(bundle, "w") as made:
        made.write(alice.key, "key.pem")
        made.write(alice.certificate, "cert.pem")
    alice.key.chmod(0o644)

    loaded = lading.json("trust", "key", "load", str(bundle), "--name", "alice")
    again = lading("trust", "key", "load", str(alice.key), "--name", "alice", "-q")
    refused = lading.run("trust", "key", "load", str(alice.key))

    assert (loaded["role"], again.out) == ("alice", f"{loaded['keyId']}\n")
    assert refused.code == 6
    assert f"the alice key {loaded['keyId'][:12]} is kept already" in refused.err
    assert f"others on this machine may read {alice.key}" in refused.err


@pytest.mark.parametrize(
    ("content", "code", "complaint"),
    [
        (b"nothing", 2, "no private key in PEM"),
        (b"PK\x03\x04and no more", 1, "it is a zip file, and damaged or encrypted"),
    ],
)
def test_what_is_no_key_is_not_loaded(
    lading: ServiceFolder, tmp_path: Path, content: bytes, code: int, complaint: str
) -> None:
    (tmp_path / "file").write_bytes(content)

    refused = lading.run("trust", "key", "load", f"{tmp_path}/file")

    assert refused.code == code
    assert complaint in refused.err


def test_a_zip_without_a_key_is_no_bundle(lading: ServiceFolder, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as made:
        made.writestr("readme", "nothing")

    refused = lading.run("trust", "key", "load", f"{tmp_path}/other.zip")

    assert refused.code == 1
    assert "it is no client bundle: there is no key.pem in it" in refused.err


@pytest.mark.parametrize("name", ["Alice", "a b", "", "../x"])
def test_a_signers_name_is_a_word(lading: ServiceFolder, tmp_path: Path, name: str) -> None:
    refused = lading.run("trust", "key", "load", f"{tmp_path}/none.key", "--name", name)

    assert refused.code == 2
    assert "a signer cannot be called" in refused.err


def test_dockers_own_variables_open_and_close_keys(place: Place) -> None:
    docker = place.other("docker", LADING_TRUST_PASSPHRASE="", **SECRETS)

    docker("trust", "sign", f"{place.app}:1")

    files = [path.read_bytes() for path in docker.data.glob("trust/private/*.key")]
    assert {NotaryKey.parse(file, SECRETS[_variable(file)]).role for file in files} == {"root", "targets"}


def _variable(file: bytes) -> str:
    return f"DOCKER_CONTENT_TRUST_{'ROOT' if b'role: root' in file else 'REPOSITORY'}_PASSPHRASE"


def test_without_a_passphrase_nothing_is_made(place: Place) -> None:
    nobody = place.other("nobody", LADING_TRUST_PASSPHRASE="")

    refused = nobody.run("trust", "sign", f"{place.app}:1")

    assert refused.code == 2
    assert "a passphrase is needed" in refused.err
    assert not list(nobody.data.rglob("*.key"))


def test_a_wrong_passphrase_opens_nothing_and_is_told_nowhere(place: Place, lading: ServiceFolder) -> None:
    lading("trust", "sign", f"{place.app}:1")
    wrong = replace(lading, environment={**lading.environment, "LADING_TRUST_PASSPHRASE": "hunter2"})

    refused = wrong.run("trust", "sign", f"{place.app}:2")

    assert refused.code == 2
    assert "the passphrase does not open the key file" in refused.err
    assert "hunter2" not in refused.err + refused.out


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp"])
def test_each_key_is_rotated_and_what_was_signed_holds(place: Place, lading: ServiceFolder, role: str) -> None:
    lading("trust", "sign", f"{place.app}:1")

    told = lading.json("trust", "key", "rotate", place.app, role)

    made = told.pop("keyId")
    assert told == {"repository": place.app, "role": role, "rotated": True}
    kept = [key["keyId"] for key in lading.json("trust", "key", "ls")]
    assert (made in kept) == (role in {"root", "targets"})
    lading("trust", "sign", f"{place.app}:2")
    assert place.signed() == {"1": ["Repo Admin"], "2": ["Repo Admin"]}
    assert place.trust.refusals == []
