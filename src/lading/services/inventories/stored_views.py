"""Images whose content is in a store, as scanners read them: manifest, config and layers lie there, none is copied."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from lading.engine.content import SourceContent
from lading.engine.stores import ContentUnknown, Source
from lading.engine.verified import VerifiedContent
from lading.errors import Refused
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.services.descriptions import Description, Variant
from lading.services.embedded.views import chosen_variant
from lading.services.findings.scanner import ImageView, ViewedLayer
from lading.services.image_layouts import LayoutParts, Layouts
from lading.services.platforms import NothingHere
from lading.wire.message import Reader


class Unscannable(Refused):
    """Something without an image's config: signatures, charts and the like."""

    code = "unscannable"
    hint = "Only an image with a root file system holds packages; name one."

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"{self.name} is no image, so there is nothing to scan"


@dataclass(frozen=True, slots=True)
class Called:
    """An image's id, and what people call it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class StoredView:
    """Fulfils ImageView: an image whose content is in a store."""

    id: str
    name: str
    root: Descriptor
    config_descriptor: Descriptor
    platform: Platform
    layers: tuple[ViewedLayer, ...]
    source: Source
    layouts: Layouts

    @property
    def manifest(self) -> Digest:
        return self.root.digest

    @property
    def config(self) -> Digest:
        return self.config_descriptor.digest

    def open(self, layer: ViewedLayer) -> Reader:
        if layer.descriptor is None:
            raise ContentUnknown(layer.diff_id, self.source.name)
        if not layer.proven or self.source.verified:
            return self.source.open(layer.descriptor)
        return VerifiedContent(SourceContent(self.source, layer.descriptor), layer.descriptor.digest).open()

    def layout(self) -> AbstractContextManager[Path]:
        content = (self.config_descriptor, *(layer.descriptor for layer in self.layers if layer.descriptor))
        return self.layouts(LayoutParts(self.root, content, self.source.open))


def stored_view(
    description: Description,
    source: Source,
    layouts: Layouts,
    native: Platform,
    platform: Platform | None = None,
    *,
    part: Digest | None = None,
    proven: bool = True,
) -> ImageView:
    """An image of a store, for as long as that is open; `part` chooses one manifest of an index, `proven` is of its
    layers. Raises PlatformMissing, NothingHere, Unscannable."""
    variant = chosen_variant(description, native, platform, part)
    if variant.manifest is None or not variant.complete:
        raise NothingHere(description.name)
    return shown(Called(str(description.root.digest), description.name), variant, source, layouts, proven=proven)


def shown(called: Called, variant: Variant, source: Source, layouts: Layouts, *, proven: bool = True) -> StoredView:
    """One platform of an image of a store. Raises Unscannable."""
    manifest, config = variant.manifest, variant.config
    if manifest is None or config is None or len(config.diff_ids) != len(manifest.layers):
        raise Unscannable(called.name)
    return StoredView(
        called.id,
        called.name,
        variant.descriptor,
        manifest.config,
        config.platform,
        tuple(ViewedLayer(*pair, proven) for pair in zip(config.diff_ids, manifest.layers, strict=True)),
        source,
        layouts,
    )
