"""`lading repository trust` and `keys`, over a data folder here and at a server: the same words, the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.oci.platform import Platform
from lading.services.embedded.samples import sample_archive
from tests.fakes.service_folder import ServiceFolder
from tests.fakes.signing_house import ANN, BOB
from tests.fronts.rest_api import caller


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[caller.House]:
    with caller.house(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture
def away(tmp_path: Path, house: caller.House) -> ServiceFolder:
    """The program of an admin elsewhere."""
    token = house.admin.post("/api/auth/tokens", {"name": tmp_path.name}).json["token"]
    (tmp_path / "data").mkdir()
    return ServiceFolder(tmp_path / "data", {"LADING_SERVER": house.running.api, "LADING_TOKEN": token})


@pytest.fixture
def here(tmp_path: Path) -> ServiceFolder:
    (tmp_path / "data").mkdir()
    return ServiceFolder(tmp_path / "data")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Files of public keys; their folder."""
    for name, key in {"ann": ANN, "bob": BOB}.items():
        (tmp_path / f"{name}.pub").write_bytes(key.public.pem)
    return tmp_path


@pytest.fixture(params=["here", "away"])
def lading(request: pytest.FixtureRequest) -> ServiceFolder:
    folder: ServiceFolder = request.getfixturevalue(request.param)
    return folder


def test_keys_are_accepted_and_let_go_of(lading: ServiceFolder, keys: Path) -> None:
    lading("repository", "keys", "--add", "ann", f"{keys}/ann.pub")
    listed = lading.json("repository", "keys", "--add", "bob", f"{keys}/bob.pub")

    assert [(row["name"], row["keyId"]) for row in listed] == [
        ("ann", ANN.public.key_id),
        ("bob", BOB.public.key_id),
    ]
    assert lading("repository", "keys", "--rm", "bob", "-q").out.split() == ["ann"]
    assert lading.run("repository", "keys", "--rm", "bob").code == 5
    lading("repository", "keys", "--rm", "ann")


def test_a_rule_is_written_whole_shown_and_taken_away(lading: ServiceFolder, keys: Path) -> None:
    lading("repository", "keys", "--add", "ann", f"{keys}/ann.pub")
    rule = ["--mode", "enforce", "--key", "ann", "--notary", "--threshold", "2", "--bind-tag", "--max-age-days", "9"]

    lading("repository", "trust", "team/new", *rule, "--signed-as", "dev/*", "--root-key", "ab" * 32, "--new")
    shown = lading.json("repository", "trust", "team/new")["rule"]
    told = lading("repository", "trust", "team/new").out
    refused = lading.run("repository", "keys", "--rm", "ann")
    half = lading.run("repository", "trust", "team/new", "--key", "ann")
    off = lading("repository", "trust", "team/new", "--mode", "off").out

    assert shown == {
        "mode": "enforce",
        "keys": ["ann"],
        "notary": True,
        "rootKeys": ["ab" * 32],
        "threshold": 2,
        "bindTag": True,
        "maxAgeDays": 9,
        "signedAs": ["dev/*"],
    }
    assert "mode: enforce\nkeys: ann\nnotary: True" in told
    assert (refused.code, "is named by the trust rule of team/new" in refused.err) == (6, True)
    assert (half.code, "this one has no --mode" in half.err) == (2, True)
    assert off.strip() == "no rule: its images need nobody's signature"
    lading("repository", "keys", "--rm", "ann")
    lading("repository", "rm", "team/new")


@pytest.mark.parametrize(
    "words",
    [
        ["trust", "team/typo", "--mode", "enforce", "--notary"],
        ["visibility", "team/typo", "public"],
        ["rules", "team/typo", "--set", "-"],
    ],
)
def test_a_name_that_is_mistyped_makes_no_repository(lading: ServiceFolder, words: list[str]) -> None:
    refused = lading.run("repository", *words, stdin='[{"tags": ["v*"]}]')

    assert (refused.code, "there is no repository team/typo" in refused.err) == (5, True)
    assert "--new makes a repository" in refused.err
    assert lading.run("repository", "show", "team/typo").code == 5


def test_a_repository_that_is_wanted_is_made_before_any_push(lading: ServiceFolder) -> None:
    opened = lading("repository", "visibility", "team/open", "public", "--new").out
    ruled = lading.run("repository", "rules", "team/ruled", "--set", "-", "--new", stdin='[{"tags": ["v*"]}]')
    locked = lading("lock", "team/locked").out

    assert opened == "team/open   public\n"
    assert (ruled.code, "v*" in ruled.out) == (0, True)
    assert locked.splitlines()[0] == "team/locked   locked; the repository is new, and nothing was pushed to it yet"
    for name in ("team/open", "team/ruled", "team/locked"):
        lading("repository", "rm", name)


def test_it_says_what_the_rule_thinks_of_a_tag(away: ServiceFolder, house: caller.House, keys: Path) -> None:
    (keys / "hello.tar").write_bytes(sample_archive("demo/hello:1", "hello", Platform("linux", "amd64")))
    away("push", f"archive:{keys}/hello.tar", f"{house.running.address}/judged/app:1")
    away("repository", "keys", "--add", "ann", f"{keys}/ann.pub")

    said = away("repository", "trust", "judged/app", "--mode", "report", "--key", "ann", "--tag", "1").out

    assert said.endswith("\njudged/app:1: not signed as asked\n  no signature lies beside it\n")
    away("repository", "rm", "judged/app")
    away("repository", "keys", "--rm", "ann")
