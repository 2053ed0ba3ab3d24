"""Every kind of place that images are in, over the backends: services.content.stores.Stores, and what is asked of whole
registries."""
# ruff: noqa: PLC0415  archives, layouts and the network are each imported when one is opened

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lading.engine.embedded import EmbeddedStore
from lading.engine.stores import Condition, Locations, Source, Store
from lading.oci.descriptor import Descriptor
from lading.oci.platform import Platform
from lading.oci.reference import HUB, Repository
from lading.services.content.stores import ArchiveForm, Compression, FullStore, Provenance, Readable
from lading.services.lookup import ImageUnknown
from lading.services.places import DockerImage, PlaceInvalid
from lading.wire.authorize import Credential
from lading.wire.message import Cancel
from lading.wire.progress import Held, Report
from lading.wire.retry import Quota

if TYPE_CHECKING:
    from lading.backends.registry_client.client import RegistryClient
    from lading.services.environments.docker_hosts import HostImages
    from lading.wire.hub_search import Hit


class HeldRelay:
    """Takes what registries say of their rate limits to the transfers that run, and to those that begin meanwhile.
    `clock` tells seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._reports: tuple[Report, ...] = ()
        self._last: dict[str, Held] = {}
        self._lock = threading.Lock()

    def __call__(self, held: Held) -> None:
        """Called by any thread."""
        with self._lock:
            self._last[held.host] = held
            reports = self._reports
        for report in reports:
            report(held)

    @contextmanager
    def telling(self, report: Report) -> Iterator[None]:
        """While inside, `report` hears of it."""
        with self._lock:
            self._reports = (*self._reports, report)
            standing = [held for held in self._last.values() if held.until and held.until > self._clock()]
        for held in standing:
            report(held)
        try:
            yield
        finally:
            with self._lock:
                self._reports = tuple(each for each in self._reports if each is not report)


@dataclass(frozen=True, slots=True)
class Openers:
    """What the places stand on, each opened when it is first called for."""

    own: Callable[[], EmbeddedStore]
    locations: Callable[[], Locations]
    client: Callable[[], RegistryClient]
    scratch: Callable[[], Path]
    docker: Callable[[str | None], AbstractContextManager[HostImages]] | None = None
    """A Docker host by its address or name, or that of the machine's user: for the command line alone."""


@dataclass(frozen=True, slots=True)
class Streams:
    """What `-` is read from and written to; None: this process's own."""

    read: BinaryIO | None = None
    written: BinaryIO | None = None


class Places:
    """Fulfils services.content.stores.Stores and services.registries.registries.RegistryProbe."""

    def __init__(
        self, openers: Openers, held: HeldRelay, named: set[str], native: Platform, streams: Streams | None = None
    ) -> None:
        """`named` collects the hosts that this call speaks of: --insecure holds for those."""
        self._openers, self._held, self._named, self._native = openers, held, named, native
        self._streams = streams or Streams()

    # ── stores

    @property
    def own(self) -> EmbeddedStore:
        return self._openers.own()

    @property
    def locations(self) -> Locations:
        return self._openers.locations()

    def registry(self, repository: Repository, cancel: Cancel, *, writes: bool = False) -> FullStore:
        return self._client_of(repository.registry).repository(repository, writes=writes, cancel=cancel)

    def quota(self, registry: str) -> Quota | None:
        return self._client_of(registry).quota(registry)

    def telling(self, report: Report) -> AbstractContextManager[None]:
        return self._held.telling(report)

    def layout(self, path: str) -> FullStore:
        from lading.backends.content_store.layout import LayoutStore

        return LayoutStore(Path(path))

    def read_archive(self, path: str, cancel: Cancel) -> AbstractContextManager[Readable]:
        from lading.backends.content_store.archive import open_archive

        return open_archive(self._read_from(path), self._openers.scratch(), cancel)

    @contextmanager
    def docker_image(self, place: DockerImage, cancel: Cancel) -> Iterator[Readable]:
        from lading.backends.content_store.archive import open_archive
        from lading.backends.content_store.piped import as_stream

        if not place.name:
            raise PlaceInvalid(str(place))
        with ExitStack() as stack:
            docker = stack.enter_context(self._docker(place.host))
            try:
                stream = stack.enter_context(docker.export([place.name], cancel))
            except ImageUnknown as error:
                raise error.but(command="docker images   (lists what that host has)") from error
            yield stack.enter_context(open_archive(as_stream(stream), self._openers.scratch(), cancel))

    def docker_platform(self, host: str | None, cancel: Cancel) -> Platform:
        from lading.services.environments.docker_hosts import host_platform

        with self._docker(host) as docker:
            return host_platform(docker, cancel)

    @contextmanager
    def docker_target(self, host: str | None, condition: Condition, cancel: Cancel) -> Iterator[Store]:
        from tempfile import TemporaryDirectory

        from lading.backends.content_store.archive import open_archive
        from lading.backends.content_store.archive_target import ArchiveTarget
        from lading.services.environments.docker_hosts import Shipment, host_platform, put

        scratch = self._openers.scratch()
        with self._docker(host) as docker, TemporaryDirectory(dir=scratch) as folder:
            path = Path(folder) / "image.tar"
            platform = host_platform(docker, cancel)
            with ArchiveTarget(path, ArchiveForm.DOCKER, Compression.NONE, platform) as archive:
                yield archive
            if path.exists():  # else nothing has a name: it was a trial, or failed
                with open_archive(path, scratch, cancel) as whole, path.open("rb", buffering=0) as opened:
                    put(docker, DockerImage("", host).where, Shipment(whole, opened), condition, cancel)

    def _docker(self, host: str | None) -> AbstractContextManager[HostImages]:
        if self._openers.docker is None:
            raise AssertionError("a server has nothing to do with the Docker host of the user who started it")
        return self._openers.docker(host)

    def write_archive(self, path: str, form: ArchiveForm, compression: Compression) -> AbstractContextManager[Store]:
        from lading.backends.content_store.archive_target import ArchiveTarget

        place = (self._streams.written or sys.stdout.buffer) if path == "-" else Path(path)
        return ArchiveTarget(place, form, compression, self._native)

    @contextmanager
    def root_file_system(
        self, path: str, provenance: Provenance, cancel: Cancel
    ) -> Iterator[tuple[Source, Descriptor]]:
        from lading.backends.content_store.root_filesystem import imported

        with imported(self._read_from(path), provenance, self._openers.scratch(), cancel) as image:
            yield image, image.root

    # ── whole registries

    def check(self, host: str, credential: Credential | None) -> None:
        self._client_of(host).check(host, credential)

    def knock(self, host: str, credential: Credential | None) -> None:
        self._client_of(host).at_once().check(host, credential)

    def repositories(self, host: str) -> Iterator[str]:
        return self._client_of(host).repositories(host)

    def tags(self, repository: Repository) -> Iterator[str]:
        return self._client_of(repository.registry).tags(repository)

    def search_hub(self, term: str) -> Sequence[Hit]:
        return self._client_of(HUB).search_hub(term)

    def _client_of(self, registry: str) -> RegistryClient:
        self._named.add(registry)
        return self._openers.client()

    def _read_from(self, path: str) -> Path | BinaryIO:
        return (self._streams.read or sys.stdin.buffer) if path == "-" else Path(path)
