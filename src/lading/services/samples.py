"""Two small real images that share a base, made of bytes computed on the spot: what `lading demo` moves.

The same version of Lading always makes the same bytes, so their digests can be compared between machines.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zlib
from collections.abc import Mapping

from lading.oci.archive import INDEX_FILE, LAYOUT_FILE, LAYOUT_TEXT, REF_NAME, blob_member
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.image_config import HistoryStep, ImageConfig
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER_GZIP
from lading.oci.platform import Platform

BASE_SIZE = 3_000_000
"""Bytes of the shared base that do not compress: large enough that sharing it shows."""

CREATED = "2026-01-01T00:00:00Z"
_GZIP = 16 + zlib.MAX_WBITS

Files = Mapping[str, bytes]


def sample_archive(name: str, greeting: str, platform: Platform) -> bytes:
    """An OCI archive with one image called `name`: a base that all samples share, and a file that greets."""
    base = _layer({"etc/os-release": b'ID=demo\nNAME="Lading demo"\n', "usr/share/demo/base": _noise(b"base")})
    top = _layer({"app/greeting": f"{greeting}\n".encode(), "app/detail": _noise(greeting.encode())[:20_000]})
    layers = [(base, "COPY base /"), (top, f"COPY {greeting} /app")]
    blobs: dict[str, bytes] = {}
    config = ImageConfig.build(
        platform,
        CREATED,
        [Digest.of(zlib.decompress(layer, _GZIP)) for layer, _ in layers],
        [HistoryStep(CREATED, step) for _, step in layers],
    )
    manifest = Manifest.build(
        _kept(blobs, config.raw, OCI_CONFIG), [_kept(blobs, layer, OCI_LAYER_GZIP) for layer, _ in layers]
    )
    root = _kept(blobs, manifest.raw, manifest.media_type)
    named = Descriptor(root.media_type, root.digest, root.size, annotations={REF_NAME: name})
    layout: Files = {LAYOUT_FILE: LAYOUT_TEXT, INDEX_FILE: Index.build([named]).raw}
    return _tar({**layout, **blobs})


def _kept(blobs: dict[str, bytes], content: bytes, media_type: str) -> Descriptor:
    digest = Digest.of(content)
    blobs[blob_member(digest)] = content
    return Descriptor(media_type, digest, len(content))


def _layer(files: Files) -> bytes:
    compress = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    return compress.compress(_tar(files)) + compress.flush()


def _noise(seed: bytes) -> bytes:
    return hashlib.shake_256(seed).digest(BASE_SIZE)


def _tar(files: Files) -> bytes:
    """Names in their given order, owned by root, at the beginning of time."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()
