"""What refers to a manifest, listed by hand where the registry does not (distribution-spec, Referrers Tag Schema).

A registry that lists referrers by itself answers a manifest that has a subject with `OCI-Subject`. Where it does not,
the client keeps an index under the tag `sha256-<hex>`: read, add, write. Two writers at once lose one of the entries,
so it is read again until ours is there; inside this process they wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lading.errors import ProtocolBroken
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.reference import fallback_tag
from lading.wire.listing import tagged_referrers
from lading.wire.manifests import Shelf, put
from lading.wire.message import Conversation

ROUNDS = 5


class ReferrerUnlisted(ProtocolBroken):
    """The list of what refers to a manifest does not keep an entry that is written into it."""

    def __init__(self, subject: Digest, referrer: Digest) -> None:
        super().__init__(subject, referrer)
        self.subject, self.referrer = subject, referrer

    def __str__(self) -> str:
        return f"the list of what refers to {self.subject} does not keep {self.referrer}, however often it is added"


def must_be_listed(manifest: Manifest | Index, answer: Mapping[str, str]) -> bool:
    """Whether the registry, having answered so to its push, leaves listing this referrer to us."""
    return manifest.subject is not None and "oci-subject" not in answer


def list_referrer(shelf: Shelf, manifest: Manifest | Index) -> Conversation[None]:
    """Add the manifest to its subject's list. Raises ReferrerUnlisted, and what `put` does."""
    assert manifest.subject is not None  # the caller asked must_be_listed
    subject = manifest.subject.digest
    entry = replace(manifest.descriptor(), annotations=manifest.annotations)
    for _ in range(ROUNDS):
        listed = yield from tagged_referrers(shelf, subject)
        if any(known.digest == entry.digest for known in listed):
            return
        index = Index.build([*listed, entry])
        yield from put(shelf, index.descriptor(), index.raw, fallback_tag(subject))
    raise ReferrerUnlisted(subject, entry.digest)
