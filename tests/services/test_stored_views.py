"""Views of stored images: whose word for a layer's digest is taken."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from lading.engine.stores import Source
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest, DigestMismatch
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER
from lading.services.findings.scanner import ViewedLayer
from lading.services.image_layouts import LayoutParts
from lading.services.inventories.stored_views import StoredView
from lading.wire.message import Reader
from tests.fakes.images import AMD64
from tests.fakes.memory import MemoryStore

TRUE, FALSE = b"true layer", b"fake layer"
LAYER = Descriptor(OCI_LAYER, Digest.of(TRUE), len(TRUE))
CONFIG = Descriptor(OCI_CONFIG, Digest.of(b"{}"), 2)


def no_layout(parts: LayoutParts) -> AbstractContextManager[Path]:
    raise AssertionError(f"nobody asks for one of {parts.manifest}")


def opened(source: Source, *, proven: bool = True) -> Reader:
    layer = ViewedLayer(Digest.of(TRUE), LAYER, proven)
    return StoredView("id", "name", CONFIG, CONFIG, AMD64, (layer,), source, no_layout).open(layer)


def whole(reader: Reader) -> bytes:
    buffer, content = memoryview(bytearray(64)), b""
    while count := reader.readinto(buffer):
        content += buffer[:count]
    return content


@pytest.fixture
def registry() -> MemoryStore:
    """Which gives something else under the layer's digest, of the same length."""
    store = MemoryStore()
    store.blobs[LAYER.digest] = FALSE
    return store


def test_what_a_registry_sends_is_checked(registry: MemoryStore) -> None:
    """Else what was read would be remembered under a digest that it does not have."""
    with pytest.raises(DigestMismatch):
        whole(opened(registry))

    registry.blobs[LAYER.digest] = TRUE
    assert whole(opened(registry)) == TRUE


def test_a_folder_is_read_as_it_is(registry: MemoryStore) -> None:
    """Nothing of it is remembered under its digests, and what it unpacks to is checked."""
    assert whole(opened(registry, proven=False)) == FALSE
