"""Many images of their own layers, written straight into a docker-registry's storage: thousands of layers in seconds.

<root>/docker/registry/v2/blobs/sha256/ab/<hex>/data
<root>/docker/registry/v2/repositories/<name>/_layers/sha256/<hex>/link
                                             /_manifests/revisions/sha256/<hex>/link
                                             /_manifests/tags/<tag>/current/link
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from random import Random

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class SeededRegistry:
    """The storage of a docker-registry that is not running yet. The layers are no tars: nobody here unpacks them."""

    def __init__(self, root: Path, largest: int) -> None:
        """`largest` is the size of the largest layer, in bytes."""
        self._root = root / "docker/registry/v2"
        self._filling = Random(1).randbytes(largest)

    def add(self, name: str, layers: int, size: int) -> None:
        """The image `name:1`, of so many layers of this size that no other image has."""
        written = [
            self._layer(name, hashlib.sha256(f"{name}/{number}".encode()).digest() + self._filling[32:size])
            for number in range(layers)
        ]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {"name": name}},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in written]},
        }
        described = self._layer(name, json.dumps(config).encode()) | {"mediaType": CONFIG}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": written}
        hexadecimal = self._blob(json.dumps(manifest).encode())
        folder = self._root / "repositories" / name / "_manifests"
        self._link(folder / "revisions/sha256" / hexadecimal, hexadecimal)
        self._link(folder / "tags/1/current", hexadecimal)
        self._link(folder / "tags/1/index/sha256" / hexadecimal, hexadecimal)

    def _layer(self, name: str, content: bytes) -> dict[str, object]:
        hexadecimal = self._blob(content)
        self._link(self._root / "repositories" / name / "_layers/sha256" / hexadecimal, hexadecimal)
        return {"mediaType": LAYER, "digest": f"sha256:{hexadecimal}", "size": len(content)}

    def _blob(self, content: bytes) -> str:
        hexadecimal = hashlib.sha256(content).hexdigest()
        folder = self._root / "blobs/sha256" / hexadecimal[:2] / hexadecimal
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data").write_bytes(content)
        return hexadecimal

    @staticmethod
    def _link(folder: Path, hexadecimal: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "link").write_text(f"sha256:{hexadecimal}")
