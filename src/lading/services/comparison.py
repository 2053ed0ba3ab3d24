"""Two images side by side: what `lading diff` says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from lading.oci.descriptor import Descriptor
from lading.oci.image_config import ImageConfig
from lading.oci.platform import Platform
from lading.services.descriptions import Description


@dataclass(frozen=True, slots=True)
class Setting:
    """A field of the config that differs, as each image has it."""

    name: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Two images on one platform: layers both have, layers only one has, and settings that differ."""

    left: Description
    right: Description
    platform: Platform | None
    shared: tuple[Descriptor, ...]
    only_left: tuple[Descriptor, ...]
    only_right: tuple[Descriptor, ...]
    settings: tuple[Setting, ...]

    @property
    def same(self) -> bool:
        """Whether both are one image, byte for byte."""
        return self.left.root.digest == self.right.root.digest


def compare(left: Description, right: Description, platform: Platform) -> Difference:
    """What differs between two images on one platform. Raises PlatformMissing."""
    one, other = left.variant(platform), right.variant(platform)
    ours = one.manifest.layers if one.manifest else ()
    theirs = other.manifest.layers if other.manifest else ()
    both = {layer.digest for layer in ours} & {layer.digest for layer in theirs}
    return Difference(
        left,
        right,
        one.platform,
        tuple(layer for layer in ours if layer.digest in both),
        tuple(layer for layer in ours if layer.digest not in both),
        tuple(layer for layer in theirs if layer.digest not in both),
        tuple(_settings(one.config, other.config)),
    )


def _settings(left: ImageConfig | None, right: ImageConfig | None) -> Iterator[Setting]:
    if left is None or right is None:
        return
    if left.created != right.created:
        yield Setting("created", left.created or "", right.created or "")
    for field in fields(left.execution):
        ours, theirs = getattr(left.execution, field.name), getattr(right.execution, field.name)
        if ours != theirs:
            yield Setting(field.name, _text(ours), _text(theirs))


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return " ".join(f"{name}={text}" for name, text in value.items()) if isinstance(value, dict) else str(value)
