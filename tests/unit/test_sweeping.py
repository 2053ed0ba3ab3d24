"""Garbage of a folder whose names are in two databases is not collected by who knows of one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.garbage import CollectableFolder
from lading.engine.cancel import Cancellation
from lading.main.sweeping import NamesNote, OtherNames, Sweeper
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repositories.rows import UploadSession
from lading.wire.message import BytesContent, BytesReader
from tests.fakes.records import MemoryImageNames, MemoryLeases
from tests.fakes.repository_records import MemoryRecords
from tests.fakes.service_folder import ServiceFolder
from tests.fakes.tracks import RecordingTrack

CANCEL = Cancellation()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ContentFolder]:
    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        yield content


def push(folder: ContentFolder, raw: bytes) -> Descriptor:
    descriptor = Descriptor("x", Digest.of(raw), len(raw))
    folder.push(descriptor, BytesContent(raw), RecordingTrack(), CANCEL)
    return descriptor


def test_names_and_leases_of_another_database_keep_content(folder: ContentFolder) -> None:
    named, leased, lost = (push(folder, raw) for raw in (b"named", b"leased", b"lost"))
    others = OtherNames(MemoryImageNames(), MemoryLeases())
    others.images.point(["localhost/x:1"], named, "any")
    others.leases.hold([leased.digest])
    sweep = Sweeper(CollectableFolder(folder), folder.uploads, MemoryImageNames(), MemoryLeases(), None, [others], 0.0)

    assert sweep(False, (), CANCEL).removed == 1
    assert folder.size(lost.digest) is None
    assert folder.size(named.digest) == 5
    assert folder.size(leased.digest) == 6


def test_an_upload_that_was_given_up_loses_its_file_and_its_row(folder: ContentFolder) -> None:
    records = MemoryRecords()
    for session, begun in (("old", 0.0), ("young", time.time())):
        records.begin_upload(UploadSession(session, "team/app", begun))
        folder.uploads.create(session)
        with folder.uploads.writing(session, CANCEL) as upload:
            upload.append(BytesReader(b"12345"), CANCEL)
    os.utime(folder.tree.upload("old"), (0, 0))
    collected = Sweeper(
        CollectableFolder(folder), folder.uploads, MemoryImageNames(), MemoryLeases(), records, (), 3600.0
    )(False, (), CANCEL)

    assert (collected.removed, collected.size) == (1, 5)
    assert (collected.unfinished.pieces, collected.unfinished.size) == (1, 5)
    assert [each.id for each in records.uploads()] == ["young"]
    assert [path.name for path in folder.tree.uploads.iterdir()] == ["young"]


def test_an_upload_that_nothing_ever_came_to_is_given_up_unless_somebody_has_it(folder: ContentFolder) -> None:
    """In a bucket it has no object either, by which its age would be known."""
    records = MemoryRecords()
    for session in ("empty", "busy"):
        records.begin_upload(UploadSession(session, "team/app", 0.0))
        folder.uploads.create(session)
    with folder.uploads.writing("busy", CANCEL):
        Sweeper(CollectableFolder(folder), folder.uploads, MemoryImageNames(), MemoryLeases(), records, (), 3600.0)(
            False, (), CANCEL
        )

    assert [each.id for each in records.uploads()] == ["busy"]
    assert [path.name for path in folder.tree.uploads.iterdir()] == ["busy"]


def test_a_session_that_is_being_begun_keeps_its_row(folder: ContentFolder) -> None:
    records = MemoryRecords()
    records.begin_upload(UploadSession("beginning", "team/app", time.time()))
    Sweeper(CollectableFolder(folder), folder.uploads, MemoryImageNames(), MemoryLeases(), records, (), 3600.0)(
        False, (), CANCEL
    )

    assert records.upload("beginning") is not None


def test_the_local_command_leaves_a_service_folder_alone(tmp_path: Path) -> None:
    """A service with its rows in PostgreSQL has repositories that this call knows nothing of."""
    (tmp_path / "data").mkdir()
    lading = ServiceFolder(tmp_path / "data")
    lading("gc")
    NamesNote.of(tmp_path / "data").leave("postgresql://db.corp/lading")

    said = lading.run("gc")
    assert said.code == 6
    assert "nothing is collected: names of this content are kept in postgresql://db.corp/lading" in said.err
