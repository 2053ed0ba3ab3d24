from __future__ import annotations

from dataclasses import replace

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import ContentCorrupt
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.oci.image_config import HistoryStep, ImageConfig
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST
from lading.oci.reference import Repository
from lading.services.embedded.comparison import Setting, compare
from lading.services.embedded.images import ImageHasNames, Images, TagMissing
from lading.services.lookup import IdAmbiguous, ImageUnknown
from lading.services.places import Archive, Layout, Named
from tests.fakes.images import AMD64, ARM64, attestation_of, put_image, put_index
from tests.fakes.memory import MemoryStore
from tests.fakes.places import MemoryPlaces

CANCEL = Cancellation()
WEB = "docker.io/library/web:1"


class House:
    def __init__(self) -> None:
        self.places = MemoryPlaces()
        self.own = self.places.own
        self.images = Images(self.places, self.places.image_names, self.places.collect, AMD64)


def put_built(store: MemoryStore, tag: str, *steps: str, created: str = "2026-01-01T00:00:00Z") -> None:
    """An image whose every step made a layer, but those in parentheses."""
    layers = [step.encode() for step in steps if not step.startswith("(")]
    history = [HistoryStep(created, step.strip("()"), empty_layer=step.startswith("(")) for step in steps]
    config = ImageConfig.build(AMD64, created, [], history)
    manifest = Manifest.build(store.put(config.raw, OCI_CONFIG), [store.put(layer, OCI_LAYER_GZIP) for layer in layers])
    store.names[tag] = store.put(manifest.raw, manifest.media_type)


# ── names


def test_an_index_that_names_one_image_very_often_is_described_by_reading_it_once() -> None:
    house = House()
    image = put_image(house.own)
    entries = [replace(image, platform=platform) for platform in [AMD64, ARM64] * 1000]
    put_index(house.own, entries, tag="docker.io/library/a:1")
    house.own.opened.clear()

    (listed,) = house.images.list()

    assert [variant.platform for variant in listed.description.variants] == [AMD64, ARM64] * 1000
    assert all(variant.complete for variant in listed.description.variants)
    assert len(house.own.opened) < 10


def test_images_are_listed_in_order_with_what_is_here_of_each() -> None:
    house = House()
    whole = put_image(house.own, platform=AMD64)
    absent = put_image(MemoryStore(), [b"elsewhere"], platform=ARM64)
    put_index(house.own, [whole, absent, attestation_of(house.own, whole)], tag="docker.io/library/b:1")
    put_image(house.own, tag="docker.io/library/a:1")

    first, second = house.images.list()

    assert [each.image.reference for each in (first, second)] == ["docker.io/library/a:1", "docker.io/library/b:1"]
    assert [(variant.platform, variant.complete) for variant in second.description.variants] == [
        (AMD64, True),
        (ARM64, False),
    ]
    assert second.description.attestations == 1
    assert first.description.size == second.description.size > 0
    assert house.images.list("/b:") == (second,)


def test_an_image_is_found_by_name_by_digest_and_by_the_beginning_of_its_id() -> None:
    house = House()
    root = put_image(house.own, tag=WEB)

    for text in ("web:1", WEB, f"web@{root.digest}", root.digest.encoded[:8], str(root.digest)):
        assert house.images.find(text).root.digest == root.digest
    with pytest.raises(ImageUnknown):
        house.images.find("db")
    with pytest.raises(ImageUnknown):
        house.images.find(f"other/web@{root.digest}")


@pytest.mark.parametrize(("text", "near"), [("wbe:1", "web:1"), ("web:2", "web:1"), ("postgres", None)])
def test_a_name_that_nearly_exists_is_suggested(text: str, near: str | None) -> None:
    house = House()
    put_image(house.own, tag=WEB)

    with pytest.raises(ImageUnknown) as unknown:
        house.images.find(text)
    assert unknown.value.near == near
    assert (unknown.value.command or "").startswith(f"Did you mean {near}?" if near else f"lading pull {text} ")


def test_an_id_that_several_images_begin_with_is_refused() -> None:
    house = House()
    for tag, ending in (("1", "aa"), ("2", "bb")):
        digest = Digest(Algorithm.SHA256, "c0ffee" + "00" * 28 + ending)
        house.own.names[f"docker.io/library/web:{tag}"] = Descriptor(OCI_MANIFEST, digest, 1)

    with pytest.raises(IdAmbiguous):
        house.images.find("c0ffee")


def test_names_are_offered_whole_and_as_docker_shortens_them() -> None:
    house = House()
    root = put_image(house.own, tag=WEB)
    house.own.names["ghcr.io/acme/web:1"] = root

    assert house.images.names() == (WEB, "ghcr.io/acme/web:1", "web:1")
    assert house.own.opened == []


def test_a_tag_is_a_further_name_and_moves_what_had_it() -> None:
    house = House()
    root = put_image(house.own, tag=WEB)
    put_image(house.own, [b"other"], tag="docker.io/library/web:latest")

    image, references = house.images.tag("web:1", ["web", "ghcr.io/acme/web:2"], CANCEL)

    assert image.reference == WEB
    assert references == ("docker.io/library/web:latest", "ghcr.io/acme/web:2")
    assert {house.own.names[reference].digest for reference in references} == {root.digest}


