"""Layers that hosts sent through us, on every database."""

from __future__ import annotations

from lading.backends.database.service_database import ServiceDatabase
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_LAYER_GZIP, OCI_LAYER_ZSTD
from lading.services.relays.records import place_of

FIRST, SECOND, THIRD = (Digest.of(each) for each in (b"first", b"second", b"third"))
HERE, THERE = place_of(1), place_of(11)


def blob(content: bytes, media_type: str = OCI_LAYER_GZIP) -> Descriptor:
    return Descriptor(media_type, Digest.of(content), 2**40 + len(content))


def test_what_is_learned_of_one_host_is_known_of_it_alone(database: ServiceDatabase) -> None:
    layers = database.layers
    learned = {FIRST: blob(b"1"), SECOND: blob(b"2", OCI_LAYER_ZSTD)}
    layers.learn(HERE, learned, 10.0)
    layers.learn(HERE, {}, 10.0)

    assert layers.blobs(HERE, [FIRST, SECOND, THIRD]) == learned
    assert layers.blobs(HERE, []) == {}
    assert layers.blobs(THERE, [FIRST]) == {}


def test_what_is_learned_anew_replaces_what_was_known(database: ServiceDatabase) -> None:
    layers = database.layers
    layers.learn(HERE, {FIRST: blob(b"1")}, 10.0)
    layers.learn(HERE, {FIRST: blob(b"packed otherwise")}, 20.0)

    assert layers.blobs(HERE, [FIRST]) == {FIRST: blob(b"packed otherwise")}


def test_what_was_not_used_for_long_is_forgotten(database: ServiceDatabase) -> None:
    layers = database.layers
    layers.learn(HERE, {FIRST: blob(b"1"), SECOND: blob(b"2")}, 10.0)
    layers.learn(HERE, {SECOND: blob(b"2")}, 20.0)

    layers.forget(15.0)

    assert set(layers.blobs(HERE, [FIRST, SECOND])) == {SECOND}
