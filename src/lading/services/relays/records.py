"""What is remembered of layers that came from Docker hosts: LayerRecords, which the database fulfils.

A host knows a layer by its diffID, the digest of the plain tar; registries by the digest of the compressed blob. Who
has packed a layer once need not do so again, and a registry that has the blob is sent nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest


def place_of(environment: int) -> str:
    """What is known of one host's layers is that host's word, and told of no other's: `environment` is its row."""
    return f"environment/{environment}"


class LayerRecords(Protocol):
    """Blobs by place and diffID. Every method raises StorageFailed."""

    def blobs(self, place: str, diff_ids: Collection[Digest]) -> Mapping[Digest, Descriptor]:
        """Those of these layers that are known there."""

    def learn(self, place: str, blobs: Mapping[Digest, Descriptor], at: float) -> None:
        """By diffID; what was known before is replaced. `at`, in seconds since 1970, is when they were used."""

    def forget(self, before: float) -> None:
        """What was not used since then."""
