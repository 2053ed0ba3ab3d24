"""`content-trust` at `lading push`, `pull` and `copy`: at a registry of ours, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lading.fronts.cli.far.trusting import PolicyStaysHere, signed_there, verified_there
from lading.main.wired import Wired
from lading.services.trust.policy import TrustPolicy, TrustRule
from lading.services.trust_modes import Mode
from tests.fakes.service_folder import Said, ServiceFolder
from tests.peers import layouts
from tests.services.trusting import Trusting

PASSPHRASE = "correct horse battery"
RULES = '[[rule]]\nimages = ["*/team/*"]\nmode = "{mode}"\nkeys = ["team.pub"]\nbind-tag = true\n'


@dataclass(frozen=True)
class World:
    """A registry of ours on loopback, in this process; the key pair `team`; and `plain:1`, which nobody signed."""

    lading: ServiceFolder
    host: str
    folder: Path

    @property
    def layout(self) -> str:
        return f"oci:{self.folder}/layout:v1"

    def image(self, name: str) -> str:
        return f"{self.host}/team/{name}"

    def given(self, **environment: str) -> ServiceFolder:
        """The program with other variables."""
        return replace(self.lading, environment={**self.lading.environment, **environment})

    def trusting(self, **environment: str) -> ServiceFolder:
        """With the switch on, and the team's key."""
        return self.given(LADING_CONTENT_TRUST="1", LADING_TRUST_KEY=f"{self.folder}/team.key", **environment)

    def policy(self, mode: str) -> ServiceFolder:
        """Without the switch, with a policy."""
        path = self.folder / f"{mode}.toml"
        path.write_text(RULES.format(mode=mode))
        return self.given(LADING_TRUST_POLICY=str(path))

    def held(self) -> list[str]:
        """The images of the local store."""
        return [row["reference"] for row in self.lading.json("images", "ls")]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """What tests only read."""
    folder = tmp_path_factory.mktemp("trusting")
    (folder / "data").mkdir()
    application = Wired.start({}, {"data": str(folder / "served"), "registry-port": 0})
    try:
        with application.open_registry() as registry:
            lading = ServiceFolder(folder / "data", {"LADING_TRUST_PASSPHRASE": PASSPHRASE})
            made = World(lading, registry.address, folder)
            layouts.write_layout(
                folder / "layout", "v1", layouts.write_image(folder / "layout", [layouts.layer("a", 99)])
            )
            lading("trust", "key", "generate", "team", "--out", str(folder / "team"))
            lading("copy", made.layout, made.image("plain:1"))
            yield made
    finally:
        application.close()


@pytest.fixture
def world(scene: World, tmp_path: Path) -> World:
    """With a data folder of its own."""
    (tmp_path / "data").mkdir()
    return replace(scene, lading=ServiceFolder(tmp_path / "data", scene.lading.environment))


def refused(said: Said, code: int, *words: str) -> None:
    assert said.code == code, said.err
    assert all(word in said.err for word in words), said.err


def test_a_push_signs_and_a_pull_verifies(world: World) -> None:
    pushed = world.trusting()("push", world.layout, world.image("app:1"))
    pulled = world.trusting(LADING_TRUST_PASSPHRASE="").json("pull", world.image("app:1"))

    assert "signed with key" in pushed.err
    assert pulled["references"] == [f"{world.image('app:1')}@{pulled['digest']}"]
    assert world.lading("verify", world.image("app:1"), "--key", f"{world.folder}/team.pub").code == 0


def test_what_nobody_signed_is_refused_and_nothing_is_kept_of_it(world: World) -> None:
    refused(world.trusting().run("pull", world.image("plain:1")), 6, "has no signature that is accepted", "Nobody")
    refused(world.trusting().run("copy", world.image("plain:1"), f"oci:{world.folder}/out"), 6, "no signature")

    assert world.held() == []
    assert not (world.folder / "out").exists()


def test_a_current_image_is_verified_as_well(world: World) -> None:
    world.lading("pull", world.image("plain:1"))

    refused(world.trusting().run("pull", world.image("plain:1")), 6, "no signature")


def test_one_command_may_leave_it_out(world: World) -> None:
    pulled = world.trusting()("pull", "--disable-content-trust", world.image("plain:1"))
    pushed = world.trusting()("push", "--disable-content-trust", world.layout, world.image("off:1"))

    assert pulled.code == 0
    assert "signed" not in pushed.err
    refused(world.trusting().run("pull", world.image("off:1")), 6, "no signature")


def test_a_digest_alone_is_its_own_proof(world: World) -> None:
    digest = world.lading.json("copy", world.layout, world.image("plain:1"))["digest"]

    assert world.trusting()("pull", f"{world.host}/team/plain@{digest}").code == 0


def test_a_copy_signs_each_of_its_targets(world: World) -> None:
    world.trusting()("push", world.layout, world.image("app:1"))
    targets = [world.image("one:1"), world.image("two:1"), world.image("two:2")]

    world.trusting()("copy", world.image("app:1"), *targets)

    for target in targets:
        assert world.trusting()("pull", target).code == 0


