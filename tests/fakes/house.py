"""A store over a real folder, with names, leases and repositories in memory: everything that keeps content."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.garbage import CollectableFolder
from lading.backends.content_store.listing import OciListing
from lading.engine.cancel import Cancellation
from lading.engine.collect import Collected, Keeper, collect
from lading.engine.embedded import EmbeddedStore
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER_GZIP
from lading.wire.message import BytesContent
from tests.fakes.records import MemoryImageNames, MemoryLeases
from tests.fakes.tracks import RecordingTrack

NEVER, ALWAYS = 0.0, 4e9
"""Leftovers are old where they are untouched since then."""


@dataclass
class Repositories:
    """A Keeper: the names of a registry."""

    held: set[Digest] = field(default_factory=set)
    asked: list[Digest] = field(default_factory=list)

    def reached(self) -> Iterable[Digest]:
        return set(self.held)

    def release(self, digests: Collection[Digest]) -> Collection[Digest]:
        self.asked += digests
        return [digest for digest in digests if digest not in self.held]


class House:
    """A store with everything that keeps content beside it."""

    def __init__(self, path: Path) -> None:
        self.names, self.leases, self.repositories = MemoryImageNames(), MemoryLeases(), Repositories()
        self.folder = ContentFolder(path, self.leases)
        self.listing = OciListing(self.folder.tree, self.names)
        self.store = EmbeddedStore(self.folder, self.names, self.listing)

    def push(self, raw: bytes, media_type: str = OCI_LAYER_GZIP) -> Descriptor:
        descriptor = Descriptor(media_type, Digest.of(raw), len(raw))
        self.store.push(descriptor, BytesContent(raw), RecordingTrack(), Cancellation())
        return descriptor

    def image(self, *layers: bytes, name: str | None = None, subject: Descriptor | None = None) -> Manifest:
        config = self.push(b"{%d}" % len(layers), OCI_CONFIG)
        manifest = Manifest.build(config, [self.push(layer) for layer in layers], subject=subject)
        self.push(manifest.raw, manifest.media_type)
        if name:
            self.tag(manifest, name)
        return manifest

    def tag(self, document: Manifest | Index, name: str) -> None:
        content = BytesContent(document.raw)
        self.store.tag(document.descriptor(), content, [name], "any", Cancellation())

    @contextmanager
    def working(self) -> Iterator[None]:
        """Inside, images come as one piece of work brings them."""
        outer = self.store
        with outer.work() as work:
            self.store = work
            try:
                yield
            finally:
                self.store = outer

    def a_day_passes(self) -> None:
        self.leases.forget_all()

    def collect(
        self,
        *,
        dry_run: bool = False,
        given_up: Collection[Digest] = (),
        left_before: float = NEVER,
        keepers: Collection[Keeper] | None = None,
        cancel: Cancellation | None = None,
    ) -> Collected:
        return collect(
            CollectableFolder(self.folder),
            self.names,
            self.leases,
            (self.repositories,) if keepers is None else keepers,
            given_up=given_up,
            left_before=left_before,
            dry_run=dry_run,
            cancel=cancel or Cancellation(),
        )

    @property
    def held(self) -> set[Digest]:
        return {digest for digest, _ in CollectableFolder(self.folder).blobs()}


def digests(*documents: Manifest) -> set[Digest]:
    found = {document.descriptor().digest for document in documents}
    return found | {child.digest for document in documents for child in document.children}


class Meanwhile:
    """A Keeper that needs nothing, and does something once when content is about to go."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def reached(self) -> Iterable[Digest]:
        self._act()
        return ()

    def release(self, digests: Collection[Digest]) -> Collection[Digest]:
        return digests
