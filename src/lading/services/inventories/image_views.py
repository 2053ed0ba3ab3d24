"""Images as scanners read them: of our own engine by its blobs, of a Docker host by what it hands out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from lading.engine.records import ImageNames
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.services.content.stores import OwnStore
from lading.services.descriptions import describe
from lading.services.embedded.lookup import EmbeddedLookup
from lading.services.findings.scanner import ImageView
from lading.services.image_layouts import Layouts
from lading.services.inventories.host_views import AtHost, HostContent, HostViews, Known
from lading.services.inventories.stored_views import stored_view
from lading.wire.message import Cancel


class ImageViews:
    """Opens views, each for one scan. `native` is the platform that is meant where nobody says."""

    def __init__(
        self,
        own: Callable[[], OwnStore],
        names: Callable[[], ImageNames],
        native: Platform,
        *,
        content: HostContent,
        layouts: Layouts,
        known: Known,
    ) -> None:
        self._own, self._names, self._native, self._layouts = own, names, native, layouts
        self._hosts = HostViews(native, content=content, layouts=layouts, known=known)

    def own(self, image: str, platform: Platform | None = None, called: str | None = None) -> ImageView:
        """Of our own engine, by id, digest or reference; `called` None: by its name. Raises ImageUnknown, IdAmbiguous,
        PlatformMissing, NothingHere, Unscannable."""
        found = EmbeddedLookup(self._names(), self._own()).find(image)
        first = found.image.tags or found.image.references
        name = found.name or (first[0] if first else None)
        own = name.familiar if name is not None else image
        return self.of_root(found.image.root, called or own, platform, found.part)

    def of_root(
        self, root: Descriptor, name: str, platform: Platform | None = None, part: Digest | None = None
    ) -> ImageView:
        """Of our own engine, by its root: it need not have a name there yet. Raises as `own` does."""
        own = self._own()
        return stored_view(
            describe(name, own, root, own.present), own, self._layouts, self._native, platform, part=part
        )

    def of_host(self, wanted: AtHost, cancel: Cancel) -> AbstractContextManager[ImageView]:
        """Of a Docker host. Raises ImageUnknown, IdAmbiguous, PlatformMissing, Unreachable, Unscannable."""
        return self._hosts.opened(wanted, cancel)
