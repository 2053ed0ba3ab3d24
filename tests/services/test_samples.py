from __future__ import annotations

import io
import json
import tarfile

from lading.oci.digest import Digest
from lading.oci.manifest import Manifest, parse_manifest
from lading.oci.platform import Platform
from lading.services.embedded.samples import BASE_SIZE, sample_archive

AMD64 = Platform("linux", "amd64")


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar}


def manifest_of(archive: bytes) -> Manifest:
    held = members(archive)
    digest = Digest.parse(json.loads(held["index.json"])["manifests"][0]["digest"])
    manifest = parse_manifest(held[f"blobs/{digest.algorithm}/{digest.encoded}"])
    assert isinstance(manifest, Manifest)
    return manifest


def test_the_same_sample_is_the_same_bytes() -> None:
    assert sample_archive("a:1", "hello", AMD64) == sample_archive("a:1", "hello", AMD64)


def test_samples_share_their_base_and_nothing_else() -> None:
    one, other = (manifest_of(sample_archive("a:1", text, AMD64)) for text in ("hello", "world"))

    shared = set(one.layers) & set(other.layers)
    assert [layer.size > BASE_SIZE for layer in shared] == [True]


def test_every_blob_is_what_its_name_says() -> None:
    for name, content in members(sample_archive("a:1", "hello", AMD64)).items():
        if name.startswith("blobs/"):
            assert Digest.of(content).encoded == name.rpartition("/")[2]
