"""An image as its registry has it: what a tag stands for there, and for which platforms. Nothing is brought."""

from __future__ import annotations

from lading.engine.content import at_source
from lading.oci.manifest import Index
from lading.oci.media_types import is_image_config
from lading.oci.platform import Platform
from lading.oci.reference import DEFAULT_TAG, Reference
from lading.services.content.stores import Readable
from lading.services.environments.orders import Distribution
from lading.services.platforms import images_of
from lading.services.reading import read_config, read_manifest


def distribution(registry: Readable, reference: Reference) -> Distribution:
    """Of one repository of a registry. An image that is no index says its platform in its config.

    Raises TagUnknown, AccessDenied, SchemaOneRefused, ContentCorrupt leaves, NetworkFailed.
    """
    with at_source():
        root = registry.resolve(reference.digest or reference.tag or DEFAULT_TAG)
        manifest = read_manifest(registry, root)
        platforms: list[Platform | None]
        if isinstance(manifest, Index):
            platforms = [child.platform for child in images_of(manifest)]
        elif is_image_config(manifest.config.media_type):
            platforms = [read_config(registry, manifest).platform]
        else:
            platforms = []
        return Distribution(root, tuple(platform for platform in platforms if platform is not None))
