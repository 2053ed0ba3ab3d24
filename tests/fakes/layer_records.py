"""What is remembered of hosts' layers, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest


class MemoryLayers:
    """Fulfils LayerRecords."""

    def __init__(self) -> None:
        self.known: dict[str, dict[Digest, Descriptor]] = {}

    def blobs(self, place: str, diff_ids: Collection[Digest]) -> Mapping[Digest, Descriptor]:
        return {each: blob for each, blob in self.known.get(place, {}).items() if each in diff_ids}

    def learn(self, place: str, blobs: Mapping[Digest, Descriptor], at: float) -> None:
        self.known.setdefault(place, {}).update(blobs)

    def forget(self, before: float) -> None:
        raise AssertionError("that is a chore's")
