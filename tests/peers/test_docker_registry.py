"""The registry client against a real docker-registry: what each step costs, and what is there afterwards."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.http.transport import HttpTransport
from lading.backends.registry_client.client import RegistryClient
from lading.backends.registry_client.repository import RegistryRepository, UntagUnsupported
from lading.engine.cancel import Cancellation
from lading.engine.stores import ContentUnknown, Outcome, TagUnknown
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER_GZIP
from lading.oci.reference import Repository
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint, Profile
from lading.wire.message import BytesContent, Cancel, Request, Response
from lading.wire.registry_errors import LoginNeeded, LoginRefused
from tests.contract.stores.suite import (
    ConditionsContract,
    Sha512Contract,
    SourceContract,
    TargetContract,
    content_of,
    descriptor_of,
)
from tests.fakes.records import MemoryProfiles, MemoryUploads
from tests.fakes.tracks import RecordingTrack
from tests.peers import programs
from tests.peers.programs import RunningRegistry

pytestmark = pytest.mark.peer("docker-registry")

CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
LAYERS = [bytes([number]) * 300_000 for number in range(5)]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """One for all tests of this file, each in a repository of its own."""
    with programs.docker_registry(tmp_path_factory.mktemp("docker-registry")) as running:
        yield running


@pytest.fixture
def transport() -> Iterator[HttpTransport]:
    with closing(HttpTransport(Endpoint, {}, "lading/tests")) as transport:
        yield transport


@pytest.fixture
def uploads() -> MemoryUploads:
    return MemoryUploads()


@pytest.fixture
def client(transport: HttpTransport, uploads: MemoryUploads) -> RegistryClient:
    return client_over(transport, uploads)


def client_over(
    transport: HttpTransport | LosingTransport,
    uploads: MemoryUploads,
    credential: Credential | None = None,
    profiles: MemoryProfiles | None = None,
) -> RegistryClient:
    return RegistryClient(
        transport,
        Endpoint,
        lambda _repository: credential,
        profiles or MemoryProfiles(),
        uploads,
        clock=time.time,
        report_held=lambda _held: None,
        cancel=Cancellation(pause=lambda _event, _seconds: None),
    )


class LosingTransport:
    """The real one, until `over` says of a request that this process dies with it."""

    def __init__(self, transport: HttpTransport, over: Callable[[Request], bool]) -> None:
        self._transport, self._over = transport, over

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = lambda _count: None) -> Response:
        if self._over(request):
            raise ProcessDied
        return self._transport.send(request, cancel, passed)


class ProcessDied(LadingError):
    """As far as the client knows."""


_numbers = itertools.count(1)


@pytest.fixture
def path() -> str:
    """A repository that nobody else uses."""
    return f"team/app{next(_numbers)}"


def push_image(
    repository: RegistryRepository, origins: list[Repository], *tags: str, annotations: dict[str, str] | None = None
) -> tuple[Manifest, list[Outcome]]:
    """As the engine does it, one lane."""
    cancel, outcomes = Cancellation(), []
    with pytest.raises(TagUnknown):
        repository.resolve(tags[0])
    repository.expect(origins)
    config = Descriptor(OCI_CONFIG, Digest.of(CONFIG), len(CONFIG))
    layers = [Descriptor(OCI_LAYER_GZIP, Digest.of(layer), len(layer)) for layer in LAYERS]
    for descriptor, raw in zip([config, *layers], [CONFIG, *LAYERS], strict=True):
        outcomes.append(repository.mount(descriptor, BytesContent(raw), origins, RecordingTrack(), cancel))
    manifest = Manifest.build(config, layers, annotations=annotations or {})
    results = repository.tag(manifest.descriptor(), BytesContent(manifest.raw), tags, "any", cancel)
    assert results == dict.fromkeys(tags)
    return manifest, outcomes


def asked_of(registry: RunningRegistry, path: str) -> list[str]:
    """Method and status of everything that was asked of one repository."""
    return [f"{asked.method} {asked.status}" for asked in registry.asked() if asked.path.startswith(f"/v2/{path}/")]


def test_a_cold_push_of_five_layers_is_fifteen_requests(
    registry: RunningRegistry, client: RegistryClient, path: str
) -> None:
    manifest, outcomes = push_image(client.repository(Repository(registry.host, path), writes=True), [], "1")

    assert outcomes == [Outcome.SENT] * 6
    assert asked_of(registry, path) == ["HEAD 404", *["POST 202", "PUT 201"] * 6, "PUT 201", "HEAD 200"]
    assert not [asked for asked in registry.asked() if asked.path == "/v2/"]
    assert programs.get(registry, f"/v2/{path}/manifests/1", manifest.media_type)[0] == manifest.raw


def test_a_push_that_was_done_before_is_one_request(
    registry: RunningRegistry, client: RegistryClient, path: str
) -> None:
    repository = client.repository(Repository(registry.host, path), writes=True)
    manifest, _ = push_image(repository, [], "1")

    assert repository.resolve("1").digest == manifest.descriptor().digest
    assert len(asked_of(registry, path)) == 16


def test_a_second_repository_is_nine_requests_and_no_blob(
    registry: RunningRegistry, client: RegistryClient, path: str
) -> None:
    base = Repository(registry.host, path)
    push_image(client.repository(base, writes=True), [], "1")

    _, outcomes = push_image(client.repository(Repository(registry.host, f"{path}b"), writes=True), [base], "1")

    assert outcomes == [Outcome.MOUNTED] * 6
    assert asked_of(registry, f"{path}b") == ["HEAD 404", *["POST 201"] * 6, "PUT 201", "HEAD 200"]


def test_ten_tags_move_the_blobs_once(registry: RunningRegistry, client: RegistryClient, path: str) -> None:
    repository = client.repository(Repository(registry.host, path), writes=True)
    push_image(repository, [], *(f"t{number}" for number in range(10)))

    assert len(asked_of(registry, path)) == 13 + 20
    assert list(repository.tags()) == [f"t{number}" for number in range(10)]


def test_referrers_are_kept_under_the_fallback_tag(
    registry: RunningRegistry, client: RegistryClient, path: str
) -> None:
    repository = client.repository(Repository(registry.host, path), writes=True)
    manifest, _ = push_image(repository, [], "1")
    signature = Manifest.build(manifest.config, [], subject=manifest.descriptor(), artifact_type="x/signature")

    repository.push(signature.descriptor(), BytesContent(signature.raw), RecordingTrack(), Cancellation())

    [listed] = repository.referrers(manifest.descriptor().digest)
    assert (listed.digest, listed.artifact_type) == (signature.descriptor().digest, "x/signature")


def test_deletes_are_by_digest_only(registry: RunningRegistry, client: RegistryClient, path: str) -> None:
    repository = client.repository(Repository(registry.host, path), writes=True)
    manifest, _ = push_image(repository, [], "1")

    with pytest.raises(UntagUnsupported):
        repository.untag("1")
    repository.delete(manifest.descriptor().digest)
    with pytest.raises(ContentUnknown):
        repository.resolve(manifest.descriptor().digest)


def test_the_catalog_names_what_was_pushed(registry: RunningRegistry, client: RegistryClient, path: str) -> None:
    push_image(client.repository(Repository(registry.host, path), writes=True), [], "1")

    assert path in client.repositories(registry.host)


def test_an_upload_stopped_between_chunks_goes_on_in_another_process(
    registry: RunningRegistry, transport: HttpTransport, uploads: MemoryUploads, path: str
) -> None:
    content = bytes(range(256)) * 20_000
    descriptor = descriptor_of(content)
    place, size = Repository(registry.host, path), 2_000_000
    patches, profiles = itertools.count(1), MemoryProfiles()
    profiles.learn(registry.host, Profile(chunk_limit=size))
    broken = LosingTransport(transport, lambda request: request.method == "PATCH" and next(patches) > 1)
    dying = client_over(broken, uploads, profiles=profiles).repository(place)
    with pytest.raises(ProcessDied):
        dying.push(descriptor, BytesContent(content), RecordingTrack(), Cancellation())

    track = RecordingTrack()
    later = client_over(transport, uploads).repository(place)
    assert later.push(descriptor, BytesContent(content), track, Cancellation()) is Outcome.SENT

    assert {told.kept for told in track.told if told.current} == {size}
    assert content_of(later.open(descriptor)) == content
    assert uploads.of(place, descriptor.digest) is None


def test_a_login_is_asked_for_taken_and_refused(transport: HttpTransport, tmp_path: Path) -> None:
    with programs.docker_registry(tmp_path, htpasswd=("ann", "pw")) as locked:
        place = Repository(locked.host, "app")
        right = client_over(transport, MemoryUploads(), Credential("ann", "pw", source="a test"))
        push_image(right.repository(place, writes=True), [], "1")
        right.check(locked.host, Credential("ann", "pw"))

        with pytest.raises(LoginNeeded):
            client_over(transport, MemoryUploads()).repository(place).resolve("1")
        with pytest.raises(LoginRefused, match="from a test"):
            client_over(transport, MemoryUploads(), Credential("ann", "no", source="a test")).repository(place).resolve(
                "1"
            )


class TestContractOnDockerRegistry(SourceContract, TargetContract, Sha512Contract, ConditionsContract):
    """The suite that every store keeps."""

    @pytest.fixture
    def store(self, registry: RunningRegistry, client: RegistryClient, path: str) -> RegistryRepository:
        return client.repository(Repository(registry.host, path))

    @pytest.fixture
    def names(self) -> tuple[str, str, str]:
        return "1", "2", "latest"
