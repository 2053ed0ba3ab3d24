"""Pushing an image where its names say, and copying between places."""

from __future__ import annotations

import pytest

from lading.engine.stores import TagMoved
from lading.errors import Refused
from lading.oci.digest import Digest
from lading.oci.reference import Repository
from lading.services.content.stores import ArchiveForm, Compression
from lading.services.lookup import ImageUnknown, NameNeeded, NothingNamed
from lading.services.places import Archive, Layout, Named
from lading.services.platforms import PlatformsIncomplete, Wanted
from lading.services.transfers.targets import DigestDiffers, TargetMissing, Untaggable
from lading.services.transfers.transfers import Options
from tests.fakes.images import AMD64, ARM64, put_image, put_index
from tests.services.transferring import REF, House, several

# ── push


def test_a_push_goes_where_the_images_name_says() -> None:
    house = House()
    root = put_image(house.places.own, tag=REF)

    (moved,) = house.push(REF)

    assert house.web.names["1"].digest == root.digest
    assert (moved.source, moved.target, moved.names) == (REF, REF, (REF,))


def test_tags_in_one_repository_are_one_work_and_move_blobs_once() -> None:
    house = House()
    root = put_image(house.places.own, tag=REF)

    moved = house.push(REF, "registry.test/acme/web:1", "registry.test/acme/web:2", "other.test/web:3")

    assert [each.names for each in moved] == [
        ("registry.test/acme/web:1", "registry.test/acme/web:2"),
        ("other.test/web:3",),
    ]
    assert {tag: held.digest for tag, held in house.web.names.items()} == {"1": root.digest, "2": root.digest}
    assert len(house.web.pushed) == len(set(house.web.pushed))


def test_a_push_looks_once_whether_a_child_is_here_that_the_index_names_very_often() -> None:
    house = House()
    own = house.places.own
    child = put_image(own)
    put_index(own, [child] * 1000, tag=REF)
    own.opened.clear()

    house.push(REF)

    assert own.opens(child.digest) <= 2


def test_an_image_is_found_by_the_beginning_of_its_id() -> None:
    house = House()
    root = put_image(house.places.own, tag="docker.io/library/web:latest")

    house.push(root.digest.encoded[:12], REF)

    assert house.web.names["1"].digest == root.digest


def test_an_image_that_is_not_here_is_said_so() -> None:
    with pytest.raises(ImageUnknown, match="Image not found: web"):
        House().push("web", REF)


def test_a_push_of_some_platforms_is_refused_until_somebody_says_which() -> None:
    house = House()
    _, (amd64, arm64, *_) = several(None, house)
    house.pull(options=Options(Wanted(platforms=(AMD64, ARM64))))

    with pytest.raises(PlatformsIncomplete):
        house.push(REF, "other.test/web:1")
    (moved,) = house.push(REF, "other.test/web:1", options=Options(Wanted(have=True)))

    other = house.places.registry(Repository("other.test", "web"))
    assert other.names["1"].digest == moved.root.digest
    assert {amd64, arm64} <= other.blobs.keys()
    assert moved.note == "2 of 3 platforms, so the index has a new digest"


def test_a_push_of_the_one_platform_that_is_here_is_its_manifest() -> None:
    house = House()
    _, (amd64, *_) = several(None, house)
    house.pull()

    (moved,) = house.push(REF, "other.test/web:1")

    assert moved.root.digest == amd64
    assert "the only one here of 3 platforms" in moved.note


def test_a_push_if_absent_does_not_move_a_tag() -> None:
    house = House()
    put_image(house.places.own, tag=REF)
    put_image(house.web, [b"another"], tag="1")

    (moved,) = house.push(REF, options=Options(condition="absent"))

    assert isinstance(moved.error, TagMoved | Refused)


def test_a_target_with_another_digest_is_refused() -> None:
    house = House()
    root = put_image(house.places.own, tag=REF)

    with pytest.raises(DigestDiffers):
        house.push(REF, f"registry.test/acme/web@{Digest.of(b'other')}")
    (moved,) = house.push(REF, f"registry.test/acme/web@{root.digest}")
    assert moved.pinned == (f"registry.test/acme/web@{root.digest}",)


def test_a_file_does_not_say_where_to_push_it() -> None:
    with pytest.raises(TargetMissing):
        House().transfers.push(Layout("D"), [], House().call())


