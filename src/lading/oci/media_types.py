"""Media types: what kind of content a descriptor names (image-spec, media-types.md; Docker's image manifest v2).

Types are compared as they are written; parameters (`; charset=utf-8`) belong to HTTP and are cut off by `essence`.
"""

from __future__ import annotations

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"

OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"

INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
IMAGE_CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})
"""Configs that describe a root file system; any other belongs to an artifact."""

MANIFEST_TYPES = (OCI_INDEX, DOCKER_INDEX, OCI_MANIFEST, DOCKER_MANIFEST)
"""What an Accept header asks for: everything that Lading parses, the indexes first so that none is narrowed for us."""

_SCHEMA1 = frozenset({DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED})
_FOREIGN_PREFIXES = (
    "application/vnd.oci.image.layer.nondistributable.",
    "application/vnd.docker.image.rootfs.foreign.",
)


def essence(content_type: str) -> str:
    """The media type of an HTTP Content-Type field: lower case and without parameters (RFC 9110, 8.3.1)."""
    return content_type.partition(";")[0].strip().lower()


def is_index(media_type: str) -> bool:
    """Whether it names a choice of manifests (Docker says manifest list)."""
    return media_type in INDEXES


def is_document(media_type: str) -> bool:
    """Whether it names a manifest or an index: small, read whole, and its children are followed."""
    return media_type in MANIFEST_TYPES


def is_schema1(media_type: str) -> bool:
    """Whether it is Docker's first manifest schema, dead since 2015 and refused everywhere in Lading."""
    return media_type in _SCHEMA1


def is_image_config(media_type: str) -> bool:
    """Whether it describes a root file system, so that ImageConfig can read it."""
    return media_type in IMAGE_CONFIGS


def is_foreign_layer(media_type: str) -> bool:
    """Whether its licence keeps it off registries: fetched from the descriptor's `urls` (image-spec, layer.md)."""
    return media_type.startswith(_FOREIGN_PREFIXES)
