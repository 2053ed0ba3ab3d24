"""The platforms of an image that a gate is about: each is judged by itself, and none is passed over."""

from __future__ import annotations

from collections.abc import Sequence

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.platform import Platform, is_attestation, satisfies
from lading.services.environment_images import Part, PartKind
from lading.services.platforms import Wanted

Parts = Sequence[tuple[Digest, str]]
"""The manifests that are concerned, each with its platform in words; none where only a daemon knows them."""


def parts_of(root: Descriptor, document: Manifest | Index | None) -> Parts:
    """Of an image in a registry: what its index names, attestations excepted; itself where it is none."""
    if isinstance(document, Index):
        listed = [child for child in document.manifests if not (is_attestation(child) and _is_for_none(child.platform))]
        return [(child.digest, str(child.platform or "")) for child in listed]
    return [(root.digest, str(root.platform or ""))]


def sent(parts: Sequence[Part], wanted: Wanted | None) -> Parts:
    """Of an image of an environment: what a push may send, all that is here or that serves the platforms asked for."""
    platforms = wanted.platforms if wanted is not None else ()
    going = [part for part in parts if part.available and not _attests(part) and _goes(part, platforms)]
    return [(part.descriptor.digest, str(part.platform or "")) for part in going]


def _attests(part: Part) -> bool:
    """A daemon may tell an attestation without the platform and annotations that its index gives it."""
    untold = part.platform is None and not part.descriptor.annotations
    return part.kind is PartKind.ATTESTATION and (untold or _is_for_none(part.platform))


def _goes(part: Part, platforms: Sequence[Platform]) -> bool:
    """An attestation goes with the image that it names, whatever its own platform."""
    if not platforms or part.platform is None or part.kind is PartKind.ATTESTATION:
        return True
    return any(satisfies(part.platform, each) for each in platforms)


def _is_for_none(platform: Platform | None) -> bool:
    """As BuildKit lists attestations. With any other platform, or without one, docker and podman run what an annotation
    calls an attestation; and docker runs a manifest whatever the media type of its config."""
    return platform is not None and (platform.os, platform.architecture) == ("unknown", "unknown")
