"""services.inventories.inventories.Inventories as our reader fulfils it, with real children: what is read, kept and
forgotten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.backends.inventories.cache import InventoryCache
from lading.backends.inventories.reader import InventoryReader
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.inventory.layer import CATALOGER_VERSION, ImageInventory, LayerInventory
from lading.main.inventory_child import COMMAND
from lading.oci.digest import Algorithm, Digest
from lading.services.findings.scanner import ScanFailed
from lading.services.inventories.inventories import Inventories
from lading.wire.message import BytesReader, Reader
from tests.fakes.root_images import (
    Pack,
    as_it_is,
    packed_by_bzip2,
    packed_by_gzip,
    packed_by_xz,
    packed_by_zstd,
    tar_of,
)
from tests.fakes.viewed_images import KeptLayer, ViewedImage, filed, kept, streamed

STATUS = b"Package: base\nStatus: install ok installed\nVersion: 1.2-3\nArchitecture: all\n"
BASE = tar_of({"var/lib/dpkg/status": STATUS, "etc/os-release": b"ID=debian\nVERSION_ID=12\n"})


def python_layer(name: str, version: str) -> bytes:
    path = f"usr/local/lib/python3.11/site-packages/{name}-{version}.dist-info/METADATA"
    return tar_of({path: f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()})


DEMO = python_layer("demo", "1.0")
OTHER = python_layer("other", "2.0")


def silent(_read: int, _all: int) -> None:
    """Nobody listens."""


def packages(inventory: ImageInventory) -> list[tuple[str, str]]:
    return [(each.package.name, each.package.version) for each in inventory.packages]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "inventory.db"


@pytest.fixture
def reader(cache: Path) -> Iterator[InventoryReader]:
    made = InventoryReader(cache, COMMAND, children=2)
    yield made
    made.close()


@pytest.fixture
def inventories(reader: InventoryReader) -> Inventories:
    return reader


@pytest.fixture
def cancel() -> Cancellation:
    return Cancellation()


def test_an_image_is_what_its_layers_come_to(inventories: Inventories, cancel: Cancellation) -> None:
    told: list[tuple[int, int]] = []
    image = ViewedImage(kept(BASE), kept(DEMO, packed_by_gzip))

    inventory = inventories.image(image, lambda *figures: told.append(figures), cancel)

    assert packages(inventory) == [("base", "1.2-3"), ("demo", "1.0")]
    assert inventory.release is not None
    assert inventory.release.id == "debian"
    assert told[-1][1] == len(BASE) + len(packed_by_gzip(DEMO))


def test_a_second_image_that_shares_layers_opens_the_new_one(inventories: Inventories, cancel: Cancellation) -> None:
    inventories.image(ViewedImage(kept(BASE), kept(DEMO)), silent, cancel)
    second = ViewedImage(kept(BASE), kept(DEMO), kept(OTHER))

    assert packages(inventories.image(second, silent, cancel))[-1] == ("other", "2.0")
    assert second.opened == [Digest.of(OTHER)]


def test_the_same_image_is_not_opened_again(inventories: Inventories, cancel: Cancellation) -> None:
    first, again = ViewedImage(kept(BASE)), ViewedImage(kept(BASE))
    inventory = inventories.image(first, silent, cancel)
    told: list[tuple[int, int]] = []

    assert inventories.image(again, lambda *figures: told.append(figures), cancel) == inventory
    assert inventories.kept(first.config) == inventory
    assert (again.opened, told) == ([], [(0, 0)])


@pytest.mark.parametrize("pack", [as_it_is, packed_by_gzip, packed_by_zstd, packed_by_xz, packed_by_bzip2])
def test_compression_makes_no_difference(
    inventories: Inventories, cancel: Cancellation, tmp_path: Path, pack: Pack
) -> None:
    one = inventories.image(ViewedImage(kept(BASE, pack)), silent, cancel)
    inventories.forget([])
    other = inventories.image(ViewedImage(filed(tmp_path / "blob", BASE, pack)), silent, cancel)

    assert packages(one) == [("base", "1.2-3")]
    assert one == other


def test_a_layer_of_a_daemon_is_read_without_a_descriptor(inventories: Inventories, cancel: Cancellation) -> None:
    assert packages(inventories.image(ViewedImage(streamed(DEMO)), silent, cancel)) == [("demo", "1.0")]


def test_a_layer_that_stands_twice_is_read_once(inventories: Inventories, cancel: Cancellation) -> None:
    image = ViewedImage(kept(DEMO), kept(BASE), kept(DEMO))
    inventories.image(image, silent, cancel)

    assert sorted(image.opened) == sorted([Digest.of(DEMO), Digest.of(BASE)])


def test_an_image_without_layers_has_nothing(inventories: Inventories, cancel: Cancellation) -> None:
    assert inventories.image(ViewedImage(), silent, cancel).packages == ()


def test_a_layer_read_ahead_is_not_opened_again(inventories: Inventories, cancel: Cancellation) -> None:
    layer = kept(BASE, packed_by_gzip)
    assert layer.viewed.descriptor is not None
    for diff_id in (None, layer.viewed.diff_id):
        inventories.ahead(layer.viewed.descriptor, diff_id, layer.open)
    image = ViewedImage(layer)

    assert packages(inventories.image(image, silent, cancel)) == [("base", "1.2-3")]
    assert image.opened == []


def test_what_a_blob_unpacks_to_is_known_the_next_time(cache: Path, cancel: Cancellation) -> None:
    layer = kept(BASE, packed_by_gzip)
    assert layer.viewed.descriptor is not None
    opened: list[KeptLayer] = []

    def opening() -> Reader:
        opened.append(layer)
        return layer.open()

    for image in (ViewedImage(layer), ViewedImage(kept(DEMO))):
        reader = InventoryReader(cache, COMMAND, children=1)
        reader.ahead(layer.viewed.descriptor, None, opening)
        reader.image(image, silent, cancel)
        reader.close()

    assert len(opened) == 1


def test_a_layer_is_read_from_a_stream_unless_it_is_known(inventories: Inventories, cancel: Cancellation) -> None:
    inventory = inventories.layer(None, BytesReader(DEMO), cancel)

    assert inventory.diff_id == Digest.of(DEMO)
    assert inventories.known([Digest.of(DEMO), Digest.of(BASE)]) == {Digest.of(DEMO)}
    unread = BytesReader(b"not looked at")
    assert inventories.layer(Digest.of(DEMO), unread, cancel) == inventory
    assert unread.readinto(memoryview(bytearray(20))) == len(b"not looked at")


def test_the_diff_id_may_be_sha512(inventories: Inventories, cancel: Cancellation) -> None:
    diff_id = Digest.of(DEMO, Algorithm.SHA512)

    assert inventories.layer(diff_id, BytesReader(DEMO), cancel).diff_id == diff_id


def test_who_wants_another_algorithm_does_not_join(inventories: Inventories, cancel: Cancellation) -> None:
    first = kept(BASE, packed_by_gzip)
    second = kept(BASE, packed_by_gzip, diff_id=Digest.of(BASE, Algorithm.SHA512))
    assert first.viewed.descriptor is not None
    inventories.ahead(first.viewed.descriptor, None, first.open)

    assert packages(inventories.image(ViewedImage(second), silent, cancel)) == [("base", "1.2-3")]


def test_a_layer_that_is_not_what_the_config_says_is_refused(inventories: Inventories, cancel: Cancellation) -> None:
    lying = kept(BASE, diff_id=Digest.of(DEMO))

    with pytest.raises(ScanFailed, match="unpacks to something else"):
        inventories.image(ViewedImage(lying), silent, cancel)
    with pytest.raises(ScanFailed, match="unpacks to something else"):
        inventories.layer(Digest.of(OTHER), BytesReader(BASE), cancel)
    assert inventories.known([Digest.of(DEMO), Digest.of(OTHER)]) == frozenset()


def test_what_is_not_kept_is_forgotten(inventories: Inventories, cancel: Cancellation) -> None:
    first, second = ViewedImage(kept(BASE), kept(DEMO)), ViewedImage(kept(BASE), kept(OTHER))
    for image in (first, second):
        inventories.image(image, silent, cancel)

    inventories.forget([first.config, Digest.of(BASE), Digest.of(DEMO)])

    assert inventories.known(map(Digest.of, (BASE, DEMO, OTHER))) == {Digest.of(BASE), Digest.of(DEMO)}
    assert inventories.kept(first.config) is not None
    assert inventories.kept(second.config) is None


def test_everything_may_be_forgotten_and_the_file_lost(
    inventories: Inventories, cache: Path, cancel: Cancellation
) -> None:
    image = ViewedImage(kept(BASE))
    found = inventories.image(image, silent, cancel)
    cache.unlink()

    assert inventories.kept(image.config) is None
    assert inventories.image(image, silent, cancel) == found
    assert len(image.opened) == 2


def test_what_an_older_cataloger_read_is_not_known_and_goes(
    inventories: Inventories, cache: Path, cancel: Cancellation
) -> None:
    inventories.image(ViewedImage(kept(BASE)), silent, cancel)
    newer = InventoryCache(cache, CATALOGER_VERSION + 1)

    assert newer.known([Digest.of(BASE)]) == frozenset()
    newer.forget([Digest.of(BASE)])
    newer.close()
    assert inventories.known([Digest.of(BASE)]) == frozenset()


def test_a_damaged_row_counts_as_not_known(inventories: Inventories, cache: Path, cancel: Cancellation) -> None:
    image = ViewedImage(kept(BASE))
    found = inventories.image(image, silent, cancel)
    damaging = InventoryCache(cache)
    damaging.keep_layer(Digest.of(BASE), b"damaged")
    damaging.keep_layer(Digest.of(DEMO), b"damaged")
    damaging.close()

    assert packages(inventories.image(ViewedImage(kept(BASE), name="again"), silent, cancel)) == packages(found)
    assert isinstance(inventories.layer(Digest.of(DEMO), BytesReader(DEMO), cancel), LayerInventory)


def test_two_processes_share_what_they_read(cache: Path, cancel: Cancellation) -> None:
    readers = [InventoryReader(cache, COMMAND, children=1) for _ in range(2)]
    images = [ViewedImage(kept(BASE), kept(DEMO)) for _ in readers]
    for reader, image in zip(readers, images, strict=True):
        reader.image(image, silent, cancel)
        reader.close()

    assert images[1].opened == []


def test_many_who_ask_at_once_have_each_layer_read_once(reader: InventoryReader) -> None:
    layers = [kept(python_layer(f"demo{number}", "1.0"), packed_by_gzip) for number in range(8)]
    images = [ViewedImage(kept(BASE), *layers[: 2 + number], name=str(number)) for number in range(6)]
    found: list[int] = []

    def ask(image: ViewedImage) -> None:
        found.append(len(reader.image(image, silent, Cancellation()).packages))

    threads = [threading.Thread(target=ask, args=[image]) for image in images]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    opened = [digest for image in images for digest in image.opened]
    assert sorted(found) == [3, 4, 5, 6, 7, 8]
    assert len(opened) == len(set(opened)) == 8


def test_a_cancelled_call_reads_nothing(inventories: Inventories, cancel: Cancellation) -> None:
    cancel.cancel()
    image = ViewedImage(kept(BASE))

    with pytest.raises(Cancelled):
        inventories.image(image, silent, cancel)
    with pytest.raises(Cancelled):
        inventories.layer(None, BytesReader(BASE), cancel)
    assert image.opened == []


def test_after_the_end_nothing_is_read(reader: InventoryReader, cancel: Cancellation) -> None:
    reader.close()
    reader.close()

    with pytest.raises((Cancelled, ScanFailed)):
        reader.image(ViewedImage(kept(BASE)), silent, cancel)
    with pytest.raises((Cancelled, ScanFailed)):
        reader.layer(None, BytesReader(BASE), cancel)


def test_a_reader_that_cannot_start_children_says_so(tmp_path: Path, cancel: Cancellation) -> None:
    reader = InventoryReader(tmp_path / "inventory.db", [str(tmp_path / "no-python")])

    with pytest.raises(ScanFailed, match="no process to read layers in"):
        reader.image(ViewedImage(kept(BASE)), silent, cancel)
    reader.close()


def test_a_cache_that_cannot_be_kept_costs_only_time(tmp_path: Path, cancel: Cancellation) -> None:
    reader = InventoryReader(tmp_path / "missing" / "inventory.db", COMMAND)
    image = ViewedImage(kept(BASE))

    for _ in range(2):
        assert packages(reader.image(image, silent, cancel)) == [("base", "1.2-3")]
    assert len(image.opened) == 2
    reader.close()


def test_a_config_that_calls_a_layer_by_the_name_of_a_known_one_is_refused(
    inventories: Inventories, cancel: Cancellation
) -> None:
    """What a config says of its layers its author wrote: else any would pass for one that nothing is wrong with."""
    inventories.image(ViewedImage(kept(OTHER, packed_by_gzip)), silent, cancel)

    for name in ("another config", "image:1"):
        lying = ViewedImage(kept(DEMO, packed_by_gzip, diff_id=Digest.of(OTHER)), name=name)
        with pytest.raises(ScanFailed, match="it unpacks to something else"):
            inventories.image(lying, silent, cancel)


def test_a_layer_is_not_hidden_by_one_whose_name_it_has(inventories: Inventories, cancel: Cancellation) -> None:
    lying = ViewedImage(kept(DEMO, packed_by_gzip, diff_id=Digest.of(OTHER)), kept(OTHER, packed_by_gzip))

    with pytest.raises(ScanFailed, match="it unpacks to something else"):
        inventories.image(lying, silent, cancel)


def test_a_lie_told_ahead_is_none_of_the_truth(inventories: Inventories, cancel: Cancellation) -> None:
    inventories.image(ViewedImage(kept(OTHER, packed_by_gzip)), silent, cancel)
    lying = kept(DEMO, packed_by_gzip, diff_id=Digest.of(OTHER))
    assert lying.viewed.descriptor is not None
    inventories.ahead(lying.viewed.descriptor, Digest.of(OTHER), lying.open)

    found = inventories.image(ViewedImage(kept(DEMO, packed_by_gzip)), silent, cancel)

    assert packages(found) == [("demo", "1.0")]


def test_a_known_layer_packed_otherwise_is_looked_at_once(inventories: Inventories, cancel: Cancellation) -> None:
    inventories.image(ViewedImage(kept(DEMO, packed_by_gzip)), silent, cancel)
    again = ViewedImage(kept(DEMO, packed_by_zstd), name="again")

    assert inventories.image(again, silent, cancel) == inventories.image(again, silent, cancel)
    assert again.opened == [Digest.of(DEMO)]


def test_hearsay_of_a_digest_is_neither_believed_nor_kept(inventories: Inventories, cancel: Cancellation) -> None:
    """A folder or an archive may hold anything under any digest."""
    inventories.image(ViewedImage(kept(OTHER, packed_by_gzip)), silent, cancel)
    blob = Digest.of(packed_by_gzip(DEMO))

    false = ViewedImage(hearsay(kept(OTHER, packed_by_gzip), blob=blob), name="false")
    assert packages(inventories.image(false, silent, cancel)) == [("other", "2.0")]

    true = ViewedImage(kept(DEMO, packed_by_gzip, diff_id=Digest.of(OTHER)), name="true")
    with pytest.raises(ScanFailed, match="it unpacks to something else"):
        inventories.image(true, silent, cancel)


def test_a_plain_layer_of_an_archive_is_what_it_holds(inventories: Inventories, cancel: Cancellation) -> None:
    """Its digest is what the config says of it."""
    inventories.image(ViewedImage(kept(OTHER)), silent, cancel)

    lying = ViewedImage(hearsay(kept(DEMO, diff_id=Digest.of(OTHER)), blob=Digest.of(OTHER)))
    with pytest.raises(ScanFailed, match="it unpacks to something else"):
        inventories.image(lying, silent, cancel)


def hearsay(layer: KeptLayer, *, blob: Digest) -> KeptLayer:
    """As a folder shows it that calls it `blob`."""
    assert layer.viewed.descriptor is not None
    descriptor = replace(layer.viewed.descriptor, digest=blob)
    return KeptLayer(replace(layer.viewed, descriptor=descriptor, proven=False), layer.open)
