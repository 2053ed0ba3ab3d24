"""Reading an image's documents: manifests and indexes, and the configs they name, checked against their digests."""

from __future__ import annotations

from lading.engine.content import SourceContent
from lading.engine.graph import read_document
from lading.engine.reach import read_checked
from lading.engine.stores import Source
from lading.errors import ContentCorrupt
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.document import DOCUMENT_LIMIT
from lading.oci.image_config import ImageConfig
from lading.oci.manifest import Index, Manifest


class ConfigTooLarge(ContentCorrupt):
    """A config that claims more bytes than any document may have."""

    def __init__(self, digest: Digest, size: int, where: str) -> None:
        super().__init__(digest, size, where)
        self.digest, self.size, self.where = digest, size, where

    def __str__(self) -> str:
        return f"the config {self.digest} in {self.where} has {self.size} bytes; {DOCUMENT_LIMIT} are allowed"


def read_manifest(source: Source, descriptor: Descriptor) -> Manifest | Index:
    """Raises ContentUnknown, ContentCorrupt, GraphRefused, ManifestInvalid, SchemaOneRefused, NetworkFailed."""
    return read_document(SourceContent(source, descriptor), descriptor)


def read_config(source: Source, manifest: Manifest) -> ImageConfig:
    """Raises ContentUnknown, ContentCorrupt, ConfigInvalid, NetworkFailed."""
    config = manifest.config
    if config.size > DOCUMENT_LIMIT:
        raise ConfigTooLarge(config.digest, config.size, source.name)
    return ImageConfig.parse(read_checked(config, SourceContent(source, config).open()))