def test_a_push_may_write_the_older_form_as_well(world: World) -> None:
    world.trusting(LADING_TRUST_SIG="1")("push", world.layout, world.image("older:1"))

    verified = world.lading.json("verify", world.image("older:1"), "--key", f"{world.folder}/team.pub")
    assert [each["form"] for each in verified["signatures"]] == ["sigstore-bundle", "cosign-sig"]


def test_a_dry_run_verifies_and_signs_nothing(world: World) -> None:
    refused(world.trusting().run("pull", "-n", world.image("plain:1")), 6, "no signature")

    told = world.trusting(LADING_TRUST_PASSPHRASE="wrong")("push", "-n", world.layout, world.image("dry:1"))
    assert "would send" in told.out


def test_a_passphrase_that_opens_nothing_leaves_no_tag(world: World) -> None:
    wrong = world.trusting(LADING_TRUST_PASSPHRASE="wrong")

    refused(wrong.run("push", world.layout, world.image("wrong:1")), 2, "passphrase does not open the key file")
    refused(world.lading.run("pull", world.image("wrong:1")), 5)


def test_nobody_is_asked_for_a_passphrase_where_there_is_no_terminal(world: World) -> None:
    silent = world.trusting(LADING_TRUST_PASSPHRASE="")

    refused(silent.run("push", world.layout, world.image("silent:1")), 2, "a passphrase is needed")
    refused(world.lading.run("pull", world.image("silent:1")), 5)


def test_a_policy_decides_without_the_switch(world: World) -> None:
    enforcing, reporting = world.policy("enforce"), world.policy("report")

    refused(enforcing.run("pull", world.image("plain:1")), 6, "no signature that is accepted")
    for flags in ([], ["-q"], ["--progress", "none"]):
        assert (
            f"warning: {world.image('plain:1')}: not trusted: " in reporting("pull", *flags, world.image("plain:1")).err
        )
    assert world.policy("off")("pull", world.image("plain:1")).code == 0


def test_a_policy_that_cannot_be_understood_lets_nothing_through(world: World) -> None:
    (world.folder / "bad.toml").write_text('[[rule]]\nimages = ["*"]\nmode = "enforced"\n')
    (world.folder / "gone.toml").write_text(RULES.format(mode="enforce").replace("team.pub", "gone.pub"))

    def pull(path: str) -> Said:
        return world.given(LADING_TRUST_POLICY=f"{world.folder}/{path}").run("pull", world.image("plain:1"))

    refused(pull("bad.toml"), 2, "rule 1, mode must be one of off, report, enforce")
    refused(pull("gone.toml"), 1, "gone.pub", "no such file")
    refused(pull("none.toml"), 1, "none.toml", "no such file")
    assert world.held() == []


@pytest.mark.parametrize("variable", ["LADING_CONTENT_TRUST", "DOCKER_CONTENT_TRUST"])
def test_a_switch_that_cannot_be_read_is_refused(world: World, variable: str) -> None:
    refused(world.given(**{variable: "enforce"}).run("pull", world.image("plain:1")), 2, "content-trust", variable)


def test_a_push_that_nothing_signs_for_sends_nothing(world: World) -> None:
    (world.folder / "enforce.toml").write_text(RULES.format(mode="enforce"))
    keyless = world.given(LADING_CONTENT_TRUST="1", LADING_TRUST_POLICY=f"{world.folder}/enforce.toml")

    refused(keyless.run("push", world.layout, world.image("none:1")), 2, "must be signed, and no key is set")
    refused(world.lading.run("pull", world.image("none:1")), 5)


def test_an_archive_is_loaded_by_hand_and_not_held_against_the_policy(world: World) -> None:
    world.lading("copy", world.image("plain:1"), f"archive:{world.folder}/a.tar")

    assert world.policy("enforce")("load", f"{world.folder}/a.tar").code == 0
    refused(world.policy("enforce").run("pull", world.image("plain:1")), 6)


# ── at a server


def test_the_switch_goes_along_to_a_server_and_a_policy_that_stays_here_is_said_so() -> None:
    house = Trusting()
    rule = TrustPolicy((TrustRule(("*/team/*",), Mode.ENFORCE), TrustRule(("*/off/*",), Mode.OFF)))
    trust = house.trust(policy=rule)

    assert verified_there(None, "a.test/web:1") is None
    assert verified_there(house.trust(switched=False), "a.test/web:1") is None
    assert verified_there(trust, "a.test/web:1") is True
    assert verified_there(trust, "a.test/off/web:1") is None
    with pytest.raises(PolicyStaysHere):
        verified_there(trust, "a.test/team/web:1")
    assert signed_there(None, ["a.test/web:1"]) is None
    assert signed_there(house.trust(switched=False), ["a.test/web:1"]) is None
    assert signed_there(trust, ["a.test/web:1"]) is True
    assert signed_there(trust, ["a.test/off/web:1"]) is None