def test_a_dry_run_tells_what_would_move_and_moves_nothing() -> None:
    house = House()
    put_image(house.places.own, tag=REF)

    (planned,) = house.push(REF, options=Options(dry_run=True))
    assert planned.planned
    assert house.web.blobs == {}

    (moved,) = house.push(REF)
    assert planned.totals.left == moved.totals.sent


def test_one_target_that_fails_leaves_the_others() -> None:
    house = House()
    root = put_image(house.places.own, tag=REF)
    house.web.refusing["1"] = TagMoved("1", "acme/web", None)

    failed, done = house.push(REF, REF, "other.test/web:1")

    assert isinstance(failed.error, TagMoved)
    assert done.error is None
    assert house.places.registry(Repository("other.test", "web")).names["1"].digest == root.digest


def test_all_tags_of_a_repository_are_given_by_image() -> None:
    house = House()
    root = put_image(house.places.own, tag=REF)
    house.places.own.names["registry.test/acme/web:2"] = root
    put_image(house.places.own, [b"another"], tag="registry.test/acme/web:3")
    put_image(house.places.own, [b"another"], tag="registry.test/acme/db:1")

    assert house.transfers.local_tags("registry.test/acme/web") == (
        ("registry.test/acme/web:1", "registry.test/acme/web:2"),
        ("registry.test/acme/web:3",),
    )
    with pytest.raises(ImageUnknown):
        house.transfers.local_tags("registry.test/nobody")


# ── copy


def test_a_copy_between_registries_takes_every_platform_and_the_signatures() -> None:
    house = House()
    index, digests = several(None, house)
    subject = index.descriptor()
    put_image(house.web, [b"sbom"], subject=subject, artifact_type="application/sbom")

    (moved,) = house.transfers.copy(Named(REF), [Named("other.test/web:1")], house.call())

    other = house.places.registry(Repository("other.test", "web"))
    assert set(digests) <= other.blobs.keys()
    assert moved.referrers == 1
    assert house.places.own.blobs == {}


def test_a_copy_can_leave_the_signatures_behind() -> None:
    house = House()
    root = put_image(house.web, tag="1")
    put_image(house.web, [b"sbom"], subject=root, artifact_type="application/sbom")

    (moved,) = house.transfers.copy(Named(REF), [Named("other.test/web:1")], house.call(Options(referrers=False)))

    assert moved.referrers == 0


def test_a_layout_gets_the_name_it_was_given_or_the_images_tag() -> None:
    house = House()
    root = put_image(house.web, tag="1")

    moved = house.transfers.copy(Named(REF), [Layout("D"), Layout("D", "mine")], house.call())

    assert [each.names for each in moved] == [("oci:D:1",), ("oci:D:mine",)]
    assert {name: held.digest for name, held in house.places.layout("D").names.items()} == {
        "1": root.digest,
        "mine": root.digest,
    }


def test_an_archive_gets_the_images_whole_name_and_the_form_asked_for() -> None:
    house = House()
    root = put_image(house.web, tag="1")
    options = Options(form=ArchiveForm.DOCKER, compression=Compression.ZSTD)

    house.transfers.copy(Named(REF), [Archive("web.tar")], house.call(options))

    assert house.places.written == [("web.tar", ArchiveForm.DOCKER, Compression.ZSTD)]
    assert house.places.archives["web.tar"].names[REF].digest == root.digest


def test_the_one_image_of_a_layout_needs_no_name_and_one_of_several_does() -> None:
    house = House()
    layout = house.places.layout("D")
    with pytest.raises(NothingNamed):
        house.transfers.copy(Layout("D"), [Named(REF)], house.call())
    put_image(layout, tag="1")

    (moved,) = house.transfers.copy(Layout("D"), [Named(REF)], house.call())
    assert (moved.source, moved.error) == ("oci:D:1", None)

    put_image(layout, [b"another"], tag="2")
    with pytest.raises(NameNeeded):
        house.transfers.copy(Layout("D"), [Named(REF)], house.call())


def test_an_image_without_a_name_goes_into_an_archive_only_with_one() -> None:
    house = House()
    layout = house.places.layout("D")
    root = put_image(layout)
    layout.names[str(root.digest)] = root

    with pytest.raises(Untaggable):
        house.transfers.copy(Layout("D"), [Archive("web.tar")], house.call())
