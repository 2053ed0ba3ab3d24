"""`lading trust key generate`, `sign` and `verify` at a registry of ours, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lading.main.wired import Wired
from tests.fakes.service_folder import ServiceFolder
from tests.peers import layouts

PASSPHRASE = "correct horse battery"
POLICY = '[[rule]]\nimages = ["*/team/*"]\nmode = "{mode}"\nkeys = ["team.pub"]\nbind-tag = true\n'


@dataclass(frozen=True)
class World:
    """A registry of ours on loopback, in this process; the key pairs `team` and `eve`, by their prefixes; and images.

    app:1 is signed by the team, in both forms; the others are the same image: app:latest, copy:1 and other:1, which
    came with its signatures, and plain:1, which came without.
    """

    lading: ServiceFolder
    host: str
    folder: Path

    @property
    def team(self) -> str:
        return str(self.folder / "team")

    def image(self, name: str) -> str:
        return f"{self.host}/team/{name}"

    def policy(self, mode: str) -> str:
        path = self.folder / f"{mode}.toml"
        path.write_text(POLICY.format(mode=mode))
        return str(path)

    def given(self, **environment: str) -> ServiceFolder:
        """The same program with other variables."""
        return replace(self.lading, environment=environment)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("signing")
    (folder / "data").mkdir()
    lading = ServiceFolder(folder / "data", {"LADING_TRUST_PASSPHRASE": PASSPHRASE})
    application = Wired.start({}, {"data": str(folder / "served"), "registry-port": 0})
    try:
        with application.open_registry() as registry:
            made = World(lading, registry.address, folder)
            _fill(made)
            yield made
    finally:
        application.close()


def _fill(world: World) -> None:
    lading, layout = world.lading, world.folder / "layout"
    layouts.write_layout(layout, "v1", layouts.write_image(layout, [layouts.layer("a", 1000)]))
    for name in ("team", "eve"):
        lading("trust", "key", "generate", name, "--out", str(world.folder / name))
    lading("copy", f"oci:{layout}:v1", world.image("app:1"), world.image("plain:1"))
    lading("sign", world.image("app:1"), "--key", f"{world.team}.key", "--sig")
    lading("copy", world.image("app:1"), world.image("app:latest"), world.image("copy:1"), f"{world.host}/other:1")


@pytest.fixture
def lading(world: World) -> ServiceFolder:
    return world.lading


@pytest.fixture
def app(world: World) -> str:
    return world.image("app:1")


@pytest.fixture
def team(world: World) -> str:
    return world.team


def test_a_key_pair_is_two_files_of_which_one_is_its_owners_alone(lading: ServiceFolder, tmp_path: Path) -> None:
    made = lading.json("trust", "key", "generate", "team", "--out", f"{tmp_path}/k", "--type", "ed25519")

    assert (made["name"], made["type"], len(made["keyId"])) == ("team", "ed25519", 64)
    assert (tmp_path / "k.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "k.key").read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert (tmp_path / "k.pub").read_text().startswith("-----BEGIN PUBLIC KEY-----")


@pytest.mark.parametrize("there", ["k.key", "k.pub"])
def test_a_key_is_never_overwritten_and_no_half_pair_stays(lading: ServiceFolder, tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")

    refused = lading.run("trust", "key", "generate", "team", "--out", f"{tmp_path}/k")

    assert refused.code == 6
    assert f"{there} is there already" in refused.err
    assert [path.name for path in tmp_path.glob("k.*")] == [there]


def test_a_key_needs_a_passphrase_and_a_folder(world: World, lading: ServiceFolder, tmp_path: Path) -> None:
    nobody = world.given().run("trust", "key", "generate", "team", "--out", f"{tmp_path}/k")
    nowhere = lading.run("trust", "key", "generate", "team", "--out", f"{tmp_path}/no/k")

    assert (nobody.code, nowhere.code) == (2, 1)
    assert "LADING_TRUST_PASSPHRASE_FILE" in nobody.err
    assert "no such file or directory" in nowhere.err


def test_what_is_signed_is_verified(lading: ServiceFolder, app: str, team: str) -> None:
    verified = lading.json("verify", app, "--key", f"{team}.pub")

    assert (verified["trusted"], verified["mode"], verified["signers"]) == (True, "enforce", [f"{team}.pub"])
    assert [each["form"] for each in verified["signatures"]] == ["sigstore-bundle", "cosign-sig"]
    assert {(each["repository"], each["tag"]) for each in verified["signatures"]} == {(app[:-2], "1")}
    assert lading("verify", app, "--key", f"{team}.pub", "-q").out.strip() == f"{app[:-2]}@{verified['digest']}"
    assert f"signed by {team}.pub" in lading("verify", app, "--key", f"{team}.pub").out


def test_what_was_signed_is_told(lading: ServiceFolder, world: World) -> None:
    image = world.image("copy:1")

    signed = lading.json("sign", image, "--key", f"{world.folder}/eve.key")

    assert signed["reference"] == image
    assert [each["form"] for each in signed["signatures"]] == ["sigstore-bundle"]
    assert signed["digest"].startswith("sha256:")


def test_what_nobody_signed_is_refused_with_code_six(lading: ServiceFolder, world: World) -> None:
    refused = lading.run("verify", world.image("plain:1"), "--key", f"{world.team}.pub")

    assert (refused.code, refused.out) == (6, "")
    assert "has no signature that is accepted" in refused.err


def test_a_signature_of_another_key_is_refused(lading: ServiceFolder, app: str, world: World) -> None:
    refused = lading.run("verify", app, "--key", f"{world.folder}/eve.pub")

    assert refused.code == 6
    assert "no key that is accepted made the signature" in refused.err
    assert lading.run("verify", app, "--key", f"{world.team}.pub", "--key", f"{world.folder}/eve.pub").code == 0


def test_a_policy_decides_by_its_rules(lading: ServiceFolder, app: str, world: World) -> None:
    policy = world.policy("enforce")

    moved = lading.run("verify", world.image("app:latest"), "--policy", policy)
    unruled = lading("verify", f"{world.host}/other:1", "--policy", policy)

    assert lading("verify", app, "--policy", policy).code == 0
    assert moved.code == 6
    assert "the signature is of the tag 1" in moved.err
    assert "was not verified: no rule of the policy asks for it" in unruled.err


def test_a_rule_that_reports_says_it_and_goes_on(lading: ServiceFolder, world: World) -> None:
    told = lading("verify", world.image("plain:1"), "--policy", world.policy("report"), "--format", "json")

    assert (told.json["trusted"], told.json["mode"]) == (False, "report")
    assert "has no signature that is accepted: Nobody signed it" in told.err


def test_signatures_go_with_their_image_and_say_where_it_came_from(lading: ServiceFolder, world: World) -> None:
    refused = lading.run("verify", world.image("copy:1"), "--key", f"{world.team}.pub")

    assert refused.code == 6
    assert f"was made for another repository, {world.image('app')}" in refused.err


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("verify", "{app}"), 2, "who may sign is said by keys or by a policy"),
        (("verify", "{app}", "--key", "{team}.pub", "--policy", "p"), 2, "who may sign is said by keys or by a policy"),
        (("verify", "{app}", "--key", "{team}.key"), 2, "it is a private key: keep it"),
        (("verify", "{app}", "--key", "{team}.gone"), 1, "cannot read"),
        (("verify", "{app}", "--policy", "{team}.pub"), 2, "is no TOML"),
        (("verify", "{app}2", "--key", "{team}.pub"), 5, "does not exist"),
        (("sign", "{app}", "--key", "{team}.pub"), 2, "it is a public key, which verifies"),
        (("sign", "{app}", "--key", "{team}.pub"), 2, "The file is {team}.pub."),
        (("sign", "{app}"), 2, "Missing option '--key'"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(
    lading: ServiceFolder, app: str, team: str, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    refused = lading.run(*(each.format(app=app, team=team) for each in arguments))

    assert refused.code == code
    assert complaint.format(team=team) in refused.err


def test_the_settings_say_who_signs_and_who_is_accepted(world: World) -> None:
    """Where no option does: LADING_TRUST_KEY and LADING_TRUST_POLICY."""
    settings = {"LADING_TRUST_PASSPHRASE": PASSPHRASE, "LADING_TRUST_KEY": f"{world.team}.key"}
    lading = world.given(**settings, LADING_TRUST_POLICY=world.policy("enforce"))

    signed = lading("sign", f"{world.host}/other:1")
    verified = lading("verify", world.image("app:1"))
    refused = lading.run("verify", world.image("plain:1"))

    assert "signed with key" in signed.out
    assert "signed by team.pub" in verified.out
    assert refused.code == 6


def test_a_wrong_passphrase_opens_nothing(world: World, app: str, team: str) -> None:
    refused = world.given(LADING_TRUST_PASSPHRASE="wrong").run("sign", app, "--key", f"{team}.key")

    assert refused.code == 2
    assert "the passphrase does not open the key file" in refused.err
    assert "wrong" not in refused.err


def test_a_passphrase_may_come_from_a_file(world: World, team: str, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
    given = world.given(LADING_TRUST_PASSPHRASE_FILE=f"{tmp_path}/passphrase")

    assert given.run("sign", f"{world.host}/other:1", "--key", f"{team}.key").code == 0
