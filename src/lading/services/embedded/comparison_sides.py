"""One side of a comparison, from an image's own documents or from what its environment tells of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lading.oci.digest import Digest
from lading.oci.instants import parse_instant
from lading.services.descriptions import Description, Variant, steps
from lading.services.embedded.comparison import Compared
from lading.services.embedded.views import document_of, told_step
from lading.services.environment_images import Details, Step
from lading.services.environments.image_layers import layers_of, told_layers


def compared(description: Description, variant: Variant) -> tuple[Compared, Digest | None]:
    """Of one platform of an image, and the digest of its config, by which scans and inventories know it."""
    config, manifest = variant.config, variant.manifest
    side = Compared(
        str(description.root.digest),
        description.name,
        str(variant.platform or ""),
        tuple(str(each.platform) for each in description.variants if each.platform and each.complete),
        parse_instant(config.created) if config and config.created else None,
        told_layers([told_step(step) for step in reversed(steps(variant))], config.diff_ids if config else ()),
        document_of(config),
    )
    return side, manifest.config.digest if manifest else None


def compared_details(name: str, details: Details, history: Sequence[Step]) -> Compared:
    """Of an environment's image, which is called `name`."""
    summary = details.summary
    return Compared(
        summary.id,
        name,
        details.platform,
        summary.platforms,
        summary.created,
        layers_of(details, history),
        details.document,
    )
