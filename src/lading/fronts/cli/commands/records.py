"""Images and layers as `--format json` prints them."""

from __future__ import annotations

from lading.fronts.cli.console import Record
from lading.oci.descriptor import Descriptor
from lading.services.descriptions import Description, Variant


def layer_record(layer: Descriptor) -> Record:
    """A layer: what its manifest says of it."""
    return {"digest": str(layer.digest), "size": layer.size, "mediaType": layer.media_type}


def description_record(description: Description) -> Record:
    """An image with all its platforms."""
    return {
        "reference": description.name,
        "where": description.where,
        "digest": str(description.root.digest),
        "mediaType": description.root.media_type,
        "size": description.size,
        "created": description.created,
        "attestations": description.attestations,
        "platforms": [_variant_record(variant) for variant in description.variants],
    }


def _variant_record(variant: Variant) -> Record:
    execution = variant.config.execution if variant.config else None
    return {
        "platform": str(variant.platform) if variant.platform else None,
        "digest": str(variant.descriptor.digest),
        "complete": variant.complete,
        "size": variant.size,
        "config": str(variant.manifest.config.digest) if variant.manifest else None,
        "created": variant.config.created if variant.config else None,
        "layers": [layer_record(layer) for layer in variant.manifest.layers] if variant.manifest else [],
        "user": execution.user if execution else "",
        "entrypoint": list(execution.entrypoint) if execution else [],
        "command": list(execution.cmd) if execution else [],
        "environment": list(execution.env) if execution else [],
        "workingDirectory": execution.working_dir if execution else "",
        "ports": list(execution.exposed_ports) if execution else [],
        "volumes": list(execution.volumes) if execution else [],
        "labels": dict(execution.labels) if execution else {},
    }
