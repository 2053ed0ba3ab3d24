"""What one layer says of packages, and what a stack of layers comes to.

A layer is read once, whatever images have it: what it adds, hides and owns is kept by its diffID. An image is the
overlay of its layers, from the base up (image-spec, layer.md, Applying Changesets).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lading.inventory.package import OsRelease, Package
from lading.oci.digest import Digest

CATALOGER_VERSION = 2
"""Raised by one whenever a layer would be read differently: what was kept under a lower number is read again."""


@dataclass(frozen=True, slots=True)
class LayerInventory:
    """What is worth knowing of one layer. Paths are those in the image, without a leading slash.

    `packages` are by the path of their evidence; a path with none hides what a lower layer had there. `owned` are, by
    the path of a package database or list, then by the name of a distribution's package, the files that it owns, as far
    as they may be evidence of other packages. `links` are symbolic links by their path, as they are written; one hides
    all that a lower layer had there and beneath. `implied` are folders that hold any of this and no member names: a
    lower layer's link in such a place is followed, where a named folder takes the link's place. A folder that takes a
    file's place is known by what is kept or hidden in it.

    `whiteouts` hide a path and all beneath it, `opaque` all beneath a directory. `notes` say what could not be read, by
    the path they speak of; `""` where they speak of the layer. `size` is the layer's length in bytes, uncompressed.
    """

    diff_id: Digest
    size: int
    packages: Mapping[str, tuple[Package, ...]] = field(default_factory=dict)
    releases: Mapping[str, OsRelease] = field(default_factory=dict)
    owned: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    implied: tuple[str, ...] = ()
    whiteouts: tuple[str, ...] = ()
    opaque: tuple[str, ...] = ()
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Installed:
    """A package of an image: the layer that brought it, and the distribution's package that owns it, if one does."""

    package: Package
    layer: Digest
    owned_by: str = ""


@dataclass(frozen=True, slots=True)
class ImageInventory:
    """All that is installed in an image, in order of type, name, version and path."""

    release: OsRelease | None
    packages: tuple[Installed, ...]
    notes: tuple[str, ...] = ()
