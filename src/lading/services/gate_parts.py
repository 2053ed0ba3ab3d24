"""The platforms of an image that a gate is about: each is judged by itself, and none is passed over."""

from __future__ import annotations

from collections.abc import Sequence

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.platform import satisfies
from lading.services.environment import Part, PartKind
from lading.services.platforms import Wanted, images_of

Parts = Sequence[tuple[Digest, str]]
"""The manifests that are concerned, each with its platform in words; none where only a daemon knows them."""


def parts_of(root: Descriptor, document: Manifest | Index | None) -> Parts:
    """Of an image in a registry: what its index names, attestations excepted; itself where it is none."""
    if isinstance(document, Index):
        return [(child.digest, str(child.platform or "")) for child in images_of(document)]
    return [(root.digest, str(root.platform or ""))]


def sent(parts: Sequence[Part], wanted: Wanted | None) -> Parts:
    """Of an image of an environment: what a push may send, all that is here or that serves the platforms asked for."""
    images = [part for part in parts if part.kind is PartKind.IMAGE and part.available]
    platforms = wanted.platforms if wanted is not None else ()
    serving = [
        part
        for part in images
        if not platforms or part.platform is None or any(satisfies(part.platform, each) for each in platforms)
    ]
    return [(part.descriptor.digest, str(part.platform or "")) for part in serving]
