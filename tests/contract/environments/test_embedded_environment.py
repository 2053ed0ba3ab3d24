"""Our own engine keeps the contract of environments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.environment import Access, Environment, Part, PartKind, PullOrder, PushOrder
from lading.services.platforms import EVERY, Wanted
from tests.contract.environments.images_suite import DistributionContract, ImagesContract
from tests.contract.environments.suite import CANCEL, EnvironmentContract, TransferContract, bring, told
from tests.fakes.docker_archives import reader
from tests.fakes.embedded import embedded
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


def config_of(part: Part) -> Digest:
    """The one of its blobs that is neither its manifest nor a layer: an image's config is the smallest here."""
    others = {digest: size for digest, size in part.blobs.items() if digest != part.descriptor.digest}
    return min(others, key=lambda digest: others[digest])
