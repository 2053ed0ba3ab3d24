"""A registry client over a played transport, with time that passes only when somebody waits."""

from __future__ import annotations

from dataclasses import dataclass, field

from lading.backends.registry_client.client import RegistryClient
from lading.backends.registry_client.repository import RegistryRepository
from lading.engine.cancel import Cancellation
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_LAYER_GZIP
from lading.oci.reference import Repository
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.progress import Held
from tests.fakes.clock import WaitingClock
from tests.fakes.played_registry import PlayedRegistry
from tests.fakes.records import MemoryProfiles, MemoryUploads
from tests.fakes.tracks import RecordingTrack
from tests.fakes.transport import Answer, PlayedTransport

HOST = "reg.example"


@dataclass
class Bench:
    """Everything around one client; give `answer` to stand something before the registry."""

    registry: PlayedRegistry = field(default_factory=PlayedRegistry)
    answer: Answer | None = None
    credential: Credential | None = None
    endpoint: Endpoint = field(default_factory=lambda: Endpoint(HOST))
    profiles: MemoryProfiles = field(default_factory=MemoryProfiles)
    uploads: MemoryUploads = field(default_factory=MemoryUploads)

    def __post_init__(self) -> None:
        self.clock = WaitingClock()
        self.cancel = Cancellation(pause=self.clock.pause)
        self.held: list[Held] = []
        self.track = RecordingTrack()
        self.transport = PlayedTransport(self.answer or self.registry)
        self.client = RegistryClient(
            self.transport,
            lambda _host: self.endpoint,
            lambda _repository: self.credential,
            self.profiles,
            self.uploads,
            clock=self.clock,
            report_held=self.held.append,
            cancel=self.cancel,
            random=lambda: 1.0,
        )

    def repository(self, path: str = "a", *, writes: bool = False, host: str = HOST) -> RegistryRepository:
        """One repository of the client."""
        return self.client.repository(Repository(host, path), writes=writes)


PLAIN = Endpoint(HOST, tls=Tls.HTTP)
INSECURE = Endpoint(HOST, insecure=True)


def layer(content: bytes) -> Descriptor:
    """What a manifest would say of it."""
    return Descriptor(OCI_LAYER_GZIP, Digest.of(content), len(content))
