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

SAMPLE_PACKAGE = "lading-demo-greeter"
SAMPLE_MENDED = "1.1"
SAMPLE_ADVISORY: Mapping[str, object] = {
    "schema_version": "1.7.0",
    "id": "DEMO-2026-1",
    "modified": CREATED,
    "published": CREATED,
    "summary": "It greets whoever asks",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": SAMPLE_PACKAGE},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": SAMPLE_MENDED}]}],
        }
    ],
}
"""What is wrong with the older of the two: made up, as the package is, so that there is something to find."""

_GZIP = 16 + zlib.MAX_WBITS

Files = Mapping[str, bytes]


def sample_archive(name: str, greeting: str, platform: Platform, version: str = "1.0") -> bytes:
    """An OCI archive with one image called `name`: a base that all samples share, a file that greets, and the package
    that SAMPLE_ADVISORY is about, in this version."""
    base = _layer({"etc/os-release": b'ID=demo\nNAME="Lading demo"\n', "usr/share/demo/base": _noise(b"base")})
    package = f"Metadata-Version: 2.1\nName: {SAMPLE_PACKAGE}\nVersion: {version}\n"
    top = _layer(
        {
            "app/greeting": f"{greeting}\n".encode(),
            "app/detail": _noise(greeting.encode())[:20_000],
            f"app/{SAMPLE_PACKAGE}-{version}.dist-info/METADATA": package.encode(),
        }
    )
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
