"""A real Docker engine as an environment: the contract, and what only a daemon can get wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.faults import DaemonUnreachable, PlatformsRefused, PushUnverified
from lading.backends.docker_client.naming import Names
from lading.backends.http.transport import HttpTransport
from lading.engine.cancel import Cancellation
from lading.engine.stores import TagUnproven
from lading.errors import Cancelled, NetworkFailed
from lading.main.environments import EnvironmentBuilder
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.environments.environment import Environment
from lading.services.environments.orders import Access, Arriving, PullOrder, PushOrder
from lading.services.lookup import ImageUnknown
from lading.services.platforms import EVERY
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel
from lading.wire.progress import Advanced, Event, State
from tests.contract.environments.events_suite import EventsContract
from tests.contract.environments.images_suite import DistributionContract, ImagesContract
from tests.contract.environments.suite import CANCEL, EnvironmentContract, bring, told
from tests.contract.environments.transfers_suite import NotAdmitted, TransferContract, pushed_alone, refuse
from tests.fakes.docker_archives import docker_archive, reader
from tests.fakes.root_images import tar_of
from tests.fakes.scripted_server import Asked, Reply, ScriptedServer
from tests.peers.docker_environments import access_of, environment_builder, guarded_registry, row_of
from tests.peers.programs import RunningDocker, RunningRegistry

pytestmark = [pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry")]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with guarded_registry(tmp_path_factory.mktemp("docker-registry")) as running:
        yield running


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[EnvironmentBuilder]:
    with environment_builder(tmp_path) as made:
        yield made


@pytest.fixture
def environment(docker_engine: RunningDocker, builder: EnvironmentBuilder) -> Environment:
    return builder(row_of(docker_engine), None)


class TestDocker(EnvironmentContract, ImagesContract, EventsContract):
    """Through its unix socket."""


class TestDockerTransfers(TransferContract, DistributionContract):
    """Through a registry with a password."""


def names_of(environment: Environment, image: str) -> set[str]:
    return set(environment.image(image, CANCEL).summary.names)


def test_the_answer_to_a_push_is_the_digest_of_docker_itself(
    environment: Environment, docker_engine: RunningDocker, registry: RunningRegistry
) -> None:
    bring(environment, "own/same:1", label="same")
    target = Reference.parse(f"{registry.host}/own/same:1")

    (arrived,) = environment.push(PushOrder("own/same:1", (target,), access_of(registry)), told, CANCEL)

    listed = docker_engine("images", "--digests", "--format", "{{.Digest}}", f"{registry.host}/own/same")
    assert str(arrived.digest) in listed.split()


def test_layers_are_told_of_by_their_short_ids(environment: Environment, registry: RunningRegistry) -> None:
    archive = docker_archive(["own/told:1"], [tar_of({"big": b"z" * 3_000_000})], label="told")
    environment.load(reader(archive), told, CANCEL)
    events: list[Event] = []
    target = Reference.parse(f"{registry.host}/own/told:1")

    environment.push(PushOrder("own/told:1", (target,), access_of(registry)), events.append, CANCEL)

    layers = [event for event in events if isinstance(event, Advanced)]
    assert {len(event.id) for event in layers} == {12}
    assert layers[-1].state is State.DONE
    assert all(event.total is None or event.current <= event.total for event in layers)


def test_a_name_that_was_there_before_a_failed_push_stays(environment: Environment, registry: RunningRegistry) -> None:
    identity = bring(environment, "own/before:1", label="before")
    target = Reference.parse(f"{registry.host}/own/before:1")
    environment.tag(identity, target, CANCEL)
    wrong = Access("tests", Endpoint(registry.host), Credential("me", "wrong"), 9)

    (arrived,) = environment.push(PushOrder(identity, (target,), wrong), told, CANCEL)

    assert arrived.error is not None
    assert str(target) in names_of(environment, identity)


def test_a_name_that_stood_for_another_image_stands_for_it_again(
    environment: Environment, registry: RunningRegistry
) -> None:
    first, second = bring(environment, "own/one:1", label="one"), bring(environment, "own/two:1", label="two")
    target = Reference.parse(f"{registry.host}/own/moved:1")
    environment.tag(first, target, CANCEL)
    wrong = Access("tests", Endpoint(registry.host), Credential("me", "wrong"), 9)

    environment.push(PushOrder(second, (target,), wrong), told, CANCEL)

    assert str(target) in names_of(environment, first)
    assert str(target) not in names_of(environment, second)


def test_an_image_without_another_name_is_not_lost_by_a_failed_push(
    environment: Environment, docker_engine: RunningDocker, registry: RunningRegistry
) -> None:
    identity = docker_engine("import", "-", input=tar_of({"nameless": b"x"})).strip()
    wrong = Access("tests", Endpoint(registry.host), Credential("me", "wrong"), 9)
    target = Reference.parse(f"{registry.host}/own/nameless:1")

    environment.push(PushOrder(identity, (target,), wrong), told, CANCEL)

    assert environment.image(identity, CANCEL).summary.id == identity


def test_what_the_registry_does_not_confirm_is_never_complete(
    environment: Environment, registry: RunningRegistry, docker_engine: RunningDocker
) -> None:
    bring(environment, "own/unproven:1", label="unproven")
    target = Reference.parse(f"{registry.host}/own/unproven:1")
    order = PushOrder("own/unproven:1", (target,), access_of(registry))

    def other(reference: Reference, access: Access, cancel: Cancel) -> Digest | None:
        return Digest.of(b"another")

    def unreachable(reference: Reference, access: Access, cancel: Cancel) -> Digest | None:
        raise DaemonUnreachable("somebody", NetworkFailed("x"))

    for prove, kind in ((other, TagUnproven), (unreachable, PushUnverified)):
        with closing(
            HttpTransport(lambda host: Endpoint(host, socket=str(docker_engine.socket)), {}, "t")
        ) as transport:
            docker = DockerEnvironment(transport, "http://docker", "docker", prove, Names())
            (arrived,) = docker.push(order, told, CANCEL)
        assert isinstance(arrived.error, kind)


def test_several_platforms_are_refused(environment: Environment, registry: RunningRegistry) -> None:
    target = Reference.parse(f"{registry.host}/own/all:1")
    with pytest.raises(PlatformsRefused):
        environment.pull(PullOrder(target, access_of(registry), EVERY), told, CANCEL)


def test_what_one_pull_may_keep_another_that_is_refused_does_not_take_away(
    environment: Environment, registry: RunningRegistry
) -> None:
    """Two pulls of one tag at once: the digest goes with the last of them, if none may keep it."""
    target = Reference.parse(f"{registry.host}/contract/two:1")
    access = access_of(registry)
    digest = pushed_alone(environment, target, access, "two at once")
    pinned = str(Reference(target.repository, digest=digest))

    def also_refused(_arriving: Arriving) -> None:
        with pytest.raises(NotAdmitted):
            environment.pull(PullOrder(target, access, admit=refuse), told, CANCEL)
        environment.image(pinned, CANCEL)
        raise NotAdmitted

    def admitted_to_another(_arriving: Arriving) -> None:
        environment.pull(PullOrder(target, access, admit=lambda _: None), told, CANCEL)
        raise NotAdmitted

    with pytest.raises(NotAdmitted):
        environment.pull(PullOrder(target, access, admit=also_refused), told, CANCEL)
    with pytest.raises(ImageUnknown):
        environment.image(pinned, CANCEL)
    with pytest.raises(NotAdmitted):
        environment.pull(PullOrder(target, access, admit=admitted_to_another), told, CANCEL)
    assert str(target) in environment.image(pinned, CANCEL).summary.names


def test_a_cancelled_push_ends_at_the_daemon_and_takes_its_name_back(
    environment: Environment, docker_engine: RunningDocker
) -> None:
    """The registry never answers; hanging up is what makes the daemon give up."""
    asked = threading.Event()

    def answer(request: Asked) -> Reply:
        asked.set()
        request.receive()
        stalled.wait(20)
        return Reply(500)

    stalled = threading.Event()
    identity = bring(environment, "own/cancelled:1", label="cancelled")
    with ScriptedServer(answer) as server:
        target = Reference.parse(f"{server.authority}/own/cancelled:1")
        cancel = Cancellation()

        def give_up() -> None:
            asked.wait(60)
            cancel.cancel()

        giving_up = threading.Thread(target=give_up)
        giving_up.start()
        with pytest.raises(Cancelled):
            environment.push(PushOrder(identity, (target,), Access("s", Endpoint(server.authority))), told, cancel)
        giving_up.join()
        stalled.set()

    assert names_of(environment, identity) == {"docker.io/own/cancelled:1"}
