"""Our own engine keeps the contract of environments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.errors import Cancelled, LadingError
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.environment_images import Part, PartKind
from lading.services.environments.environment import Environment
from lading.services.environments.orders import Access, Arriving, PullOrder, PushOrder
from lading.services.platforms import EVERY, Wanted
from lading.services.reading import read_manifest
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint
from tests.contract.environments.images_suite import DistributionContract, ImagesContract
from tests.contract.environments.suite import CANCEL, EnvironmentContract, bring, told
from tests.contract.environments.transfers_suite import NotAdmitted, TransferContract
from tests.fakes.docker_archives import reader
from tests.fakes.embedded import Embedded, embedded
from tests.fakes.images import AMD64
from tests.fakes.several_platforms import several
from tests.peers import programs
from tests.peers.programs import RunningRegistry


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    with embedded(tmp_path / "lading") as made:
        yield made.environment


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    folder = tmp_path_factory.mktemp("docker-registry")
    with programs.docker_registry(folder, htpasswd=("me", "secret")) as running:
        yield running


class TestEmbedded(EnvironmentContract, ImagesContract):
    """Over a real data folder."""


@pytest.mark.peer("docker-registry")
class TestEmbeddedTransfers(TransferContract, DistributionContract):
    """With a real registry."""

    @pytest.mark.parametrize("named_by", ["id", "short id", "config"])
    def test_an_image_without_a_name_can_be_pushed(
        self, environment: Environment, registry: RunningRegistry, access: Access, named_by: str
    ) -> None:
        identity = bring(environment, "contract/nameless:1", label="nameless before")
        bring(environment, "contract/nameless:1", label="nameless after")
        raw = dict(environment.image(identity, CANCEL).document)
        config = next(part for part in environment.image(identity, CANCEL).summary.parts)
        text = {"id": identity, "short id": identity[7:19], "config": str(config_of(config))}[named_by]
        target = Reference.parse(f"{registry.host}/contract/nameless:{len(text)}")

        (arrived,) = environment.push(PushOrder(text, (target,), access), told, CANCEL)

        assert (arrived.error, str(arrived.digest)) == (None, identity)
        assert environment.distribution(target, access, CANCEL).descriptor.digest == arrived.digest
        pulled = environment.pull(PullOrder(target, access), told, CANCEL)
        assert environment.image(pulled.id, CANCEL).summary.names == (str(target),)
        assert environment.image(pulled.id, CANCEL).document == raw

    def test_a_pull_that_moves_a_tag_keeps_what_had_it(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        target = Reference.parse(f"{registry.host}/contract/moving:1")
        first = bring(environment, "contract/moving:a", label="moving first")
        second = bring(environment, "contract/moving:b", label="moving second")
        environment.push(PushOrder(first, (target,), access), told, CANCEL)
        environment.pull(PullOrder(target, access), told, CANCEL)
        environment.remove("contract/moving:a", False, CANCEL)
        environment.push(PushOrder(second, (target,), access), told, CANCEL)

        environment.pull(PullOrder(target, access), told, CANCEL)

        assert environment.image(first, CANCEL).summary.names == ()
        assert str(target) in environment.image(second, CANCEL).summary.names

    def test_a_platform_that_was_given_up_comes_back_with_a_pull(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        environment.load(reader(several("given up").archive("docker.io/contract/given-up:1")), told, CANCEL)
        target = Reference.parse(f"{registry.host}/contract/given-up:1")
        have = Wanted(have=True)
        environment.push(PushOrder("contract/given-up:1", (target,), access, have), told, CANCEL)
        environment.remove("contract/given-up:1", False, CANCEL)

        def here() -> int:
            summary = environment.image(str(target), CANCEL).summary
            return sum(part.available for part in summary.parts if part.kind is PartKind.IMAGE)

        order = PullOrder(target, access, EVERY)
        environment.pull(order, told, CANCEL)
        assert here() == 2
        assert environment.remove(str(target), True, CANCEL, (AMD64,)).deleted
        assert here() == 1
        environment.pull(order, told, CANCEL)
        assert here() == 2


@pytest.mark.peer("docker-registry")
class TestAdmittance:
    """What only our own engine has: platforms of an index, and content that nothing names."""

    @pytest.fixture
    def access(self, registry: RunningRegistry) -> Access:
        credential = Credential(registry.username or "", registry.password or "", source="the tests")
        return Access("tests", Endpoint(registry.host), credential, 1)

    @pytest.fixture
    def own(self, tmp_path: Path) -> Iterator[Embedded]:
        with embedded(tmp_path / "asked") as made:
            yield made

    def pushed(self, own: Embedded, registry: RunningRegistry, access: Access, name: str) -> Reference:
        """An index of two platforms at the registry, and nothing of it here."""
        source = f"docker.io/contract/{name}:1"
        own.environment.load(reader(several(name).archive(source)), told, CANCEL)
        target = Reference.parse(f"{registry.host}/contract/{name}:1")
        own.environment.push(PushOrder(source, (target,), access, Wanted(have=True)), told, CANCEL)
        own.environment.remove(source, True, CANCEL)
        return target

    def here(self, own: Embedded, name: str) -> int:
        parts = own.environment.image(name, CANCEL).summary.parts
        return sum(part.available for part in parts if part.kind is PartKind.IMAGE)

    def test_what_is_asked_about_is_here_whole(self, own: Embedded, registry: RunningRegistry, access: Access) -> None:
        target = self.pushed(own, registry, access, "whole")
        store = own.places.local().own

        def admit(arriving: Arriving) -> None:
            assert arriving.root is not None
            assert len(arriving.parts) == 2
            assert store.present(arriving.root.digest)
            for part in arriving.parts:
                assert all(store.present(child.digest) for child in read_manifest(store, part).children)
            assert own.names.find(str(target)) is None

        own.environment.pull(PullOrder(target, access, EVERY, admit), told, CANCEL)

        assert self.here(own, str(target)) == 2

    def test_of_a_refused_image_nothing_is_kept(self, own: Embedded, registry: RunningRegistry, access: Access) -> None:
        target = self.pushed(own, registry, access, "nothing")
        came: list[Arriving] = []

        def admit(arriving: Arriving) -> None:
            came.append(arriving)
            raise NotAdmitted

        with pytest.raises(NotAdmitted):
            own.environment.pull(PullOrder(target, access, EVERY, admit), told, CANCEL)

        assert not any(own.places.local().own.present(part.digest) for part in came[0].parts)

    @pytest.mark.parametrize("error", [NotAdmitted, Cancelled])
    def test_a_platform_that_is_not_admitted_is_not_served_by_the_name_that_others_have(
        self, own: Embedded, registry: RunningRegistry, access: Access, error: type[LadingError]
    ) -> None:
        target = self.pushed(own, registry, access, f"second-{error.__name__.lower()}")
        own.environment.pull(PullOrder(target, access, Wanted(platforms=(AMD64,))), told, CANCEL)

        def admit(_arriving: Arriving) -> None:
            raise error

        with pytest.raises(error):
            own.environment.pull(PullOrder(target, access, EVERY, admit), told, CANCEL)

        assert self.here(own, str(target)) == 1
        own.environment.pull(PullOrder(target, access, EVERY), told, CANCEL)
        assert self.here(own, str(target)) == 2

    def test_two_pulls_of_one_tag_of_which_one_is_refused(
        self, own: Embedded, registry: RunningRegistry, access: Access
    ) -> None:
        target = self.pushed(own, registry, access, "twice")

        def refused_once_the_other_has_it(_arriving: Arriving) -> None:
            own.environment.pull(PullOrder(target, access, EVERY, lambda _: None), told, CANCEL)
            raise NotAdmitted

        with pytest.raises(NotAdmitted):
            own.environment.pull(PullOrder(target, access, EVERY, refused_once_the_other_has_it), told, CANCEL)

        assert own.names.find(str(target)) is not None

    def test_an_image_of_one_platform_that_another_pull_has_named_meanwhile_stays_whole(
        self, own: Embedded, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        """Under a name that no policy is about: it serves nothing that was not meant to be there."""
        identity = bring(environment, "contract/raced:1", label="raced")
        refused, free = (Reference.parse(f"{registry.host}/contract/raced:{tag}") for tag in ("refused", "free"))
        environment.push(PushOrder(identity, (refused, free), access), told, CANCEL)

        def refused_once_another_has_it(_arriving: Arriving) -> None:
            own.environment.pull(PullOrder(free, access), told, CANCEL)
            raise NotAdmitted

        with pytest.raises(NotAdmitted):
            own.environment.pull(PullOrder(refused, access, admit=refused_once_another_has_it), told, CANCEL)

        assert own.names.find(str(refused)) is None
        assert self.here(own, str(free)) == 1


def config_of(part: Part) -> Digest:
    """The one of its blobs that is neither its manifest nor a layer: an image's config is the smallest here."""
    others = {digest: size for digest, size in part.blobs.items() if digest != part.descriptor.digest}
    return min(others, key=lambda digest: others[digest])
