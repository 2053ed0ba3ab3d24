"""What every environment does alike with a registry: a real one, with a password."""

from __future__ import annotations

import pytest

from lading.engine.stores import TagMoved
from lading.errors import AccessDenied, NetworkFailed, NotFound, Refused
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.environments.environment import Environment
from lading.services.environments.orders import Access, Arriving, PullOrder, PushOrder
from lading.services.lookup import ImageUnknown
from lading.services.platforms import PlatformMissing, Wanted
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint
from lading.wire.progress import Advanced, Event, Tagged
from tests.contract.environments.suite import CANCEL, bring, told
from tests.peers.programs import RunningRegistry, get

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


def pushed_alone(environment: Environment, target: Reference, access: Access, label: str) -> Digest:
    """A new image at the registry under this name, and nothing of it in the environment; its digest there."""
    identity = bring(environment, "contract/sent:1", label=label)
    (pushed,) = environment.push(PushOrder(identity, (target,), access), told, CANCEL)
    environment.remove(identity, True, CANCEL)
    assert pushed.error is None
    assert pushed.digest is not None
    return pushed.digest


class NotAdmitted(Refused):
    """Somebody who was asked said no."""


def refuse(_arriving: Arriving) -> None:
    """An Admit."""
    raise NotAdmitted


class TransferContract:
    """A subclass has the fixtures `environment` and `registry`, a docker-registry with a password."""

    @pytest.fixture
    def access(self, registry: RunningRegistry) -> Access:
        credential = Credential(registry.username or "", registry.password or "", source="the tests")
        return Access("tests", Endpoint(registry.host), credential, 1)

    def test_a_push_is_proven_at_the_registry(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        identity = bring(environment, "contract/pushed:1", label="pushed")
        target = Reference.parse(f"{registry.host}/contract/pushed:1")
        events: list[Event] = []

        (arrived,) = environment.push(PushOrder(identity, (target,), access), events.append, CANCEL)

        assert arrived.error is None
        assert arrived.reference == target
        assert arrived.id == identity
        raw, _ = get(registry, "/v2/contract/pushed/manifests/1", DOCKER_MANIFEST)
        assert arrived.digest == Digest.of(raw)
        assert arrived.size == len(raw)
        assert any(isinstance(event, Advanced) for event in events)
        assert [event for event in events if isinstance(event, Tagged) and event.digest == arrived.digest]

    def test_several_tags_arrive_together(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        bring(environment, "contract/tags:1", label="tags")
        targets = tuple(Reference.parse(f"{registry.host}/contract/tags:{tag}") for tag in ("a", "b"))

        arrived = environment.push(PushOrder("contract/tags:1", targets, access), told, CANCEL)

        assert [each.reference for each in arrived] == list(targets)
        assert [each.error for each in arrived] == [None, None]
        assert len({each.digest for each in arrived}) == 1

    def test_where_one_tag_is_taken_none_is_moved(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        bring(environment, "contract/locked:1", label="locked")
        bring(environment, "contract/locked:2", label="other")
        taken = Reference.parse(f"{registry.host}/contract/locked:taken")
        free = Reference.parse(f"{registry.host}/contract/locked:free")
        environment.push(PushOrder("contract/locked:1", (taken,), access), told, CANCEL)
        before = get(registry, "/v2/contract/locked/manifests/taken", DOCKER_MANIFEST)[0]

        arrived = environment.push(
            PushOrder("contract/locked:2", (free, taken), access, condition="absent"), told, CANCEL
        )

        assert [type(each.error) for each in arrived] == [TagMoved, TagMoved]
        with pytest.raises(NotFound):
            environment.pull(PullOrder(free, access), told, CANCEL)
        assert get(registry, "/v2/contract/locked/manifests/taken", DOCKER_MANIFEST)[0] == before

    def test_a_push_again_is_no_conflict(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        bring(environment, "contract/again:1", label="again")
        order = PushOrder(
            "contract/again:1", (Reference.parse(f"{registry.host}/contract/again:1"),), access, condition="absent"
        )
        for _ in range(2):
            assert [each.error for each in environment.push(order, told, CANCEL)] == [None]

    def test_a_dry_run_moves_nothing(self, environment: Environment, registry: RunningRegistry, access: Access) -> None:
        bring(environment, "contract/dry:1", label="dry")
        target = Reference.parse(f"{registry.host}/contract/dry:1")

        (arrived,) = environment.push(PushOrder("contract/dry:1", (target,), access, dry_run=True), told, CANCEL)

        assert arrived.planned
        assert arrived.error is None
        assert not [asked for asked in registry.asked() if "contract/dry" in asked.path and asked.method == "PUT"]

    def test_a_wrong_password_is_said_so_and_leaves_no_name(
        self, environment: Environment, registry: RunningRegistry
    ) -> None:
        identity = bring(environment, "contract/wrong:1", label="wrong")
        access = Access("tests", Endpoint(registry.host), Credential("me", "wrong", source="the tests"), 2)
        target = Reference.parse(f"{registry.host}/contract/wrong:1")

        (arrived,) = environment.push(PushOrder(identity, (target,), access), told, CANCEL)

        assert isinstance(arrived.error, AccessDenied)
        assert environment.image(identity, CANCEL).summary.names == ("docker.io/contract/wrong:1",)

    def test_an_unknown_host_is_a_fault_of_the_network(self, environment: Environment) -> None:
        bring(environment, "contract/host:1", label="host")
        access = Access("nobody", Endpoint("no-such-host.invalid:5000"))
        target = Reference.parse("no-such-host.invalid:5000/contract/host:1")

        (arrived,) = environment.push(PushOrder("contract/host:1", (target,), access), told, CANCEL)
        assert isinstance(arrived.error, NetworkFailed)
        with pytest.raises(NetworkFailed):
            environment.pull(PullOrder(target, access), told, CANCEL)

    def test_a_name_that_nobody_has_cannot_be_pushed(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        target = Reference.parse(f"{registry.host}/contract/never:1")
        with pytest.raises(ImageUnknown):
            environment.push(PushOrder("contract/never:1", (target,), access), told, CANCEL)

    def test_what_was_pushed_can_be_pulled(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        identity = bring(environment, "contract/pulled:1", label="pulled")
        target = Reference.parse(f"{registry.host}/contract/pulled:1")
        (pushed,) = environment.push(PushOrder("contract/pulled:1", (target,), access), told, CANCEL)
        environment.remove(identity, True, CANCEL)
        events: list[Event] = []

        arrived = environment.pull(PullOrder(target, access), events.append, CANCEL)

        assert arrived.error is None
        assert arrived.digest == pushed.digest
        assert str(target) in environment.image(arrived.id, CANCEL).summary.names
        assert any(isinstance(event, Advanced) for event in events)
        again = environment.pull(PullOrder(target, access), told, CANCEL)
        assert (again.id, again.digest) == (arrived.id, arrived.digest)

    def test_a_pull_by_digest(self, environment: Environment, registry: RunningRegistry, access: Access) -> None:
        bring(environment, "contract/pinned:1", label="pinned")
        target = Reference.parse(f"{registry.host}/contract/pinned:1")
        (pushed,) = environment.push(PushOrder("contract/pinned:1", (target,), access), told, CANCEL)

        pinned = Reference(target.repository, digest=pushed.digest)
        assert environment.pull(PullOrder(pinned, access), told, CANCEL).digest == pushed.digest

    def test_a_pull_asks_whether_what_has_come_may_have_its_name(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        target = Reference.parse(f"{registry.host}/contract/asked:1")
        pushed = pushed_alone(environment, target, access, "asked")
        asked: list[tuple[Arriving, tuple[str, ...]]] = []

        def admit(arriving: Arriving) -> None:
            asked.append((arriving, tuple(name for each in environment.images(CANCEL) for name in each.names)))

        arrived = environment.pull(PullOrder(target, access, admit=admit), told, CANCEL)

        ((arriving, names),) = asked
        assert (arriving.reference, arriving.id) == (target, arrived.id)
        assert str(target) not in names
        assert arrived.digest == pushed
        assert str(target) in environment.image(arrived.id, CANCEL).summary.names

    def test_a_refused_pull_leaves_nothing_of_it_and_the_name_where_it_was(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        target = Reference.parse(f"{registry.host}/contract/refused:1")
        pushed_alone(environment, target, access, "refused")
        before = bring(environment, str(target), label="what had the name before")
        come: list[str] = []

        def admit(arriving: Arriving) -> None:
            come.append(arriving.id)
            raise NotAdmitted

        with pytest.raises(NotAdmitted):
            environment.pull(PullOrder(target, access, admit=admit), told, CANCEL)

        assert str(target) in environment.image(before, CANCEL).summary.names
        with pytest.raises(ImageUnknown):
            environment.image(come[0], CANCEL)

    def test_a_refused_pull_of_what_is_here_already_takes_nothing_away(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        target = Reference.parse(f"{registry.host}/contract/here:1")
        pushed_alone(environment, target, access, "here already")
        pulled = environment.pull(PullOrder(target, access), told, CANCEL)

        with pytest.raises(NotAdmitted):
            environment.pull(PullOrder(target, access, admit=refuse), told, CANCEL)

        assert str(target) in environment.image(pulled.id, CANCEL).summary.names

    def test_a_tag_that_moves_while_it_is_judged_is_not_what_gets_the_name(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        target = Reference.parse(f"{registry.host}/contract/moves:1")
        judged = pushed_alone(environment, target, access, "judged")

        def moved_meanwhile(_arriving: Arriving) -> None:
            pushed_alone(environment, target, access, "never judged")

        arrived = environment.pull(PullOrder(target, access, admit=moved_meanwhile), told, CANCEL)

        assert arrived.digest == judged
        assert str(target) in environment.image(arrived.id, CANCEL).summary.names

    def test_what_was_verified_gets_the_name_wherever_its_tag_is_by_then(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        target = Reference.parse(f"{registry.host}/contract/verified:1")
        verified = pushed_alone(environment, target, access, "verified")
        pushed_alone(environment, target, access, "never verified")

        arrived = environment.pull(PullOrder(target, access, verified=verified), told, CANCEL)
        with pytest.raises(NotAdmitted):
            environment.pull(PullOrder(target, access, admit=refuse, verified=verified), told, CANCEL)

        assert arrived.digest == verified
        image = environment.image(str(target), CANCEL).summary
        assert image.id == arrived.id
        assert f"{target.repository}@{verified}" in image.digests

    def test_a_refused_pull_by_digest_leaves_nothing(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        target = Reference.parse(f"{registry.host}/contract/refused-pin:1")
        pinned = Reference(target.repository, digest=pushed_alone(environment, target, access, "refused by digest"))

        with pytest.raises(NotAdmitted):
            environment.pull(PullOrder(pinned, access, admit=refuse), told, CANCEL)

        with pytest.raises(ImageUnknown):
            environment.image(str(pinned), CANCEL)

    def test_what_the_registry_has_not_is_not_found(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        target = Reference.parse(f"{registry.host}/contract/absent:1")
        with pytest.raises(NotFound):
            environment.pull(PullOrder(target, access), told, CANCEL)

    def test_a_pull_with_a_wrong_password_is_denied(self, environment: Environment, registry: RunningRegistry) -> None:
        access = Access("tests", Endpoint(registry.host), Credential("me", "wrong", source="the tests"), 3)
        target = Reference.parse(f"{registry.host}/contract/pulled:1")
        with pytest.raises(AccessDenied):
            environment.pull(PullOrder(target, access), told, CANCEL)

    def test_a_platform_that_is_not_there_is_an_error(
        self, environment: Environment, registry: RunningRegistry, access: Access
    ) -> None:
        bring(environment, "contract/platform:1", label="platform")
        target = Reference.parse(f"{registry.host}/contract/platform:1")
        order = PushOrder("contract/platform:1", (target,), access, Wanted(platforms=(Platform("linux", "s390x"),)))
        with pytest.raises(PlatformMissing):
            environment.push(order, told, CANCEL)
