"""How many images of an environment have a piece of content. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from lading.oci.digest import Digest
from lading.services.environment_images import Summary


def contents_of(summary: Summary) -> Mapping[Digest, int]:
    """All that is here of an image, with sizes; each piece once, whatever platforms need it."""
    return {digest: size for part in summary.parts for digest, size in part.blobs.items()}


class ContentCounts:
    """Of one list of images, in which each image is once."""

    def __init__(self, images: Sequence[Summary]) -> None:
        self._counts: Counter[Digest] = Counter()
        for image in images:
            self._counts.update(set(contents_of(image)))

    def others(self, content: Digest, own: Collection[Digest]) -> int:
        """How many images have it besides one that consists of `own`."""
        return self._counts[content] - (content in own)
