"""Images to move: OCI layouts of random layers, which nothing can compress, made the same way each time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

MIB = 1024 * 1024
CHUNK = MIB // 4


@dataclass(frozen=True, slots=True)
class Sample:
    """An image in a layout of its own; `size` is that of its layers, in bytes."""

    name: str
    layout: Path
    size: int


@dataclass(frozen=True, slots=True)
class Layer:
    """So many random bytes, grown from `seed`."""

    seed: int
    size: int


def samples(folder: Path, scale: float) -> dict[str, Sample]:
    """`five` and `changed` share four of five layers of 200 MiB at scale 1; `one` is a single layer of 2 GiB, `sixty`
    are many of 1 MiB."""
    large = max(1, int(200 * MIB * scale))
    five = [Layer(number, large) for number in range(5)]
    return {
        sample.name: sample
        for sample in (
            make(folder, "five", five),
            make(folder, "changed", [*five[:4], Layer(99, large)]),
            make(folder, "one", [Layer(100, max(1, int(2048 * MIB * scale)))]),
            make(folder, "sixty", [Layer(200 + number, max(1, int(MIB * scale))) for number in range(60)]),
        )
    }


def make(folder: Path, name: str, layers: Sequence[Layer]) -> Sample:
    """Write the layout. The layers are no tars: nobody here unpacks them."""
    layout = folder / name
    (layout / "blobs/sha256").mkdir(parents=True)
    written = [_write_layer(layout, layer) for layer in layers]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in written]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _write(layout, json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": written,
    }
    root = _write(layout, json.dumps(manifest).encode(), str(manifest["mediaType"]))
    root["annotations"] = {"org.opencontainers.image.ref.name": "1"}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [root]}))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return Sample(name, layout, sum(layer.size for layer in layers))


def _write_layer(layout: Path, layer: Layer) -> dict[str, object]:
    random, check, new = Random(layer.seed), hashlib.sha256(), layout / "blobs/sha256/new"
    with new.open("wb") as file:
        left = layer.size
        while left:
            chunk = random.randbytes(min(CHUNK, left))
            check.update(chunk)
            left -= file.write(chunk)
    new.rename(new.with_name(check.hexdigest()))
    return {
        "mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": f"sha256:{check.hexdigest()}",
        "size": layer.size,
    }


def _write(layout: Path, raw: bytes, media_type: str) -> dict[str, object]:
    encoded = hashlib.sha256(raw).hexdigest()
    (layout / "blobs/sha256" / encoded).write_bytes(raw)
    return {"mediaType": media_type, "digest": f"sha256:{encoded}", "size": len(raw)}
