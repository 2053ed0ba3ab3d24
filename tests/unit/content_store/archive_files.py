"""The members of small image archives, and how they are read."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from lading.backends.content_store.archive import ArchiveSource, open_archive
from lading.engine.arrival import Destination
from lading.engine.cancel import Cancellation
from lading.oci.archive import LAYOUT_TEXT, blob_member
from lading.oci.descriptor import Descriptor
from lading.oci.layout_index import EMPTY, point
from lading.oci.manifest import Manifest, parse_manifest
from tests.fakes.memory import MemoryStore
from tests.fakes.root_images import (
    Pack,
    as_it_is,
    layer_tars,
    put_root_image,
)
from tests.fakes.work import run_copy

Files = Mapping[str, bytes]


def read(raw: bytes, scratch: Path) -> ArchiveSource:
    return open_archive(io.BytesIO(raw), scratch, Cancellation())


def copied(archive: ArchiveSource, name: str) -> MemoryStore:
    back = MemoryStore(verifies=True)
    (arrival,) = run_copy(archive, archive.resolve(name), [Destination("back", back, ("x",))])
    assert arrival.error is None
    return back


def oci_files(*names: str) -> tuple[dict[str, bytes], Descriptor]:
    """The members of an OCI archive with one image."""
    source = MemoryStore()
    root = put_root_image(source)
    index = EMPTY
    for name in names or ("1.0",):
        index = point(index, name, root)
    files = {"oci-layout": LAYOUT_TEXT, "index.json": index}
    return files | {blob_member(digest): raw for digest, raw in source.blobs.items()}, root


def docker_files(pack: Pack = as_it_is) -> dict[str, bytes]:
    """The members of an archive as docker wrote them before version 25: config and a folder for each layer."""
    tars = layer_tars()
    source = MemoryStore()
    manifest = parse_manifest(source.blobs[put_root_image(source, tars).digest])
    assert isinstance(manifest, Manifest)
    config = f"{manifest.config.digest.encoded}.json"
    files = {f"layer{number}/layer.tar": pack(tar) for number, tar in enumerate(tars)}
    listing = [{"Config": config, "RepoTags": ["app:1", "q.io/app:2"], "Layers": list(files)}]
    return files | {
        config: source.blobs[manifest.config.digest],
        "manifest.json": json.dumps(listing).encode(),
        "repositories": b'{"app":{"1":"layer1"}}',
    }


def add_file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def add(tar: tarfile.TarFile, name: str, kind: bytes, link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    tar.addfile(member)
