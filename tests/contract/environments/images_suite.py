"""What every environment does alike with images beyond moving them: our own engine and a Docker host pass the same."""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection

import pytest

from lading.errors import ContentCorrupt, InputInvalid, NotFound, Refused
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.environment_images import PartKind
from lading.services.environments.environment import Environment
from lading.services.environments.orders import Access, ImportOrder, LabelFilter, PruneOrder, PushOrder
from lading.services.lookup import ImageUnknown
from lading.services.platforms import PlatformMissing
from tests.contract.environments.suite import CANCEL, bring, told
from tests.fakes.docker_archives import docker_archive, members, read_to_end, reader
from tests.fakes.root_images import tar_of
from tests.peers.programs import RunningRegistry

ARM64 = Platform("linux", "arm64")
ROOT = tar_of({"bin/sh": b"#!" * 500, "etc/os-release": b"ID=contract\n"})


def named(names: Collection[str]) -> set[str]:
    """Whole, whether they came so or as docker shortens them."""
    return {str(Reference.parse(name)) for name in names}


def tags_of(environment: Environment, *images: str) -> list[list[str]]:
    """What an archive of these images calls each."""
    with environment.export(images, CANCEL) as stream:
        listed = json.loads(members(read_to_end(stream))["manifest.json"])
    return sorted(sorted(entry["RepoTags"] or ()) for entry in listed)


