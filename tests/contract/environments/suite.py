"""What every environment does alike: our own engine and a Docker host pass the same tests. No registry is needed."""

from __future__ import annotations

import json

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, ContentCorrupt, Refused
from lading.oci.reference import Reference
from lading.services.environments.environment import Environment
from lading.services.environments.orders import PruneOrder
from lading.services.lookup import ImageUnknown
from lading.wire.progress import Event
from tests.fakes.docker_archives import docker_archive, members, read_to_end, reader
from tests.fakes.root_images import layer_tars

CANCEL = Cancellation()


def told(_event: Event) -> None:
    """Nobody listens."""


def bring(environment: Environment, name: str, *, label: str = "x") -> str:
    """An image under this name; its id."""
    (arrived,) = environment.load(reader(docker_archive([name], label=label)), told, CANCEL)
    assert arrived.reference == Reference.parse(name)
    assert arrived.error is None
    return arrived.id


class EnvironmentContract:
    """A subclass has the fixture `environment`, in which names beginning with `contract` are free."""

    def test_somebody_answers(self, environment: Environment) -> None:
        environment.ping(CANCEL)
        engine = environment.engine(CANCEL)
        assert engine.name
        assert engine.version
        assert engine.platform == "linux/amd64"

    def test_a_loaded_image_is_listed_with_all_its_names(self, environment: Environment) -> None:
        identity = bring(environment, "contract/listed:1")
        environment.tag(identity, Reference.parse("example.com/contract/listed:2"), CANCEL)

        (found,) = [each for each in environment.images(CANCEL) if each.id == identity]
        assert set(found.names) >= {"docker.io/contract/listed:1", "example.com/contract/listed:2"}
        assert found.created == 1767323045
        assert found.size > 0
        assert found.labels == {"label": "x"}

    def test_one_image_says_what_it_is_made_of(self, environment: Environment) -> None:
        identity = bring(environment, "contract/details:1", label="details")

        for name in (identity, "contract/details:1", "docker.io/contract/details:1", identity[:19]):
            details = environment.image(name, CANCEL)
            assert details.summary.id == identity
            assert details.platform == "linux/amd64"
            assert len(details.layers) == 2
            assert details.config["Cmd"] == ["/bin/true"]
            assert details.config["Env"] == ["A=b"]

    def test_the_history_begins_with_the_newest_step(self, environment: Environment) -> None:
        bring(environment, "contract/history:1")

        steps = environment.history("contract/history:1", CANCEL)
        assert [step.created_by for step in steps] == ["step 1", "step 0"]
        assert all(step.size > 0 and step.created == 1767323045 for step in steps)

    @pytest.mark.parametrize("image", ["contract/nothing:1", "sha256:" + "0" * 64, "0123456789ab"])
    def test_what_is_not_there_is_unknown(self, environment: Environment, image: str) -> None:
        with pytest.raises(ImageUnknown):
            environment.image(image, CANCEL)
        with pytest.raises(ImageUnknown):
            environment.history(image, CANCEL)
        with pytest.raises(ImageUnknown):
            environment.tag(image, Reference.parse("contract/other:1"), CANCEL)
        with pytest.raises(ImageUnknown):
            environment.remove(image, False, CANCEL)
        with pytest.raises(ImageUnknown), environment.export([image], CANCEL):
            pass

    def test_a_name_that_is_not_the_last_goes_alone(self, environment: Environment) -> None:
        identity = bring(environment, "contract/removed:1", label="removed")
        environment.tag(identity, Reference.parse("contract/removed:2"), CANCEL)

        pruned = environment.remove("contract/removed:1", False, CANCEL)
        assert any("contract/removed:1" in name for name in pruned.untagged)
        assert "docker.io/contract/removed:2" in environment.image(identity, CANCEL).summary.names
        with pytest.raises(ImageUnknown):
            environment.image("contract/removed:1", CANCEL)

    def test_an_image_in_several_repositories_goes_only_when_that_is_meant(self, environment: Environment) -> None:
        identity = bring(environment, "contract/several-a:1", label="several")
        environment.tag(identity, Reference.parse("contract/several-b:1"), CANCEL)

        with pytest.raises(Refused):
            environment.remove(identity, False, CANCEL)
        environment.remove(identity, True, CANCEL)
        with pytest.raises(ImageUnknown):
            environment.image(identity, CANCEL)

    def test_images_leave_as_one_archive_and_come_back(self, environment: Environment) -> None:
        first = bring(environment, "contract/out-a:1", label="a")
        bring(environment, "contract/out-b:1", label="b")

        with environment.export(["contract/out-a:1", "contract/out-b:1"], CANCEL) as stream:
            archive = read_to_end(stream)
        listed = json.loads(members(archive)["manifest.json"])
        tags = sorted(tag for entry in listed for tag in entry["RepoTags"])
        assert tags == ["contract/out-a:1", "contract/out-b:1"]

        environment.remove("contract/out-a:1", True, CANCEL)
        environment.remove("contract/out-b:1", True, CANCEL)
        arrived = environment.load(reader(archive), told, CANCEL)
        assert {str(each.reference) for each in arrived} == {
            "docker.io/contract/out-a:1",
            "docker.io/contract/out-b:1",
        }
        assert environment.image("contract/out-a:1", CANCEL).summary.id == first

    def test_an_export_may_be_given_up(self, environment: Environment) -> None:
        bring(environment, "contract/given-up:1")
        with environment.export(["contract/given-up:1"], CANCEL) as stream:
            stream.readinto(memoryview(bytearray(100)))

        assert environment.image("contract/given-up:1", CANCEL).summary.names

    def test_a_cut_archive_leaves_nothing(self, environment: Environment) -> None:
        whole = docker_archive(["contract/cut:1"], layer_tars(2, 40_000), label="cut")
        with pytest.raises(ContentCorrupt):
            environment.load(reader(whole[:50_000]), told, CANCEL)

        with pytest.raises(ImageUnknown):
            environment.image("contract/cut:1", CANCEL)

    def test_what_is_cancelled_is_not_begun(self, environment: Environment) -> None:
        cancel = Cancellation()
        cancel.cancel()
        with pytest.raises(Cancelled):
            environment.images(cancel)

    def test_cleaning_up_leaves_what_has_a_name(self, environment: Environment) -> None:
        bring(environment, "contract/kept:1", label="kept")

        assert environment.prune(PruneOrder(), CANCEL).reclaimed >= 0
        assert environment.image("contract/kept:1", CANCEL).summary.names
