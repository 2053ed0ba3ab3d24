"""OCI layouts of real images, written by the standard library alone: the other side of every comparison is not ours."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Sequence
from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def write_blob(folder: Path, content: bytes) -> dict[str, object]:
    """Put the bytes where a layout keeps them; gives digest and size as a descriptor has them."""
    digest = hashlib.sha256(content).hexdigest()
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / digest).write_bytes(content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def layer(seed: str, size: int, symbols: int = 256) -> tuple[bytes, str]:
    """A gzip layer of one file of `size` bytes, and its diffID; the same for the same seed. All bytes do not compress,
    16 `symbols` of them to half the size."""
    content = random.Random(seed).randbytes(size)
    if symbols < 256:
        content = content.translate(bytes(byte % symbols for byte in range(256)))
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        member = tarfile.TarInfo(f"files/{seed}")
        member.size = size
        archive.addfile(member, io.BytesIO(content))
    plain = tar.getvalue()
    return gzip.compress(plain, 1, mtime=0), f"sha256:{hashlib.sha256(plain).hexdigest()}"


def write_image(folder: Path, layers: Sequence[tuple[bytes, str]], architecture: str = "amd64") -> dict[str, object]:
    """Config, layers and manifest of one image; gives the manifest's descriptor."""
    diff_ids = [diff_id for _, diff_id in layers]
    config = {"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json"}
        | write_blob(folder, json.dumps(config).encode()),
        "layers": [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"} | write_blob(folder, content)
            for content, _ in layers
        ],
    }
    platform = {"os": "linux", "architecture": architecture}
    return {"mediaType": MANIFEST} | write_blob(folder, json.dumps(manifest).encode()) | {"platform": platform}


def write_layout(folder: Path, tag: str, root: dict[str, object]) -> str:
    """Name `root` in the layout's index; gives its digest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    index = folder / "index.json"
    known = json.loads(index.read_text())["manifests"] if index.exists() else []
    entry = {key: value for key, value in root.items() if key != "platform"}
    known.append(entry | {"annotations": {"org.opencontainers.image.ref.name": tag}})
    index.write_text(json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": known}))
    return str(root["digest"])


def five_layers(folder: Path, tag: str = "v1", size: int = 400_000) -> str:
    """A layout with one image of five layers; gives its digest."""
    layers = [layer(f"{tag}-{number}", size * (number + 1)) for number in range(5)]
    return write_layout(folder, tag, write_image(folder, layers))