class ImagesContract:
    """A subclass has the fixture `environment`, in which names beginning with `contract` are free."""

    def test_the_config_can_be_read_whole(self, environment: Environment) -> None:
        identity = bring(environment, "contract/document:1", label="document")

        details = environment.image(identity, CANCEL)
        document = details.document
        assert (document["os"], document["architecture"]) == ("linux", "amd64")
        assert str(document["created"]).startswith("2026-01-02T03:04:05")
        config = document["config"]
        assert isinstance(config, dict)
        assert config["Labels"] == {"label": "document"}
        assert config["Cmd"] == ["/bin/true"]
        assert len(details.diff_ids) == 2
        assert all(Digest.if_valid(each) for each in details.diff_ids)

    def test_a_platform_is_the_one_asked_for_or_missing(self, environment: Environment) -> None:
        bring(environment, "contract/platform:1", label="platform")
        native = Platform("linux", "amd64")

        assert environment.image("contract/platform:1", CANCEL, native).platform == "linux/amd64"
        assert len(environment.history("contract/platform:1", CANCEL, native)) == 2
        for attempt in (
            lambda: environment.image("contract/platform:1", CANCEL, ARM64),
            lambda: environment.history("contract/platform:1", CANCEL, ARM64),
            lambda: environment.export(["contract/platform:1"], CANCEL, ARM64).__enter__(),
        ):
            with pytest.raises(PlatformMissing):
                attempt()
        with pytest.raises(ImageUnknown):
            environment.image("contract/nothing:1", CANCEL, native)

    def test_parts_are_told_or_none(self, environment: Environment) -> None:
        identity = bring(environment, "contract/parts:1", label="parts")

        (summary,) = [each for each in environment.images(CANCEL) if each.id == identity]
        for part in summary.parts:
            assert part.kind is PartKind.IMAGE
            assert part.available
            assert part.content > 0

    def test_a_removal_says_what_is_gone(self, environment: Environment) -> None:
        identity = bring(environment, "contract/gone:1", label="gone")
        environment.tag(identity, Reference.parse("contract/gone:2"), CANCEL)

        first = environment.remove("contract/gone:1", False, CANCEL)
        assert named(first.untagged) == {"docker.io/contract/gone:1"}
        assert first.deleted == ()
        last = environment.remove("contract/gone:2", False, CANCEL)
        assert "docker.io/contract/gone:2" in named(last.untagged)
        assert identity in last.deleted

    def test_an_id_takes_the_only_tag_and_several_only_where_that_is_meant(self, environment: Environment) -> None:
        identity = bring(environment, "contract/tags-of-one:1", label="tags of one")
        environment.tag(identity, Reference.parse("contract/tags-of-one:2"), CANCEL)

        with pytest.raises(Refused):
            environment.remove(identity[7:19], False, CANCEL)
        environment.remove("contract/tags-of-one:2", False, CANCEL)
        gone = environment.remove(identity[7:19], False, CANCEL)
        assert "docker.io/contract/tags-of-one:1" in named(gone.untagged)
        assert identity in gone.deleted

    def test_an_image_whose_last_tag_moves_away_stays_until_it_is_cleaned_up(self, environment: Environment) -> None:
        first = bring(environment, "contract/moved:1", label="moved once")
        second = bring(environment, "contract/moved:1", label="moved twice")

        names = {each.id: each.names for each in environment.images(CANCEL)}
        assert names[first] == ()
        assert names[second] == ("docker.io/contract/moved:1",)
        assert environment.image(first, CANCEL).summary.names == ()

        spared = environment.prune(PruneOrder(labels=(LabelFilter("label", "moved once", without=True),)), CANCEL)
        assert first not in spared.deleted
        assert first not in environment.prune(PruneOrder(until=1767323040.0), CANCEL).deleted
        gone = environment.prune(PruneOrder(labels=(LabelFilter("label", "moved once"),)), CANCEL)
        assert first in gone.deleted
        with pytest.raises(ImageUnknown):
            environment.image(first, CANCEL)
        assert environment.image(second, CANCEL).summary.names

    def test_names_leave_as_they_were_asked_for(self, environment: Environment) -> None:
        identity = bring(environment, "contract/leaving:1", label="leaving")
        environment.tag(identity, Reference.parse("contract/leaving:2"), CANCEL)

        assert tags_of(environment, "contract/leaving:1") == [["contract/leaving:1"]]
        assert tags_of(environment, "contract/leaving") == [["contract/leaving:1", "contract/leaving:2"]]
        assert tags_of(environment, identity) == [[]]
        for unknown in ("contract/nothing", "contract/leaving:3"):
            with pytest.raises(ImageUnknown), environment.export([unknown], CANCEL):
                pass

    def test_an_archive_may_be_compressed_and_bring_no_name(self, environment: Environment) -> None:
        (arrived,) = environment.load(reader(gzip.compress(docker_archive([], label="nameless"))), told, CANCEL)

        assert arrived.reference is None
        assert environment.image(arrived.id, CANCEL).summary.names == ()
        assert arrived.id in environment.remove(arrived.id, False, CANCEL).deleted

    def test_a_root_file_system_becomes_an_image(self, environment: Environment) -> None:
        changes = (
            'CMD ["/bin/sh", "-c", "true"]',
            'ENV A=1 B="two words"',
            "EXPOSE 80 53/udp",
            "LABEL of=me",
            "USER me",
            "VOLUME /data",
            "WORKDIR /srv",
            "ENTRYPOINT run this",
            "ONBUILD RUN make",
        )
        order = ImportOrder(Reference.parse("contract/imported"), "for the contract", changes)

        arrived = environment.import_(reader(ROOT), order, told, CANCEL)

        details = environment.image("contract/imported:latest", CANCEL)
        assert arrived.id == details.summary.id
        assert arrived.reference == Reference.parse("contract/imported:latest")
        settings = dict(details.config)
        settings.pop("OnBuild", None)
        assert settings == {
            "Cmd": ["/bin/sh", "-c", "true"],
            "Env": ["A=1", "B=two words"],
            "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
            "Labels": {"of": "me"},
            "User": "me",
            "Volumes": {"/data": {}},
            "WorkingDir": "/srv",
            "Entrypoint": ["/bin/sh", "-c", "run this"],
        }
        document = details.document["config"]
        assert isinstance(document, dict)
        assert document["OnBuild"] == ["RUN make"]
        assert details.comment == "for the contract"
        assert details.diff_ids == (str(Digest.of(ROOT)),)

    def test_a_root_file_system_may_have_no_name(self, environment: Environment) -> None:
        arrived = environment.import_(reader(ROOT), ImportOrder(None, "no name"), told, CANCEL)

        assert arrived.reference is None
        assert environment.image(arrived.id, CANCEL).summary.names == ()
        environment.remove(arrived.id, False, CANCEL)

    @pytest.mark.parametrize("change", ["RUN make", "ENV", "EXPOSE x"])
    def test_a_change_that_an_image_does_not_take_is_one_clear_error(
        self, environment: Environment, change: str
    ) -> None:
        order = ImportOrder(Reference.parse("contract/unchanged"), changes=(change,))
        with pytest.raises(InputInvalid):
            environment.import_(reader(ROOT), order, told, CANCEL)
        with pytest.raises(ImageUnknown):
            environment.image("contract/unchanged", CANCEL)

    def test_a_cut_root_file_system_leaves_nothing(self, environment: Environment) -> None:
        order = ImportOrder(Reference.parse("contract/cut-root"))
        with pytest.raises(ContentCorrupt):
            environment.import_(reader(gzip.compress(ROOT)[:-30]), order, told, CANCEL)
        with pytest.raises(ImageUnknown):
            environment.image("contract/cut-root", CANCEL)

    def test_what_images_take_grows_with_them(self, environment: Environment) -> None:
        before = environment.size(CANCEL)
        bring(environment, "contract/measured:1", label="measured")
        assert environment.size(CANCEL) >= before
        assert environment.size(CANCEL) > 0


class DistributionContract:
    """A subclass has the fixtures `environment`, `registry`, and `access` to it."""

    def test_a_registry_is_looked_at_and_nothing_is_brought(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        bring(environment, "contract/looked-at:1", label="looked at")
        target = Reference.parse(f"{registry.host}/contract/looked-at:1")
        (pushed,) = environment.push(PushOrder("contract/looked-at:1", (target,), access), told, CANCEL)
        environment.remove(str(target), True, CANCEL) if named_so(environment, target) else None

        found = environment.distribution(target, access, CANCEL)

        assert found.descriptor.digest == pushed.digest
        assert found.descriptor.size == pushed.size
        assert found.platforms == (Platform("linux", "amd64"),)
        assert not named_so(environment, target)
        pinned = Reference(target.repository, digest=found.descriptor.digest)
        assert environment.distribution(pinned, access, CANCEL) == found

    def test_what_a_registry_has_not_is_not_found(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        with pytest.raises(NotFound):
            environment.distribution(Reference.parse(f"{registry.host}/contract/never:1"), access, CANCEL)


def named_so(environment: Environment, name: Reference) -> bool:
    return any(str(name) in each.names for each in environment.images(CANCEL))
