"""OCI archives in memory: what a store holds, under an index of one's own making."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from lading.oci.archive import CONTAINERD_NAME, REF_NAME
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index
from tests.fakes.memory import MemoryStore
from tests.fakes.root_images import tar_of


def oci_archive(store: MemoryStore, entries: Iterable[Descriptor], without: Collection[Digest] = ()) -> bytes:
    """All that the store holds, except `without`; `entries` as index.json lists them."""
    blobs = {
        f"blobs/{digest.algorithm}/{digest.encoded}": raw
        for digest, raw in store.blobs.items()
        if digest not in without
    }
    listed = [replace(entry, platform=None) for entry in entries]
    return tar_of(
        {"oci-layout": json.dumps({"imageLayoutVersion": "1.0.0"}).encode(), "index.json": Index.build(listed).raw}
        | blobs
    )


def called(root: Descriptor, ref_name: str | None = None, whole_name: str | None = None) -> Descriptor:
    """An entry of index.json with these names."""
    names = {REF_NAME: ref_name, CONTAINERD_NAME: whole_name}
    annotations: Mapping[str, str] = {key: value for key, value in names.items() if value is not None}
    return replace(root, annotations=annotations)
