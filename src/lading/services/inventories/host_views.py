"""Images of Docker hosts as scanners read them: known by diffID from a look at the image, layer by layer.

Content is asked for when a scanner opens a layer that nobody has read before, and only then, once for the whole view.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from lading.oci.digest import Digest
from lading.oci.document import write_json
from lading.oci.platform import Platform, PlatformInvalid
from lading.oci.reference import Reference
from lading.services.content.stores import Readable
from lading.services.descriptions import Variant, describe, promised
from lading.services.environment_images import Details
from lading.services.environments.environment import Environment
from lading.services.findings.scanner import ImageView, ViewedLayer
from lading.services.image_layouts import Layouts
from lading.services.inventories.stored_views import Called, StoredView, Unscannable, shown
from lading.services.lookup import may_be_id
from lading.services.platforms import NothingHere
from lading.wire.message import Cancel, Reader

Known = Callable[[Iterable[Digest]], frozenset[Digest]]
"""Which of these layers, by diffID, nobody needs to read again (services.inventories.inventories)."""


@dataclass(frozen=True, slots=True)
class AtHost:
    """An image of a Docker host: `number` is the id of its environment's row; `platform` None: the host's own.

    `name` is what people call it; None: as the host does."""

    number: int
    environment: Environment
    image: str
    platform: Platform | None
    name: str | None = None


class HostContent(Protocol):
    """Brings an image of a Docker host here, for as long as it is looked at."""

    def __call__(self, wanted: AtHost, known: Collection[Digest], cancel: Cancel) -> AbstractContextManager[Readable]:
        """A store that holds it; layers whose diffID is in `known` are not opened there. Raises ImageUnknown,
        Unreachable, ContentCorrupt, StorageFailed, Cancelled."""


class OpenArchive(Protocol):
    """Reads an image archive that comes as a stream."""

    def __call__(self, archive: Reader, unread: Collection[Digest], cancel: Cancel) -> AbstractContextManager[Readable]:
        """Blobs of these digests are read past: they take no room here, and must not be opened. Raises ContentCorrupt,
        StorageFailed, Cancelled."""


@dataclass(frozen=True, slots=True)
class ArchivedContent:
    """Fulfils HostContent: the whole archive comes through the engine's API, layers that are known are read past."""

    opened: OpenArchive

    @contextmanager
    def __call__(self, wanted: AtHost, known: Collection[Digest], cancel: Cancel) -> Iterator[Readable]:
        with ExitStack() as stack:
            archive = stack.enter_context(wanted.environment.export([wanted.image], cancel, wanted.platform))
            yield stack.enter_context(self.opened(archive, known, cancel))


class HostViews:
    """Opens views, each for one scan. `native` is the platform that is meant where a host does not say."""

    def __init__(self, native: Platform, *, content: HostContent, layouts: Layouts, known: Known) -> None:
        self._native, self._content, self._layouts, self._known = native, content, layouts, known

    @contextmanager
    def opened(self, wanted: AtHost, cancel: Cancel) -> Iterator[ImageView]:
        """Of a Docker host. Raises ImageUnknown, IdAmbiguous, PlatformMissing, Unreachable, Unscannable."""
        image, platform = wanted.image, wanted.platform
        details = wanted.environment.image(image, cancel, platform)
        layers = tuple(map(Digest.parse, details.diff_ids))
        if not layers:
            raise Unscannable(image)
        called = Called(details.summary.id, wanted.name or _host_name(image, details))

        @contextmanager
        def brought(known: Collection[Digest]) -> Iterator[StoredView]:
            with self._content(wanted, known, cancel) as store:
                yield shown(called, _variant_of(store, layers, image), store, self._layouts)

        content = _content_of(wanted.number, details, layers)
        subject = _HostImage(called, content, _platform_of(details, self._native), layers)
        with _HostView(subject, brought, self._known) as view:
            yield view


@dataclass(frozen=True, slots=True)
class _HostImage:
    called: Called
    config: Digest
    platform: Platform
    diff_ids: tuple[Digest, ...]


class _HostView:
    """Fulfils ImageView: an image that a Docker host has. For any number of threads."""

    def __init__(
        self,
        image: _HostImage,
        opened: Callable[[Collection[Digest]], AbstractContextManager[StoredView]],
        known: Known,
    ) -> None:
        self._image, self._opened, self._known = image, opened, known
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._stored: StoredView | None = None

    @property
    def id(self) -> str:
        return self._image.called.id

    @property
    def name(self) -> str:
        return self._image.called.name

    @property
    def manifest(self) -> None:
        return None

    @property
    def config(self) -> Digest:
        return self._image.config

    @property
    def platform(self) -> Platform:
        return self._image.platform

    @property
    def layers(self) -> Sequence[ViewedLayer]:
        return [ViewedLayer(diff_id, None) for diff_id in self._image.diff_ids]

    def open(self, layer: ViewedLayer) -> Reader:
        with self._lock:
            if self._stored is None:
                known = self._known(set(self._image.diff_ids)) - {layer.diff_id}
                self._stored = self._stack.enter_context(self._opened(known))
        here = {each.diff_id: each for each in self._stored.layers}
        return self._stored.open(here[layer.diff_id])

    @contextmanager
    def layout(self) -> Iterator[Path]:
        """All of it: other programs read every layer."""
        with self._opened(frozenset()) as stored, stored.layout() as path:
            yield path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _variant_of(store: Readable, diff_ids: tuple[Digest, ...], image: str) -> Variant:
    """The one of the archive that has these layers: it may hold other platforms."""
    for name in store.tags():
        for variant in describe(image, store, store.resolve(name), promised).variants:
            if variant.config is not None and variant.config.diff_ids == diff_ids:
                return variant
    raise NothingHere(image)


def _content_of(number: int, details: Details, diff_ids: tuple[Digest, ...]) -> Digest:
    """Stands for the config: what that is called is the host's word alone, and by a true one's name others' content is
    known. Layers are found out to be what they are called where they are read, so they name the content: at this host,
    as nobody else answers for what it hands to other programs."""
    told: Mapping[str, object] = {
        "environment": number,
        "diffIds": list(map(str, diff_ids)),
        "platform": details.platform,
    }
    return Digest.of(write_json(told))


def _platform_of(details: Details, native: Platform) -> Platform:
    try:
        return Platform.parse(details.platform)
    except PlatformInvalid:
        return native


def _host_name(image: str, details: Details) -> str:
    """As it was asked for, or the first of its names."""
    if not may_be_id(image):
        return Reference.parse(image).or_latest.familiar
    names = details.summary.names or details.summary.digests
    return Reference.parse(names[0]).familiar if names else image
