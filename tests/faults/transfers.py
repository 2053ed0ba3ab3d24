"""One image moved through a registry that misbehaves: the real client, transport and engine, a store in memory or a
content folder on the other side, and a clock that only waits pass."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.backends.http.addresses import Address, Resolve, resolve
from lading.backends.http.transport import HttpTransport
from lading.backends.registry_client.client import RegistryClient
from lading.backends.registry_client.repository import RegistryRepository
from lading.engine.arrival import Arrival, Destination
from lading.engine.cancel import Cancellation
from lading.engine.content import at_source
from lading.engine.copy import copy
from lading.engine.embedded import EmbeddedStore
from lading.engine.stores import Source, Store
from lading.errors import LadingError
from lading.fronts.cli.failures import lines
from lading.oci.descriptor import Descriptor
from lading.oci.reference import Repository
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint, Profile, Tls
from lading.wire.message import Cancel, Request, Response
from lading.wire.progress import Event, Held
from tests.fakes.clock import WaitingClock
from tests.fakes.images import put_image
from tests.fakes.memory import MemoryLocations, MemoryStore
from tests.fakes.records import MemoryImageNames, MemoryLeases, MemoryProfiles, MemoryUploads
from tests.fakes.scripted_server import ScriptedServer
from tests.fakes.troubled_registry import TroubledRegistry

NAME = "team/app"
TAG = "v1"
LAYER = bytes(range(256)) * 400
"""102,400 bytes: several buffers, sockets and chunks long, and quick to move a thousand times."""

SILENCE = 0.3
"""Seconds after which a stall counts as one here."""


class Hurried:
    """A transport with less patience: tests do not wait a minute for silence."""

    def __init__(self, transport: HttpTransport) -> None:
        self._transport = transport
        self.requests: list[Request] = []

    def send(self, request: Request, cancel: Cancel, passed: object = None) -> Response:
        self.requests.append(request)
        hurried = replace(request, stall_seconds=SILENCE, answer_seconds=SILENCE)
        return (
            self._transport.send(hurried, cancel, passed) if callable(passed) else self._transport.send(hurried, cancel)
        )


class Listing:
    """Nobody reads it."""

    def changed(self) -> None:
        """Nothing to do."""


class World:
    """A client of the registry at `server`; what it was told, and how long it waited."""

    def __init__(self, server: ScriptedServer, credential: Credential | None, look_up: Resolve) -> None:
        self.server = server
        self.clock = WaitingClock()
        self.clock.now = 1_800_000_000.0
        self.cancel = Cancellation(pause=self.clock.pause)
        self.profiles = MemoryProfiles()
        self.uploads = MemoryUploads()
        self.events: list[Event] = []
        self.held: list[Held] = []
        self.plain = HttpTransport(self._endpoint, {}, "lading/test", resolve=look_up)
        self.transport = Hurried(self.plain)
        self.client = RegistryClient(
            self.transport,
            self._endpoint,
            lambda _: credential,
            self.profiles,
            self.uploads,
            clock=self.clock,
            report_held=self.held.append,
            random=lambda: 1.0,
            cancel=self.cancel,
        )

    @staticmethod
    def _endpoint(host: str) -> Endpoint:
        return Endpoint(host, tls=Tls.HTTP)

    @property
    def host(self) -> str:
        """The registry's."""
        return self.server.authority

    def knows(self, **profile: object) -> None:
        """What was learned of the registry before."""
        self.profiles.learn(self.host, replace(Profile(scheme="http"), **profile))  # type: ignore[arg-type]  # names of Profile's fields

    def repository(self, name: str = NAME, *, writes: bool = False) -> RegistryRepository:
        """One at the registry."""
        return self.client.repository(Repository(self.host, name), writes=writes)

    def push(self, source: MemoryStore, root: Descriptor, *, name: str = NAME, tag: str = TAG) -> Arrival:
        """From memory to the registry. Raises the source's fault."""
        return self.copied(source, root, self.repository(name, writes=True), tag)

    def pull(self, target: Store, *, tag: str = TAG) -> Arrival:
        """From the registry. Raises the source's fault."""
        source = self.repository()
        with at_source():
            root = source.resolve(tag)
        return self.copied(source, root, target, tag)

    def sibling(self, name: str) -> Repository:
        """Another repository of the registry."""
        return Repository(self.host, name)

    def elsewhere(self, host: str, name: str = NAME) -> Repository:
        """The same registry under another name for its host."""
        return Repository(f"{host}:{self.server.port}", name)

    def copied(self, source: Source, root: Descriptor, store: Store, tag: str = TAG) -> Arrival:
        """The copy itself. Raises the source's fault."""
        (arrival,) = copy(
            source,
            root,
            [Destination("there", store, (tag,))],
            referrers=None,
            locations=MemoryLocations(),
            lanes=1,
            report=self.events.append,
            cancel=self.cancel,
        )
        return arrival


@contextmanager
def world(
    registry: TroubledRegistry,
    *,
    credential: Credential | None = None,
    token: str | None = None,
    look_up: Callable[[int], Resolve] = lambda _: resolve,
) -> Iterator[World]:
    """The registry up and a client for it; everything is closed at the end. `look_up` is told the registry's port."""
    if token is not None:
        credential = Credential(registry_token=token, source="the test")
    with ScriptedServer(registry) as server:
        opened = World(server, credential, look_up(server.port))
        try:
            yield opened
        finally:
            opened.plain.close()


def image(layers: Sequence[bytes] = (LAYER,)) -> tuple[MemoryStore, Descriptor]:
    """In memory, whole."""
    store = MemoryStore("here", buffer=65536)
    return store, replace(put_image(store, layers, tag=TAG), platform=None)


def stocked(registry: TroubledRegistry, layers: Sequence[bytes] = (LAYER,)) -> tuple[MemoryStore, Descriptor]:
    """The same image, at the registry too, under its tag."""
    store, root = image(layers)
    for digest, content in store.blobs.items():
        registry.hold(NAME, store.held[digest], content)
    registry.name_it(NAME, TAG, root.digest)
    return store, root


def clear(error: LadingError) -> bool:
    """One sentence that says what, why and what to do."""
    told = dict(lines(error))
    return {"error", "why", "try"} <= set(told) and "\n" not in told["error"]


@contextmanager
def folder_store(folder: Path) -> Iterator[EmbeddedStore]:
    """Our own store in a folder."""
    content = ContentFolder(folder, MemoryLeases())
    try:
        yield EmbeddedStore(content, MemoryImageNames(), Listing(), "the local store")
    finally:
        content.close()


def final_files(folder: Path) -> list[Path]:
    """Everything under a final name; fails where one is not what its name says."""
    files = [path for path in (folder / "blobs").rglob("*") if path.is_file()]
    for path in files:
        assert hashlib.new(path.parent.name, path.read_bytes()).hexdigest() == path.name
    return files


def public(name: str, port: int) -> Resolve:
    """A resolver to whom `name` is a host elsewhere, and which still leads to `port` on loopback.

    The guard judges by the farthest address; whoever connects takes the first. No connection goes to the second.
    """

    def look_up(host: str, asked: int) -> Sequence[Address]:
        if host != name:
            return resolve(host, asked)
        return [Address(socket.AF_INET, place) for place in (("127.0.0.1", port), ("255.255.255.255", port))]

    return look_up