def test_untag_takes_all_names_or_none() -> None:
    house = House()
    put_image(house.own, tag=WEB)

    with pytest.raises(ImageUnknown):
        house.images.untag(["web:1", "db:1"])
    assert WEB in house.own.names

    assert house.images.untag(["web:1"]) == (WEB,)
    assert house.own.names == {}


def test_a_tag_is_taken_from_its_registry() -> None:
    house = House()
    repository = house.places.registry(Repository("registry.test", "web"))
    put_image(repository, tag="1")

    assert str(house.images.untag_remote("registry.test/web:1", CANCEL)) == "registry.test/web:1"
    assert repository.names == {}
    with pytest.raises(TagMissing):
        house.images.untag_remote("registry.test/web", CANCEL)


def test_rmi_takes_a_name_and_collects_what_only_it_held() -> None:
    house = House()
    root = put_image(house.own, tag=WEB)

    removed = house.images.remove(["web:1"], force=False, cancel=CANCEL)

    assert removed.names == (WEB,)
    assert house.places.given_up == [{root.digest}]
    assert removed.collected.size == 300


def test_rmi_by_id_of_an_image_with_several_names_must_be_meant() -> None:
    house = House()
    root = put_image(house.own, tag=WEB)
    house.own.names["docker.io/library/web:2"] = root

    with pytest.raises(ImageHasNames, match=r"web:1, docker\.io/library/web:2"):
        house.images.remove([root.digest.encoded[:12]], force=False, cancel=CANCEL)
    removed = house.images.remove([root.digest.encoded[:12]], force=True, cancel=CANCEL)

    assert removed.names == (WEB, "docker.io/library/web:2")
    assert house.own.names == {}


def test_gc_collects_without_giving_anything_up() -> None:
    house = House()

    assert house.images.collect(dry_run=True, cancel=CANCEL).removed == 0
    assert house.places.given_up == [()]


# ── contents


def test_inspect_looks_in_the_store_then_in_the_registry_and_says_where() -> None:
    house = House()
    root = put_image(house.places.registry(Repository("registry.test", "web")), tag="1")

    remote = house.images.inspect(Named("registry.test/web:1"), CANCEL)
    put_image(house.own, tag="registry.test/web:1")
    local = house.images.inspect(Named("registry.test/web:1"), CANCEL)

    assert (remote.where, remote.root.digest) == ("registry.test/web", root.digest)
    assert local.where == "the local store"
    with pytest.raises(ImageUnknown) as unknown:
        house.images.inspect(Named("registry.test/db:1"), CANCEL)
    assert unknown.value.why == "looked in the local store and in registry.test"


def test_inspect_reads_layouts_and_archives() -> None:
    house = House()
    root = put_image(house.places.layout("D"), tag="1")
    house.places.archives["web.tar"] = house.places.layout("D")

    assert house.images.inspect(Layout("D"), CANCEL).root.digest == root.digest
    assert house.images.inspect(Archive("web.tar"), CANCEL).root.digest == root.digest
    assert house.images.digest(Archive("web.tar"), CANCEL).digest == root.digest
    assert house.images.digest(Layout("D", "1"), CANCEL).digest == root.digest


def test_a_digest_is_asked_of_the_registry_although_the_store_has_the_name() -> None:
    house = House()
    put_image(house.own, [b"older"], tag="registry.test/web:1")
    root = put_image(house.places.registry(Repository("registry.test", "web")), tag="1")

    assert house.images.digest(Named("registry.test/web:1"), CANCEL).digest == root.digest


def test_history_is_told_from_the_newest_step_and_empty_ones_have_no_layer() -> None:
    house = House()
    put_built(house.own, WEB, "FROM debian", "(ENV A=1)", "RUN make")

    _, steps = house.images.history(Named("web:1"), None, CANCEL)

    assert [(step.label, step.layer.size if step.layer else None) for step in steps] == [
        ("RUN make", 8),
        ("ENV A=1", None),
        ("FROM debian", 11),
    ]


def test_a_difference_names_shared_layers_own_layers_and_settings() -> None:
    house = House()
    put_built(house.own, WEB, "FROM debian", "RUN make")
    put_built(house.own, "docker.io/library/web:2", "FROM debian", "RUN make all", created="2026-02-01T00:00:00Z")

    before, after = (house.images.compared(Named(name), None, CANCEL)[0] for name in ("web:1", "web:2"))
    found = compare(before, after)

    assert not found.same
    assert [layer.size for layer in found.layers.same] == [len("FROM debian")]
    assert [layer.size for layer in found.layers.removed] == [len("RUN make")]
    assert [layer.size for layer in found.layers.added] == [len("RUN make all")]
    assert found.settings == (Setting("created", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),)
    assert compare(before, before).same


def test_a_check_reads_every_byte_once_and_notices_a_wrong_one() -> None:
    house = House()
    image = put_image(house.own, [b"base", b"base", b"top"])
    root = put_index(house.own, [image], tag=WEB)

    checked = house.images.check("web:1", CANCEL)

    assert checked.pieces == 5  # index, manifest, config, two different layers
    assert checked.size == sum(len(content) for content in house.own.blobs.values())
    assert house.own.all_closed
    house.own.blobs[root.digest] = house.own.blobs[root.digest].replace(b"1", b"2")
    with pytest.raises(ContentCorrupt):
        house.images.check("web:1", CANCEL)
