"""What an image is made of: its platforms, configs and layers, and which of them are here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import zip_longest

from lading.engine.stores import ContentUnknown, Source
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.image_config import ImageConfig, history_label
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import is_image_config, is_index
from lading.oci.platform import Platform, choose, is_attestation, satisfies
from lading.services.platforms import PlatformMissing, images_of
from lading.services.reading import read_config, read_manifest

Present = Callable[[Digest], bool]
"""Whether content is at the place that is looked at, whole."""


def promised(_digest: Digest) -> bool:
    """Registries, layouts and archives are taken at their word: nothing is opened to see whether it is there."""
    return True


@dataclass(frozen=True, slots=True)
class Variant:
    """One platform's image. `manifest` and `config` are None where that content is not here."""

    descriptor: Descriptor
    platform: Platform | None
    manifest: Manifest | None = None
    config: ImageConfig | None = None
    complete: bool = False

    @property
    def size(self) -> int:
        """Bytes of config and layers, compressed; 0 where the manifest is not here."""
        return sum(child.size for child in self.manifest.children) if self.manifest else 0


@dataclass(frozen=True, slots=True)
class Description:
    """An image: where it was found, its root, and its platforms. `attached` are BuildKit's entries beside them."""

    name: str
    where: str
    root: Descriptor
    variants: tuple[Variant, ...]
    attached: tuple[Descriptor, ...] = ()

    @property
    def attestations(self) -> int:
        """How many of BuildKit's entries there are."""
        return len(self.attached)

    @property
    def size(self) -> int:
        """Bytes of all unique configs and layers that are here."""
        here = {
            child.digest: child.size
            for v in self.variants
            if v.manifest and v.complete
            for child in v.manifest.children
        }
        return sum(here.values())

    @property
    def created(self) -> str | None:
        """When the newest of its platforms was made, as its config says (RFC 3339)."""
        return max((v.config.created for v in self.variants if v.config and v.config.created), default=None)

    def variant(self, wanted: Platform) -> Variant:
        """The one that serves `wanted`, or the only one there is. Raises PlatformMissing."""
        if len(self.variants) == 1:
            return self.variants[0]
        return self.serving(wanted)

    def serving(self, wanted: Platform) -> Variant:
        """The one that serves `wanted`. Raises PlatformMissing."""
        if len(self.variants) == 1:
            (only,) = self.variants
            if only.platform is None or not satisfies(only.platform, wanted):
                raise PlatformMissing(wanted, self.name, [only.platform] if only.platform else ())
            return only
        best = choose([v.descriptor for v in self.variants], wanted)
        for variant in self.variants:
            if best is not None and variant.descriptor.digest == best.digest:
                return variant
        raise PlatformMissing(wanted, self.name, [v.platform for v in self.variants if v.platform])


@dataclass(frozen=True, slots=True)
class Step:
    """A line of `lading history`: the step, its layer where it made one, and what was said of it."""

    created: str | None
    label: str
    layer: Descriptor | None
    comment: str = ""
    diff_id: Digest | None = None
    """The layer uncompressed, as findings name it."""


def describe(name: str, source: Source, root: Descriptor, present: Present) -> Description:
    """Reads manifests and configs, never layers. Content that is not here is left out and said so."""
    if not is_index(root.media_type):
        return Description(name, source.name, root, (_variant(source, root, present),))
    index = read_manifest(source, root)
    assert isinstance(index, Index)
    images = images_of(index)
    read = {
        child.digest: _variant(source, child, present) for child in {child.digest: child for child in images}.values()
    }
    variants = tuple(_as_listed(read[child.digest], child) for child in images)
    attached = tuple(child for child in index.manifests if is_attestation(child))
    return Description(name, source.name, root, variants, attached)


def steps(variant: Variant) -> tuple[Step, ...]:
    """The history of one platform, the newest step first. Layers without a line of history are lines too."""
    if variant.manifest is None or variant.config is None:
        return ()
    layers = list(zip_longest(variant.manifest.layers, variant.config.diff_ids[: len(variant.manifest.layers)]))
    told: list[Step] = []
    for step in variant.config.history:
        layer, plain = layers.pop(0) if layers and not step.empty_layer else (None, None)
        told.append(Step(step.created, history_label(step), layer, step.comment, plain))
    told += [Step(None, "", layer, diff_id=plain) for layer, plain in layers]
    return tuple(reversed(told))


def _variant(source: Source, descriptor: Descriptor, present: Present) -> Variant:
    try:
        manifest = read_manifest(source, descriptor)
    except ContentUnknown:
        return Variant(descriptor, descriptor.platform)
    if not isinstance(manifest, Manifest):
        return Variant(descriptor, descriptor.platform)
    config = _config(source, manifest)
    complete = all(present(child.digest) for child in manifest.children)
    return Variant(descriptor, descriptor.platform or (config.platform if config else None), manifest, config, complete)


def _as_listed(variant: Variant, child: Descriptor) -> Variant:
    """What was read once, as this entry of the index lists it: an index may name one child thousands of times."""
    if child is variant.descriptor:
        return variant
    built_for = variant.config.platform if variant.config else None
    return replace(variant, descriptor=child, platform=child.platform or built_for)


def _config(source: Source, manifest: Manifest) -> ImageConfig | None:
    if not is_image_config(manifest.config.media_type):
        return None
    try:
        return read_config(source, manifest)
    except ContentUnknown:
        return None
