"""Images that a real program could run: layers are tars, configs name their diffIDs."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.image_config import HistoryStep, ImageConfig
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD
from lading.oci.platform import Platform
from tests.fakes.memory import MemoryStore

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

AMD64 = Platform("linux", "amd64")
CREATED = "2026-01-02T03:04:05Z"


def packed_by_gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def packed_by_zstd(content: bytes) -> bytes:
    return zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1})


def packed_by_xz(content: bytes) -> bytes:
    return lzma.compress(content)


def packed_by_bzip2(content: bytes) -> bytes:
    return bz2.compress(content)


def as_it_is(content: bytes) -> bytes:
    return content


Pack = Callable[[bytes], bytes]
LAYER_TYPES: Mapping[Pack, str] = {
    as_it_is: OCI_LAYER,
    packed_by_gzip: OCI_LAYER_GZIP,
    packed_by_zstd: OCI_LAYER_ZSTD,
}


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A tar of plain files, ended as it should be."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return raw.getvalue()


def layer_tars(count: int = 2, size: int = 3000) -> list[bytes]:
    """Different layers of one file each."""
    return [tar_of({f"etc/layer-{number}": bytes([65 + number]) * size}) for number in range(count)]


def put_root_image(
    store: MemoryStore,
    tars: list[bytes] | None = None,
    *,
    pack: Pack = packed_by_gzip,
    platform: Platform = AMD64,
    label: str = "",
) -> Descriptor:
    """A whole image of these layers; `label` makes another of the same layers."""
    plain = layer_tars() if tars is None else tars
    steps = [HistoryStep(CREATED, f"step {number}{label}") for number in range(len(plain))]
    config = ImageConfig.build(platform, CREATED, [Digest.of(tar) for tar in plain], steps)
    layers = [store.put(pack(tar), LAYER_TYPES[pack]) for tar in plain]
    manifest = Manifest.build(store.put(config.raw, OCI_CONFIG), layers)
    descriptor = manifest.descriptor()
    store.blobs[descriptor.digest] = manifest.raw
    store.held[descriptor.digest] = descriptor
    return replace(descriptor, platform=platform)
