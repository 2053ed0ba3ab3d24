"""What our content takes in a bucket."""

from __future__ import annotations

from lading.backends.content_store.objects import keys
from lading.backends.content_store.objects.bucket import Bucket
from lading.services.content.storage_figures import DiskFigures, Sum


def bucket_figures(bucket: Bucket) -> DiskFigures:
    """Looked up now, by listing all of it. What an object store has left, nobody can ask. Raises BucketFailed."""
    partial, uploads = _sum(bucket, keys.PARTIAL), _sum(bucket, keys.UPLOADS)
    return DiskFigures(
        stored=_sum(bucket, keys.BLOBS),
        unfinished=Sum(partial.pieces + uploads.pieces, partial.size + uploads.size),
        damaged=_sum(bucket, keys.DAMAGED),
        free=None,
        capacity=None,
    )


def _sum(bucket: Bucket, folder: str) -> Sum:
    pieces = size = 0
    for entry in bucket.entries(folder):
        pieces, size = pieces + 1, size + entry.size
    return Sum(pieces, size)
