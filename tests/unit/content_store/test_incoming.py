"""Upload sessions of the registry: the file's size is the offset, and only a right digest or a cancel ends one."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.backends.content_store import background_sync, incoming
from lading.backends.content_store import folder as content_folder
from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.hashing import BUFFER
from lading.backends.content_store.storage import StorageUnusable
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.oci.digest import Algorithm, Digest, DigestMismatch
from lading.wire.message import BytesReader, ConnectionLost
from lading.wire.upload_session import UploadBusy, UploadUnknown
from tests.fakes.contents import PlannedContent
from tests.fakes.records import MemoryLeases

LAYER = os.urandom(1000) * 5000
HALF = len(LAYER) // 2


@pytest.fixture
def leases() -> MemoryLeases:
    return MemoryLeases()


@pytest.fixture
def folder(tmp_path: Path, leases: MemoryLeases) -> Iterator[ContentFolder]:
    folder = ContentFolder(tmp_path / "content", leases)
    folder.uploads.create("one")
    yield folder
    folder.close()


def append(folder: ContentFolder, raw: bytes, session: str = "one") -> int:
    with folder.uploads.writing(session, Cancellation()) as upload:
        return upload.append(BytesReader(raw), Cancellation(), len(raw))


def finish(folder: ContentFolder, digest: Digest, session: str = "one") -> int:
    with folder.uploads.writing(session, Cancellation()) as upload:
        return upload.finish(digest, Cancellation())


def read(folder: ContentFolder, digest: Digest) -> bytes:
    return (folder.tree.root / "blobs" / digest.algorithm / digest.encoded).read_bytes()


def test_chunks_become_a_blob(folder: ContentFolder, leases: MemoryLeases) -> None:
    assert append(folder, LAYER[:HALF]) == HALF
    assert append(folder, LAYER[HALF:]) == len(LAYER)
    assert finish(folder, Digest.of(LAYER)) == len(LAYER)

    assert read(folder, Digest.of(LAYER)) == LAYER
    assert set(leases.held()) == {Digest.of(LAYER)}


def test_a_finished_session_is_gone(folder: ContentFolder) -> None:
    append(folder, LAYER)
    finish(folder, Digest.of(LAYER))

    with pytest.raises(UploadUnknown):
        folder.uploads.offset("one")


def test_an_empty_session_is_the_empty_blob(folder: ContentFolder) -> None:
    assert finish(folder, Digest.of(b"")) == 0
    assert read(folder, Digest.of(b"")) == b""


def test_one_writer_may_append_and_finish_at_once(folder: ContentFolder) -> None:
    with folder.uploads.writing("one", Cancellation()) as upload:
        upload.append(BytesReader(LAYER), Cancellation())
        upload.finish(Digest.of(LAYER), Cancellation())

    assert read(folder, Digest.of(LAYER)) == LAYER


def test_sha512_is_taken_too(folder: ContentFolder) -> None:
    append(folder, LAYER)
    digest = Digest.of(LAYER, Algorithm.SHA512)
    finish(folder, digest)

    assert read(folder, digest) == LAYER


@pytest.mark.parametrize("after", [0, 1, BUFFER - 1, BUFFER + 1, HALF])
def test_what_arrived_before_the_connection_was_lost_is_kept(folder: ContentFolder, after: int) -> None:
    broken = PlannedContent(LAYER, breaks=[after]).open()
    with folder.uploads.writing("one", Cancellation()) as upload, pytest.raises(ConnectionLost):
        upload.append(broken, Cancellation(), len(LAYER))

    assert folder.uploads.offset("one") == after
    append(folder, LAYER[after:])
    finish(folder, Digest.of(LAYER))
    assert read(folder, Digest.of(LAYER)) == LAYER


def test_another_process_goes_on_with_a_session(folder: ContentFolder) -> None:
    append(folder, LAYER[:HALF])
    other = ContentFolder(folder.tree.root, MemoryLeases())
    append(other, LAYER[HALF:])
    finish(folder, Digest.of(LAYER))

    assert read(folder, Digest.of(LAYER)) == LAYER


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_wrong_digest_keeps_the_session(folder: ContentFolder, algorithm: Algorithm) -> None:
    append(folder, LAYER[:HALF])
    with pytest.raises(DigestMismatch):
        finish(folder, Digest.of(LAYER, algorithm))

    assert folder.uploads.offset("one") == HALF
    append(folder, LAYER[HALF:])
    finish(folder, Digest.of(LAYER, algorithm))
    assert read(folder, Digest.of(LAYER, algorithm)) == LAYER


def test_a_blob_that_is_there_already_ends_the_session_well(folder: ContentFolder) -> None:
    for session in ("two", "three"):
        folder.uploads.create(session)
        append(folder, LAYER, session)
        finish(folder, Digest.of(LAYER), session)

    with pytest.raises(UploadUnknown):
        folder.uploads.offset("three")


def test_a_second_writer_is_told_so(folder: ContentFolder) -> None:
    with (
        folder.uploads.writing("one", Cancellation()),
        pytest.raises(UploadBusy),
        folder.uploads.writing("one", Cancellation()),
    ):
        pass


def test_a_patient_second_writer_waits_for_the_first(folder: ContentFolder) -> None:
    entered = threading.Event()

    class Noticed(Cancellation):
        """Says when somebody waits."""

        def wait(self, seconds: float) -> None:
            entered.set()
            super().wait(seconds)

    offsets: list[int] = []

    def second() -> None:
        with folder.uploads.writing("one", Noticed(), patience_seconds=600) as upload:
            offsets.append(upload.offset)

    thread = threading.Thread(target=second)
    with folder.uploads.writing("one", Cancellation()) as upload:
        thread.start()
        entered.wait()
        upload.append(BytesReader(b"first"), Cancellation())
    thread.join()

    assert offsets == [5]


def test_the_offset_is_known_while_somebody_writes(folder: ContentFolder) -> None:
    with folder.uploads.writing("one", Cancellation()) as upload:
        upload.append(BytesReader(b"12345"), Cancellation())
        assert folder.uploads.offset("one") == upload.offset == 5


def test_a_cancelled_session_is_gone(folder: ContentFolder) -> None:
    append(folder, LAYER)
    folder.uploads.cancel("one")

    for ask in (folder.uploads.offset, folder.uploads.cancel):
        with pytest.raises(UploadUnknown):
            ask("one")


def test_a_session_cancelled_under_its_writer_never_becomes_a_blob(folder: ContentFolder) -> None:
    with folder.uploads.writing("one", Cancellation()) as upload:
        upload.append(BytesReader(LAYER), Cancellation())
        folder.uploads.cancel("one")
        with pytest.raises(UploadUnknown):
            upload.finish(Digest.of(LAYER), Cancellation())

    assert folder.size(Digest.of(LAYER)) is None


class Cancelling:
    """A body whose session is cancelled from elsewhere once `after` bytes of it were read; tells how many were."""

    def __init__(self, folder: ContentFolder, raw: bytes, after: int) -> None:
        self._reader, self._folder, self._after = BytesReader(raw), folder, after
        self.read = 0

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._reader.readinto(buffer)
        if self.read < self._after <= self.read + count:
            self._folder.uploads.cancel("one")
        self.read += count
        return count

    def close(self) -> None:
        self._reader.close()


def test_who_writes_to_a_session_that_is_cancelled_meanwhile_is_told(folder: ContentFolder) -> None:
    with folder.uploads.writing("one", Cancellation()) as upload, pytest.raises(UploadUnknown):
        upload.append(Cancelling(folder, LAYER, HALF), Cancellation(), len(LAYER))


def test_a_long_stream_into_a_cancelled_session_is_not_read_to_its_end(folder: ContentFolder) -> None:
    body = Cancelling(folder, bytes(64 * 1024 * 1024), 1)
    with folder.uploads.writing("one", Cancellation()) as upload, pytest.raises(UploadUnknown):
        upload.append(body, Cancellation())

    assert body.read < 32 * 1024 * 1024


def test_a_cancel_stops_the_writer_and_keeps_its_bytes(folder: ContentFolder) -> None:
    append(folder, LAYER[:HALF])
    cancel = Cancellation()
    cancel.cancel()
    with folder.uploads.writing("one", Cancellation()) as upload, pytest.raises(Cancelled):
        upload.append(BytesReader(LAYER[HALF:]), cancel)

    assert folder.uploads.offset("one") == HALF


@pytest.mark.parametrize("session", ["", "../blobs", "a/b", "x" * 65, ".", "one\x00"])
def test_no_session_leads_out_of_the_folder(folder: ContentFolder, session: str) -> None:
    for ask in (folder.uploads.create, folder.uploads.offset, folder.uploads.cancel):
        with pytest.raises(UploadUnknown):
            ask(session)


def test_a_session_is_not_begun_twice(folder: ContentFolder) -> None:
    with pytest.raises(StorageUnusable):
        folder.uploads.create("one")


def loses_a_page(file: int) -> None:
    """What a disk leaves that fails to write: the page is gone, and only this sync says so."""
    os.pwrite(file, bytes(4096), 0)
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_failed_background_sync_ends_the_session(folder: ContentFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_sync, "SYNC_EVERY", 1)
    with monkeypatch.context() as failing:
        failing.setattr(incoming, "sync_file", loses_a_page)
        with pytest.raises(StorageUnusable):
            append(folder, LAYER)

    with pytest.raises(UploadUnknown):
        folder.uploads.offset("one")
    folder.uploads.create("one")
    with pytest.raises(DigestMismatch):
        finish(folder, Digest.of(LAYER))


def test_a_failed_last_sync_ends_the_session(folder: ContentFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    append(folder, LAYER)
    with monkeypatch.context() as failing:
        failing.setattr(content_folder, "sync_file", loses_a_page)
        with pytest.raises(StorageUnusable):
            finish(folder, Digest.of(LAYER))

    with pytest.raises(UploadUnknown):
        folder.uploads.offset("one")
    assert not folder.tree.blob(Digest.of(LAYER)).exists()
