from __future__ import annotations

import pytest

from lading.engine.cancel import Cancellation
from lading.services.content.stores import ArchiveForm, Compression
from lading.services.platforms import NothingHere, PlatformMissing, Wanted
from lading.services.transfers.archives import Archives, NameMissing, OneNameForSeveral
from lading.services.transfers.transfers import Call, Options
from tests.fakes.images import AMD64, ARM64, put_image, put_index
from tests.fakes.memory import MemoryStore
from tests.fakes.places import MemoryPlaces
from tests.fakes.work import Events

WEB = "docker.io/library/web:1"
DOCKER = Options(form=ArchiveForm.DOCKER)


class House:
    def __init__(self) -> None:
        self.places = MemoryPlaces()
        self.own = self.places.own
        self.events = Events()
        self.archives = Archives(self.places, self.places.image_names, AMD64)

    def call(self, options: Options | None = None) -> Call:
        return Call(options or Options(), self.events, Cancellation())


def test_several_images_are_saved_in_one_archive_under_their_names() -> None:
    house = House()
    roots = [put_image(house.own, [text], tag=f"docker.io/library/{text.decode()}:1") for text in (b"web", b"db")]

    saved = house.archives.save(["web:1", "db:1"], "both.tar", house.call())

    names = house.places.archives["both.tar"].names
    assert {name: root.digest for name, root in names.items()} == {
        "docker.io/library/web:1": roots[0].digest,
        "docker.io/library/db:1": roots[1].digest,
    }
    assert [image.pinned for image in saved.images] == [
        (f"docker.io/library/web:1@{roots[0].digest}",),
        (f"docker.io/library/db:1@{roots[1].digest}",),
    ]
    assert house.places.written == [("both.tar", ArchiveForm.OCI, Compression.NONE)]


def test_dockers_form_holds_this_machines_platform_and_says_so() -> None:
    house = House()
    images = [put_image(house.own, [str(each).encode()], platform=each) for each in (AMD64, ARM64)]
    put_index(house.own, images, tag=WEB)

    (moved,) = house.archives.save(["web:1"], "web.tar", house.call(DOCKER)).images

    assert moved.root.digest == images[0].digest
    assert house.events.notes == ["linux/amd64 of 2 platforms"]


def test_the_oci_form_holds_all_platforms() -> None:
    house = House()
    images = [put_image(house.own, [str(each).encode()], platform=each) for each in (AMD64, ARM64)]
    root = put_index(house.own, images, tag=WEB)

    (moved,) = house.archives.save(["web:1"], "web.tar", house.call()).images

    assert moved.root.digest == root.digest


def test_a_platform_that_is_not_in_the_image_is_not_saved() -> None:
    house = House()
    put_index(house.own, [put_image(house.own, platform=ARM64)], tag=WEB)

    with pytest.raises(PlatformMissing):
        house.archives.save(["web:1"], "web.tar", house.call(DOCKER))
    assert house.places.archives == {}


def test_every_image_of_an_archive_is_loaded_under_its_name() -> None:
    house = House()
    archive = house.places.archives["both.tar"] = MemoryStore(complete=False)
    web, db = put_image(archive, [b"web"], tag="web:1"), put_image(archive, [b"db"], tag="ghcr.io/acme/db:2")
    archive.names["web:latest"] = web

    loaded = house.archives.load("both.tar", None, house.call())

    assert {name: root.digest for name, root in house.own.names.items()} == {
        "docker.io/library/web:1": web.digest,
        "docker.io/library/web:latest": web.digest,
        "ghcr.io/acme/db:2": db.digest,
    }
    assert len(loaded) == 2


@pytest.mark.parametrize("name", ["latest", "sha256:" + "a" * 64, "Not A Name:x"])
def test_an_image_without_a_whole_name_is_loaded_under_a_new_one(name: str) -> None:
    house = House()
    archive = house.places.archives["web.tar"] = MemoryStore(complete=False)
    root = put_image(archive, tag=name)

    with pytest.raises(NameMissing):
        house.archives.load("web.tar", None, house.call())
    house.archives.load("web.tar", "web:1", house.call())

    assert house.own.names[WEB].digest == root.digest


def test_an_archive_may_hold_some_platforms_of_an_image() -> None:
    house = House()
    archive = house.places.archives["some.tar"] = MemoryStore(complete=False)
    here = put_image(archive, [b"here"], platform=AMD64)
    absent = put_image(MemoryStore(), [b"elsewhere"], platform=ARM64)
    root = put_index(archive, [here, absent], tag=WEB)

    (moved,) = house.archives.load("some.tar", None, house.call())

    assert house.own.names[WEB].digest == root.digest
    assert moved.note == "1 of 2 platforms"
    assert here.digest in house.own.blobs


def test_an_archive_without_any_platform_of_its_image_is_refused() -> None:
    house = House()
    archive = house.places.archives["none.tar"] = MemoryStore(complete=False)
    put_index(archive, [put_image(MemoryStore(), platform=ARM64)], tag=WEB)

    with pytest.raises(NothingHere):
        house.archives.load("none.tar", None, house.call())


def test_one_new_name_does_not_serve_several_images() -> None:
    house = House()
    archive = house.places.archives["both.tar"] = MemoryStore(complete=False)
    put_image(archive, [b"a"], tag="a:1")
    put_image(archive, [b"b"], tag="b:1")

    with pytest.raises(OneNameForSeveral):
        house.archives.load("both.tar", "web:1", house.call())


def test_a_root_file_system_becomes_an_image_under_its_name() -> None:
    house = House()

    moved = house.archives.import_("root.tar", "debian:mine", ARM64, house.call())

    assert house.own.names["docker.io/library/debian:mine"].digest == moved.root.digest
    assert moved.names == ("docker.io/library/debian:mine",)


def test_saving_some_platforms_keeps_the_index_of_those() -> None:
    house = House()
    images = [put_image(house.own, [str(each).encode()], platform=each) for each in (AMD64, ARM64)]
    put_index(house.own, images, tag=WEB)

    (moved,) = house.archives.save(["web:1"], "w.tar", house.call(Options(Wanted(platforms=(ARM64,))))).images

    assert moved.root.digest == images[1].digest
