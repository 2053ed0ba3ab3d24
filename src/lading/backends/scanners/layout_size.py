"""How much room a scanner may need that unpacks an image: known only when it has, so guessed from above."""

from __future__ import annotations

from pathlib import Path

from lading.backends.scanners.failures import storing
from lading.oci.archive import INDEX_FILE, blob_member
from lading.oci.layout_index import read_index
from lading.oci.manifest import Manifest, parse_manifest

_TIMES = 3
"""How much longer a layer is than what it was compressed to: seldom more."""
_PLAIN = ".tar"


def unpacked_bytes(layout: Path) -> int:
    """All layers of the one image in this layout, unpacked. Raises FolderUnusable."""
    with storing(layout):
        entry = read_index((layout / INDEX_FILE).read_bytes())[0]
        manifest = parse_manifest((layout / blob_member(entry.digest)).read_bytes(), entry.media_type)
    layers = manifest.layers if isinstance(manifest, Manifest) else ()
    return sum(layer.size * (1 if layer.media_type.endswith(_PLAIN) else _TIMES) for layer in layers)
