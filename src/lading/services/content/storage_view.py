"""The figures of our storage in JSON, for every door; sizes are in bytes."""

from __future__ import annotations

from collections.abc import Mapping

from lading.oci.instants import instant
from lading.services.content.storage_figures import Figures, RepositoryFigures, Sum


def figures_json(figures: Figures) -> dict[str, object]:
    """All of it."""
    named, disk = figures.named, figures.disk
    return {
        "countedAt": instant(figures.counted),
        "repositories": named.repositories,
        "images": named.images,
        "logical": named.logical,
        "stored": _sum(disk.stored),
        "shared": figures.shared,
        "reclaimable": _sum(figures.reclaimable),
        "unfinished": _sum(disk.unfinished),
        "damaged": _sum(disk.damaged),
        "free": disk.free,
        "capacity": disk.capacity,
    }


def repository_figures_json(figures: RepositoryFigures) -> dict[str, object]:
    """One repository."""
    return {
        "name": figures.name,
        "tags": figures.tags,
        "manifests": figures.manifests,
        "blobs": figures.blobs,
        "logical": figures.logical,
        "unique": figures.unique,
        "shared": figures.logical - figures.unique,
    }


def _sum(of: Sum) -> Mapping[str, int]:
    return {"pieces": of.pieces, "bytes": of.size}
