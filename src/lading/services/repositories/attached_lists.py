"""What a list of what is attached to an image says, entry by entry, as its bytes have it.

Digests alone do not tell: cosign's signatures are annotations, and all of one image's share one payload; and a list of
referrers says of each what it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from lading.engine.reach import read_checked
from lading.engine.stores import ContentUnknown
from lading.errors import ContentCorrupt
from lading.oci.descriptor import Descriptor
from lading.oci.document import write_json
from lading.oci.manifest import Index, Manifest, ManifestInvalid, parse_manifest
from lading.services.repositories.rows import HeldManifest
from lading.wire.message import Reader

Listed = Callable[[HeldManifest], Counter[bytes] | None]
"""The entries of a held manifest: an index's manifests, another's layers. None where its bytes cannot be read. A digest
names the same bytes for ever, so a decision that asks is as pure as before."""


def unread(_manifest: HeldManifest) -> Counter[bytes] | None:
    """Fulfils Listed where there are no bytes."""
    return None


def listed_in(opened: Callable[[Descriptor], Reader]) -> Listed:
    """As these bytes say. What it gives raises ReadFailed."""

    def listed(manifest: HeldManifest) -> Counter[bytes] | None:
        read = document(manifest.descriptor, opened)
        if read is None:
            return None
        return Counter(_written(entry) for entry in (read.manifests if isinstance(read, Index) else read.layers))

    return listed


def document(descriptor: Descriptor, opened: Callable[[Descriptor], Reader]) -> Manifest | Index | None:
    """What the bytes of a held manifest say; None where they are gone or damaged. Raises ReadFailed."""
    try:
        return parse_manifest(read_checked(descriptor, opened(descriptor)), descriptor.media_type)
    except (ContentUnknown, ContentCorrupt, ManifestInvalid):
        return None


def loses_nothing(before: Counter[bytes] | None, after: Counter[bytes] | None) -> bool:
    """Whether all that was said still is, as often."""
    return before is not None and after is not None and before <= after


def _written(entry: Descriptor) -> bytes:
    """Always the same for the same, whatever the order of its members and annotations was."""
    members = entry.written()
    return write_json(members | {"annotations": sorted(entry.annotations.items())})
