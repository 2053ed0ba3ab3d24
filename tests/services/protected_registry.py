"""Rows in memory of a repository with images, indexes and signatures, under rules of one's choice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_INDEX, OCI_MANIFEST, is_index
from lading.oci.reference import cosign_tags, fallback_tag
from lading.services.repositories import decisions
from lading.services.repositories.edits import Edit
from lading.services.repositories.records import Decide
from lading.services.repositories.rows import HeldManifest
from lading.services.repositories.rules import Rule, TagRelease
from tests.fakes.repository_records import MemoryRecords

NOW = 1_700_000_000.0
DAY = 86_400.0


def manifest(name: bytes, *children: Digest, subject: Digest | None = None, of: str = OCI_MANIFEST) -> HeldManifest:
    return HeldManifest(Descriptor(of, Digest.of(name), len(name)), children, subject)


BLOBS = [Digest.of(name) for name in (b"config", b"layer", b"other")]
CONFIG, LAYER, OTHER = BLOBS
IMAGE = manifest(b"image", CONFIG, LAYER)
SECOND = manifest(b"second", CONFIG, OTHER)
IMAGE_DIGEST, SECOND_DIGEST = IMAGE.descriptor.digest, SECOND.descriptor.digest
INDEX = manifest(b"index", IMAGE_DIGEST, of=OCI_INDEX)
OUTER = manifest(b"outer", INDEX.descriptor.digest, of=OCI_INDEX)
SIGNATURE = manifest(b"signature", CONFIG, LAYER, subject=IMAGE_DIGEST)
SIGNATURE_DIGEST = SIGNATURE.descriptor.digest
OF_SIGNATURE = manifest(b"of signature", CONFIG, subject=SIGNATURE_DIGEST)
FALLBACK, COSIGN = fallback_tag(IMAGE_DIGEST), cosign_tags(IMAGE_DIGEST)[0]
LIST = manifest(b"list", SIGNATURE_DIGEST, of=OCI_INDEX)
LONGER = manifest(b"longer", SIGNATURE_DIGEST, OF_SIGNATURE.descriptor.digest, of=OCI_INDEX)


def named_by(what: HeldManifest) -> Counter[bytes]:
    """There are no bytes here, so a list says no more than digests; test_attached_lists has those that do."""
    return Counter(str(child).encode() for child in what.children[not is_index(what.descriptor.media_type) :])


class Registry:
    """Rows in memory at NOW, with all manifests held in `app`; `v1` names the image."""

    def __init__(self, *rules: Rule) -> None:
        self.records, self.now = MemoryRecords(), NOW
        for digest in BLOBS:
            self(decisions.hold_blob(digest, 5))
        for each in (IMAGE, SECOND, INDEX, OUTER, SIGNATURE, OF_SIGNATURE, LIST, LONGER):
            self.put(each)
        self.put(IMAGE, "v1")
        self.rule(*rules)

    def __call__(self, decide: Decide, repository: str = "app") -> Sequence[Edit]:
        return self.records.change(repository, decide, self.now)

    def rule(self, *rules: Rule) -> None:
        self(decisions.set_rules(rules))

    def put(self, what: HeldManifest, *tags: str) -> Sequence[Edit]:
        return self(decisions.put_manifest("app", what, tags, self.now, named_by))

    def delete(self, digest: Digest) -> Sequence[Edit]:
        return self(decisions.delete_manifest("app", digest, self.now))

    def untag(self, tag: str) -> Sequence[Edit]:
        return self(decisions.delete_tag("app", tag, self.now))

    def release(self, until: float | None = None) -> Sequence[Edit]:
        return self(decisions.release_tag("app", TagRelease("v1", "why", "ada", self.now, until), self.now))

    def rename(self, name: str) -> Sequence[Edit]:
        return self(decisions.rename_repository("app", name, self.now))
