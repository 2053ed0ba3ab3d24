"""A small image, and how it gets to a played registry."""

from __future__ import annotations

from lading.backends.registry_client.repository import RegistryRepository
from lading.engine.stores import (
    Condition,
    Outcome,
)
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_CONFIG
from lading.wire.message import BytesContent
from tests.fakes.registry_client import Bench, layer

CONTENT = bytes(range(200))


LAYER = layer(CONTENT)


CONFIG = Descriptor(OCI_CONFIG, Digest.of(b"{}"), 2)


MANIFEST = Manifest.build(CONFIG, [LAYER])


ROOT = MANIFEST.descriptor()


def push(bench: Bench, repository: RegistryRepository, content: bytes = CONTENT) -> Outcome:
    return repository.push(layer(content), BytesContent(content), bench.track, bench.cancel)


def tag(
    bench: Bench, repository: RegistryRepository, *tags: str, condition: Condition = "any"
) -> dict[str, LadingError | None]:
    return dict(repository.tag(ROOT, BytesContent(MANIFEST.raw), tags, condition, bench.cancel))
