"""What has to be held before a manifest may be, and as what: manifests and blobs are asked for at different doors.

A digest may be held as a blob alone, though its bytes are a manifest's; whoever is led to it by an index asks for the
manifest, and would be told that there is none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import is_document, is_foreign_layer


@dataclass(frozen=True, slots=True)
class Needs:
    """Of a manifest's children those that must be held: as blobs, as manifests, or `either` way, where a client may ask
    for it at either door: caches are indexes of layers, and some artifacts have manifests for layers."""

    blobs: tuple[Digest, ...] = ()
    manifests: tuple[Digest, ...] = ()
    either: tuple[Digest, ...] = ()

    @classmethod
    def together(cls, several: Iterable[Needs]) -> Needs:
        """What several manifests need, each once."""
        each = tuple(several)
        return cls(
            tuple(dict.fromkeys(digest for needs in each for digest in needs.blobs)),
            tuple(dict.fromkeys(digest for needs in each for digest in needs.manifests)),
            tuple(dict.fromkeys(digest for needs in each for digest in needs.either)),
        )

    @property
    def all(self) -> tuple[Digest, ...]:
        """Each of them."""
        return (*self.blobs, *self.manifests, *self.either)


def needs_of(manifest: Manifest | Index) -> Needs:
    """What its bytes say. A child that says where else it is found need not be held: its licence may forbid it."""
    needed = [child for child in manifest.children if not is_foreign_layer(child.media_type)]
    documents = _once(child for child in needed if is_document(child.media_type))
    others = _once(child for child in needed if not is_document(child.media_type))
    if isinstance(manifest, Index):
        return Needs(manifests=documents, either=_without(others, documents))
    return Needs(blobs=others, either=_without(documents, others))


def _once(children: Iterable[Descriptor]) -> tuple[Digest, ...]:
    return tuple(dict.fromkeys(child.digest for child in children))


def _without(digests: Iterable[Digest], others: Collection[Digest]) -> tuple[Digest, ...]:
    return tuple(digest for digest in digests if digest not in others)
