"""Our own encrypted logins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.backends.credentials.failures import (
    CredentialFileUnusable,
    SealBroken,
    SecretKeyInvalid,
    SecretKeyMissing,
)
from lading.backends.credentials.own import OwnCredentials
from lading.backends.credentials.sealing import read_or_make_keys
from lading.oci.reference import Repository
from lading.services.registries.registries import Login
from tests.fakes.children import Child

SECRET = "correct horse"
TEAM = Repository("r.example", "acme/team/app")
HUB = Repository("docker.io", "library/debian")


@pytest.fixture
def own(tmp_path: Path) -> OwnCredentials:
    """An empty one."""
    return OwnCredentials(tmp_path / "logins.json", tmp_path / "secret.key")


def found(own: OwnCredentials, repository: Repository) -> tuple[str, str] | None:
    login = own.find(repository)
    if login is None or login.credential is None:
        return None
    return login.credential.username, login.credential.secret


def test_a_login_is_found_again_and_says_where_it_stands(own: OwnCredentials) -> None:
    own.set("r.example/acme", "me", SECRET)

    login = own.find(TEAM)
    assert login is not None
    assert login.credential is not None
    assert (login.credential.username, login.credential.secret) == ("me", SECRET)
    assert login.source == login.credential.source == "Lading's own logins (r.example/acme)"


def test_the_longest_path_that_fits_wins(own: OwnCredentials) -> None:
    for place in ("r.example", "r.example/acme", "r.example/acme/team", "r.example/acme/te", "r.example/other"):
        own.set(place, place, SECRET)

    assert found(own, TEAM) == ("r.example/acme/team", SECRET)
    assert found(own, Repository("r.example", "acme/tea")) == ("r.example/acme", SECRET)
    assert found(own, Repository("r.example", "lone")) == ("r.example", SECRET)
    assert found(own, HUB) is None


def test_a_login_is_replaced_listed_and_removed(own: OwnCredentials) -> None:
    own.set("r.example", "first", "one")
    own.set("docker.io", "hub", "two")
    own.set("r.example", "second", "three")

    assert own.logins() == [Login("docker.io", "hub"), Login("r.example", "second")]
    assert own.remove("r.example") is True
    assert own.remove("r.example") is False
    assert own.logins() == [Login("docker.io", "hub")]


def test_an_identity_token_comes_back_as_one(own: OwnCredentials) -> None:
    own.set("r.example", "<token>", SECRET)
    login = own.find(TEAM)
    assert login is not None
    assert login.credential is not None
    assert (login.credential.identity_token, login.credential.secret) == (SECRET, "")


def test_files_are_the_owners_alone_and_hold_no_plain_text(own: OwnCredentials, tmp_path: Path) -> None:
    own.set("r.example", "somebody", SECRET)

    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "logins.json": 0o600,
        "logins.json.lock": 0o600,
        "secret.key": 0o600,
    }
    written = (tmp_path / "logins.json").read_text()
    assert SECRET not in written
    assert "somebody" not in written


def _another_key(folder: Path) -> None:
    (folder / "secret.key").unlink()
    read_or_make_keys(folder / "secret.key")


def _no_key(folder: Path) -> None:
    (folder / "secret.key").unlink()


def _no_key_at_all(folder: Path) -> None:
    (folder / "secret.key").write_text("short\n")


def _changed(change: Callable[[dict[str, dict[str, str]]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "logins.json"
        document = json.loads(path.read_text())
        change(document["logins"])
        path.write_text(json.dumps(document))

    return apply


def _moved(rows: dict[str, dict[str, str]]) -> None:
    rows["r.example"], rows["other.example"] = rows["other.example"], rows["r.example"]


def _flipped(rows: dict[str, dict[str, str]]) -> None:
    sealed = rows["r.example"]["sealed"]
    rows["r.example"]["sealed"] = ("A" if sealed[0] != "A" else "B") + sealed[1:]


def _cut(rows: dict[str, dict[str, str]]) -> None:
    rows["r.example"]["sealed"] = rows["r.example"]["sealed"][:4]


def _nonsense(folder: Path) -> None:
    (folder / "logins.json").write_text("{")


def _another_shape(folder: Path) -> None:
    (folder / "logins.json").write_text('{"version": 1, "logins": []}')


def _from_the_future(folder: Path) -> None:
    (folder / "logins.json").write_text('{"version": 2, "logins": {}}')


@pytest.mark.parametrize(
    ("harm", "error"),
    [
        (_another_key, SealBroken),
        (_no_key, SecretKeyMissing),
        (_no_key_at_all, SecretKeyInvalid),
        (_changed(_moved), SealBroken),
        (_changed(_flipped), SealBroken),
        (_changed(_cut), SealBroken),
        (_nonsense, CredentialFileUnusable),
        (_another_shape, CredentialFileUnusable),
        (_from_the_future, CredentialFileUnusable),
    ],
)
def test_what_cannot_be_opened_says_why(
    own: OwnCredentials, tmp_path: Path, harm: Callable[[Path], None], error: type[Exception]
) -> None:
    own.set("r.example", "me", SECRET)
    own.set("other.example", "you", "other secret")
    harm(tmp_path)

    with pytest.raises(error) as caught:
        own.find(TEAM)
    assert SECRET not in repr(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_missing_key_is_not_made_anew_over_logins_it_could_not_open(own: OwnCredentials, tmp_path: Path) -> None:
    own.set("r.example", "me", SECRET)
    _no_key(tmp_path)
    with pytest.raises(SecretKeyMissing):
        own.set("other.example", "you", "x")
    assert not (tmp_path / "secret.key").exists()


def test_a_given_key_makes_no_file(tmp_path: Path) -> None:
    text = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    own = OwnCredentials(tmp_path / "logins.json", tmp_path / "secret.key", text)
    own.set("r.example", "me", SECRET)

    assert found(own, TEAM) == ("me", SECRET)
    assert not (tmp_path / "secret.key").exists()
    with pytest.raises(SecretKeyInvalid, match="LADING_SECRET_KEY holds no key"):
        OwnCredentials(tmp_path / "logins.json", tmp_path / "secret.key", "short").find(TEAM)


def test_a_file_that_may_not_be_read_is_named(own: OwnCredentials, tmp_path: Path) -> None:
    (tmp_path / "logins.json").mkdir()
    with pytest.raises(CredentialFileUnusable, match=r"logins\.json"):
        own.find(TEAM)


def test_processes_that_start_together_share_one_key_and_lose_no_login(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from lading.backends.credentials.own import OwnCredentials;"
        "folder = Path(sys.argv[1]); own = OwnCredentials(folder / 'logins.json', folder / 'secret.key');"
        "own.set(sys.argv[2], 'user', 'secret')"
    )
    children = [
        Child([sys.executable, "-c", program, str(tmp_path), f"r{number}.example"], env=os.environ)
        for number in range(6)
    ]
    assert [child.wait() for child in children] == [0] * 6

    own = OwnCredentials(tmp_path / "logins.json", tmp_path / "secret.key")
    assert [login.username for login in own.logins()] == ["user"] * 6


def test_finding_nothing_loads_no_encryption(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from lading.backends.credentials.own import OwnCredentials;"
        "from lading.oci.reference import Repository;"
        "own = OwnCredentials(Path('/nonexistent/logins.json'), Path('/nonexistent/secret.key'));"
        "assert own.find(Repository('r.example', 'a')) is None; print('cryptography' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"False\n"
