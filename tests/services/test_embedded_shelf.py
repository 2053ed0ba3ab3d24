"""The list of our own images: kept while nothing changes, right whatever does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.oci.reference import Reference
from lading.wire.progress import Event
from tests.fakes.docker_archives import docker_archive, reader
from tests.fakes.embedded import Embedded, embedded
from tests.fakes.several_platforms import several

CANCEL = Cancellation()


def told(_event: Event) -> None:
    """Nobody listens."""


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Embedded]:
    with embedded(tmp_path / "lading") as opened:
        for name in ("one:1", "two:1"):
            opened.environment.load(reader(docker_archive([name], label=name)), told, CANCEL)
        yield opened


def names(made: Embedded) -> list[list[str]]:
    return sorted([Reference.parse(name).familiar for name in each.names] for each in made.environment.images(CANCEL))


def test_a_list_in_which_nothing_changed_is_the_very_same(made: Embedded) -> None:
    assert made.environment.images(CANCEL) is made.environment.images(CANCEL)


def test_what_did_not_change_is_not_read_again(made: Embedded) -> None:
    before = {each.id: each for each in made.environment.images(CANCEL)}
    made.environment.tag("one:1", Reference.parse("three:1"), CANCEL)
    after = {each.id: each for each in made.environment.images(CANCEL)}

    assert names(made) == [["one:1", "three:1"], ["two:1"]]
    assert sum(after[identity] is each for identity, each in before.items()) == 1


def test_names_and_images_come_and_go(made: Embedded) -> None:
    made.environment.load(reader(docker_archive(["four:1"], label="four")), told, CANCEL)
    assert names(made) == [["four:1"], ["one:1"], ["two:1"]]

    made.environment.remove("one:1", False, CANCEL)
    assert names(made) == [["four:1"], ["two:1"]]


def test_content_that_goes_or_comes_back_is_noticed(made: Embedded, tmp_path: Path) -> None:
    """Another process may do that."""
    image = several()
    made.environment.load(reader(image.archive("docker.io/library/app:1")), told, CANCEL)
    blob = tmp_path / "lading" / "content" / "blobs" / "sha256" / image.arm64.digest.encoded
    content = blob.read_bytes()

    def platforms() -> tuple[str, ...]:
        return next(each.platforms for each in made.environment.images(CANCEL) if each.id == str(image.root.digest))

    assert platforms() == ("linux/amd64", "linux/arm64")
    blob.unlink()
    assert platforms() == ("linux/amd64",)
    blob.write_bytes(content)
    assert platforms() == ("linux/amd64", "linux/arm64")
