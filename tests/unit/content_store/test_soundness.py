"""Content that is read again: what is damaged is set aside, served to nobody, and whole once it has come again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.soundness import CheckedFolder
from lading.engine.cancel import Cancellation
from lading.engine.stores import ContentUnknown
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.wire.message import BytesContent, BytesReader
from tests.fakes.records import MemoryLeases
from tests.fakes.tracks import RecordingTrack

LAYER = b"layer" * 1000
CANCEL = Cancellation()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ContentFolder]:
    with closing(ContentFolder(tmp_path, MemoryLeases())) as content:
        yield content


def push(folder: ContentFolder, raw: bytes = LAYER, algorithm: Algorithm = Algorithm.SHA256) -> Descriptor:
    descriptor = Descriptor("x", Digest.of(raw, algorithm), len(raw))
    folder.push(descriptor, BytesContent(raw), RecordingTrack(), CANCEL)
    return descriptor


def damage(folder: ContentFolder, digest: Digest, bytes_of: bytes = b"lAyer" * 1000) -> None:
    path = folder.tree.blob(digest)
    path.chmod(0o600)
    path.write_bytes(bytes_of)
    path.chmod(0o444)


def unheard(_count: int) -> None:
    pass


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_sound_content_is_sound(folder: ContentFolder, algorithm: Algorithm) -> None:
    digest = push(folder, algorithm=algorithm).digest
    read: list[int] = []

    assert CheckedFolder(folder).sound(digest, read.append, CANCEL) is True
    assert sum(read) == len(LAYER)
    assert not CheckedFolder(folder).set_aside(digest, unheard, CANCEL)
    assert folder.size(digest) == len(LAYER)


@pytest.mark.parametrize("wrong", [b"lAyer" * 1000, LAYER[:-1], LAYER + b"!", b""])
def test_damaged_content_is_set_aside_and_held_by_nobody(folder: ContentFolder, wrong: bytes) -> None:
    layer = push(folder)
    damage(folder, layer.digest, wrong)
    checked = CheckedFolder(folder)
    assert checked.sound(layer.digest, unheard, CANCEL) is False
    assert checked.set_aside(layer.digest, unheard, CANCEL)

    assert checked.damaged() == [layer.digest]
    assert folder.size(layer.digest) is None
    assert folder.keep([layer.digest]) == {layer.digest}
    with pytest.raises(ContentUnknown):
        folder.open(layer)
    assert checked.sound(layer.digest, unheard, CANCEL) is None
    assert not checked.set_aside(layer.digest, unheard, CANCEL)


def test_a_pull_of_the_right_bytes_heals(folder: ContentFolder) -> None:
    layer = push(folder)
    damage(folder, layer.digest)
    checked = CheckedFolder(folder)
    checked.set_aside(layer.digest, unheard, CANCEL)
    push(folder)

    assert checked.damaged() == []
    assert list(folder.tree.all_damaged()) == []
    assert checked.sound(layer.digest, unheard, CANCEL)


def test_an_upload_of_the_right_bytes_heals_what_nobody_knew_to_be_damaged(folder: ContentFolder) -> None:
    """Whoever sends it again has been told that it is here, or did not ask: what was checked just now is the truth."""
    layer = push(folder)
    damage(folder, layer.digest)
    folder.uploads.create("session")
    with folder.uploads.writing("session", CANCEL) as upload:
        upload.append(BytesReader(LAYER), CANCEL)
        upload.finish(layer.digest, CANCEL)

    assert CheckedFolder(folder).sound(layer.digest, unheard, CANCEL)


def test_the_right_bytes_that_come_while_it_is_looked_at_stay(folder: ContentFolder) -> None:
    layer = push(folder)
    damage(folder, layer.digest)
    came: list[int] = []

    def heal(count: int) -> None:
        if not came:
            folder.uploads.create("session")
            with folder.uploads.writing("session", CANCEL) as upload:
                upload.append(BytesReader(LAYER), CANCEL)
                upload.finish(layer.digest, CANCEL)
        came.append(count)

    assert not CheckedFolder(folder).set_aside(layer.digest, heal, CANCEL)
    assert folder.size(layer.digest) == len(LAYER)


def test_one_checks_at_a_time(folder: ContentFolder) -> None:
    with CheckedFolder(folder).turn() as first, CheckedFolder(folder).turn() as second:
        assert (first, second) == (True, False)
