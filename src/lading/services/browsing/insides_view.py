"""What is inside images, where they are and how two differ, as JSON: what the REST door answers and the command line
prints. Times are ISO 8601, in UTC; sizes are bytes. What nobody knows is null."""

from __future__ import annotations

from collections.abc import Sequence

from lading.oci.digest import Digest
from lading.services.browsing.image_insides import LayersSeen
from lading.services.browsing.layer_grids import LayerGrid
from lading.services.browsing.whereabouts import ImagePlace
from lading.services.embedded.comparison import Compared, Difference, FindingChanges, PackageChanges, PackageVersions
from lading.services.environments.image_layers import Layer
from lading.services.findings.scanner import Finding
from lading.services.json_values import Json, iso


def layers_json(seen: LayersSeen) -> Json:
    """An image from its base up."""
    summary = seen.details.summary
    return {
        "id": summary.id,
        "platform": seen.details.platform,
        "platforms": list(summary.platforms),
        "layers": [_layer(row, seen) for row in seen.layers.rows],
        "total": seen.layers.total,
        "unique": seen.unique,
    }


def place_json(place: ImagePlace) -> Json:
    """Somewhere that an image may be."""
    return {
        "kind": place.kind.value,
        "name": place.name,
        "environmentId": place.environment,
        "reference": place.reference,
        "imageId": place.image,
        "state": place.state.value,
        "seenAt": iso(place.seen),
    }


def difference_json(difference: Difference) -> Json:
    """Two images; `a` is the first."""
    layers = difference.layers
    lists = {"same": layers.same, "added": layers.added, "removed": layers.removed}
    return {
        "a": _compared(difference.before),
        "b": _compared(difference.after),
        "same": difference.same,
        "layers": {name: [_compared_layer(row) for row in rows] for name, rows in lists.items()},
        "config": [{"name": each.name, "before": each.before, "after": each.after} for each in difference.settings],
        "packages": None if difference.packages is None else _packages(difference.packages),
        "findings": None if difference.findings is None else _findings(difference.findings),
    }


def grid_json(grid: LayerGrid) -> Json:
    """Tags and layers of a repository."""
    return {
        "layers": [{"digest": str(each.digest), "size": each.size} for each in grid.layers],
        "tags": [
            {
                "tag": each.tag.name,
                "digest": str(each.tag.digest),
                "pointedAt": iso(each.tag.pointed),
                "has": list(each.has),
            }
            for each in grid.tags
        ],
        "moreTags": grid.more_tags,
        "moreLayers": grid.more_layers,
    }


def _layer(row: Layer, seen: LayersSeen) -> Json:
    shared = None if seen.shared is None or row.digest is None else seen.shared[row.digest]
    return {
        **_compared_layer(row),
        "created": iso(row.created),
        "comment": row.comment,
        "shared": shared,
        "empty": row.empty,
    }


def _compared(image: Compared) -> Json:
    return {
        "id": image.id,
        "name": image.name,
        "platform": image.platform,
        "platforms": list(image.platforms),
        "created": iso(image.created),
        "size": image.layers.total,
    }


def _compared_layer(row: Layer) -> Json:
    return {
        "digest": _digest(row.digest),
        "diffId": _digest(row.diff_id),
        "size": row.size,
        "createdBy": row.step,
    }


def _packages(changes: PackageChanges) -> Json:
    return {
        "added": [each for found in changes.added for each in _package(found, found.after)],
        "removed": [each for found in changes.removed for each in _package(found, found.before)],
        "changed": [
            {"type": each.type.value, "name": each.name, "before": list(each.before), "after": list(each.after)}
            for each in changes.changed
        ],
        "same": changes.same,
    }


def _package(found: PackageVersions, versions: Sequence[str]) -> list[Json]:
    return [{"type": found.type.value, "name": found.name, "version": version} for version in versions]


def _findings(changes: FindingChanges) -> Json:
    found = changes.findings
    lists = {"fixed": found.fixed, "new": found.new, "same": found.same}
    return {
        "scanner": changes.scanner,
        **{name: [_finding(each) for each in findings] for name, findings in lists.items()},
    }


def _finding(finding: Finding) -> Json:
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "package": finding.package,
        "version": finding.version,
        "fixedVersion": finding.fixed_version,
    }


def _digest(digest: Digest | None) -> str | None:
    return None if digest is None else str(digest)
