"""What a content folder takes on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lading.backends.content_store.storage import storing
from lading.backends.content_store.tree import Tree
from lading.services.content.storage_figures import DiskFigures, Sum


def disk_figures(tree: Tree) -> DiskFigures:
    """Looked up now. A partial counts with what it takes, which may be all that will come. Raises StorageUnusable."""
    with storing(tree.root):
        status = os.statvfs(tree.root)
        return DiskFigures(
            stored=_sum(tree.blobs()),
            unfinished=_sum([*tree.partials(), *tree.uploads.iterdir(), *tree.trash.iterdir()]),
            damaged=_sum(tree.all_damaged()),
            free=status.f_bavail * status.f_frsize,
            capacity=status.f_blocks * status.f_frsize,
        )


def _sum(paths: Iterable[Path]) -> Sum:
    pieces = size = 0
    for path in paths:
        with suppress(FileNotFoundError):
            size += path.stat().st_size
            pieces += 1
    return Sum(pieces, size)
