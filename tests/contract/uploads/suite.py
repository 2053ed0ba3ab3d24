"""What upload sessions must do, wherever their bytes are kept. An implementation's test module subclasses the contract
and gives the fixtures `place`, whose session "one" is begun; `elsewhere`, the same as another process sees it; and
`leases`.
"""

from __future__ import annotations

import os
import threading
from typing import Protocol

import pytest

from lading.backends.content_store.hashing import BUFFER
from lading.engine.cancel import Cancellation
from lading.engine.stores import Source
from lading.errors import Cancelled
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest, DigestMismatch
from lading.services.repositories.content import UploadFiles
from lading.wire.message import BytesReader, ConnectionLost
from lading.wire.upload_session import UploadBusy, UploadUnknown
from tests.contract.stores.suite import content_of
from tests.fakes.contents import PlannedContent
from tests.fakes.records import MemoryLeases

LAYER = os.urandom(1000) * 5000
HALF = len(LAYER) // 2


class Place(Source, Protocol):
    """Content, and uploads to it."""

    @property
    def uploads(self) -> UploadFiles: ...

    def size(self, digest: Digest) -> int | None: ...


def append(place: Place, raw: bytes, session: str = "one") -> int:
    with place.uploads.writing(session, Cancellation()) as upload:
        return upload.append(BytesReader(raw), Cancellation(), len(raw))


def finish(place: Place, digest: Digest, session: str = "one") -> int:
    with place.uploads.writing(session, Cancellation()) as upload:
        return upload.finish(digest, Cancellation())


def read(place: Place, digest: Digest) -> bytes:
    """All that is held under it."""
    size = place.size(digest)
    assert size is not None
    return content_of(place.open(Descriptor("x", digest, size)))


class Cancelling:
    """A body whose session is cancelled from elsewhere once `after` bytes of it were read; tells how many were."""

    def __init__(self, place: Place, raw: bytes, after: int) -> None:
        self._reader, self._place, self._after = BytesReader(raw), place, after
        self.read = 0

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._reader.readinto(buffer)
        if self.read < self._after <= self.read + count:
            self._place.uploads.cancel("one")
        self.read += count
        return count

    def close(self) -> None:
        self._reader.close()


class UploadsContract:
    """Sessions: begun, appended to, asked about, finished, cancelled."""

    def test_chunks_become_a_blob(self, place: Place, leases: MemoryLeases) -> None:
        assert append(place, LAYER[:HALF]) == HALF
        assert append(place, LAYER[HALF:]) == len(LAYER)
        assert finish(place, Digest.of(LAYER)) == len(LAYER)

        assert read(place, Digest.of(LAYER)) == LAYER
        assert set(leases.held()) == {Digest.of(LAYER)}

    def test_a_finished_session_is_gone(self, place: Place) -> None:
        append(place, LAYER)
        finish(place, Digest.of(LAYER))

        with pytest.raises(UploadUnknown):
            place.uploads.offset("one")

    def test_an_empty_session_is_the_empty_blob(self, place: Place) -> None:
        assert finish(place, Digest.of(b"")) == 0
        assert read(place, Digest.of(b"")) == b""

    def test_one_writer_may_append_and_finish_at_once(self, place: Place) -> None:
        with place.uploads.writing("one", Cancellation()) as upload:
            upload.append(BytesReader(LAYER), Cancellation())
            upload.finish(Digest.of(LAYER), Cancellation())

        assert read(place, Digest.of(LAYER)) == LAYER

    def test_sha512_is_taken_too(self, place: Place) -> None:
        append(place, LAYER)
        digest = Digest.of(LAYER, Algorithm.SHA512)
        finish(place, digest)

        assert read(place, digest) == LAYER

    @pytest.mark.parametrize("after", [0, 1, BUFFER - 1, BUFFER + 1, HALF])
    def test_what_arrived_before_the_connection_was_lost_is_kept(self, place: Place, after: int) -> None:
        broken = PlannedContent(LAYER, breaks=[after]).open()
        with place.uploads.writing("one", Cancellation()) as upload, pytest.raises(ConnectionLost):
            upload.append(broken, Cancellation(), len(LAYER))

        assert place.uploads.offset("one") == after
        append(place, LAYER[after:])
        finish(place, Digest.of(LAYER))
        assert read(place, Digest.of(LAYER)) == LAYER

    def test_another_process_goes_on_with_a_session(self, place: Place, elsewhere: Place) -> None:
        append(place, LAYER[:HALF])
        append(elsewhere, LAYER[HALF:])
        finish(place, Digest.of(LAYER))

        assert read(place, Digest.of(LAYER)) == LAYER

    @pytest.mark.parametrize("algorithm", Algorithm)
    def test_a_wrong_digest_keeps_the_session(self, place: Place, algorithm: Algorithm) -> None:
        append(place, LAYER[:HALF])
        with pytest.raises(DigestMismatch):
            finish(place, Digest.of(LAYER, algorithm))

        assert place.uploads.offset("one") == HALF
        append(place, LAYER[HALF:])
        finish(place, Digest.of(LAYER, algorithm))
        assert read(place, Digest.of(LAYER, algorithm)) == LAYER

    def test_a_blob_that_is_there_already_ends_the_session_well(self, place: Place) -> None:
        for session in ("two", "three"):
            place.uploads.create(session)
            append(place, LAYER, session)
            finish(place, Digest.of(LAYER), session)

        with pytest.raises(UploadUnknown):
            place.uploads.offset("three")

    def test_a_second_writer_is_told_so(self, place: Place) -> None:
        with (
            place.uploads.writing("one", Cancellation()),
            pytest.raises(UploadBusy),
            place.uploads.writing("one", Cancellation()),
        ):
            pass

    def test_a_patient_second_writer_waits_for_the_first(self, place: Place) -> None:
        entered = threading.Event()

        class Noticed(Cancellation):
            """Says when somebody waits."""

            def wait(self, seconds: float) -> None:
                entered.set()
                super().wait(seconds)

        offsets: list[int] = []

        def second() -> None:
            with place.uploads.writing("one", Noticed(), patience_seconds=600) as upload:
                offsets.append(upload.offset)

        thread = threading.Thread(target=second)
        with place.uploads.writing("one", Cancellation()) as upload:
            thread.start()
            entered.wait()
            upload.append(BytesReader(b"first"), Cancellation())
        thread.join()

        assert offsets == [5]

    def test_the_offset_is_known_while_somebody_writes(self, place: Place) -> None:
        append(place, b"12345")
        with place.uploads.writing("one", Cancellation()) as upload:
            assert place.uploads.offset("one") == upload.offset == 5
            upload.append(BytesReader(b"67"), Cancellation())
            assert place.uploads.offset("one") in {5, 7}  # what is kept for sure, or already all of it
        assert place.uploads.offset("one") == 7

    def test_a_cancelled_session_is_gone(self, place: Place) -> None:
        append(place, LAYER)
        place.uploads.cancel("one")

        for ask in (place.uploads.offset, place.uploads.cancel):
            with pytest.raises(UploadUnknown):
                ask("one")

    def test_a_session_cancelled_under_its_writer_never_becomes_a_blob(self, place: Place) -> None:
        with place.uploads.writing("one", Cancellation()) as upload:
            upload.append(BytesReader(LAYER), Cancellation())
            place.uploads.cancel("one")
            with pytest.raises(UploadUnknown):
                upload.finish(Digest.of(LAYER), Cancellation())

        assert place.size(Digest.of(LAYER)) is None

    def test_who_writes_to_a_session_that_is_cancelled_meanwhile_is_told(self, place: Place) -> None:
        with pytest.raises(UploadUnknown), place.uploads.writing("one", Cancellation()) as upload:
            upload.append(Cancelling(place, LAYER, HALF), Cancellation(), len(LAYER))

    def test_a_long_stream_into_a_cancelled_session_is_not_read_to_its_end(self, place: Place) -> None:
        body = Cancelling(place, bytes(64 * 1024 * 1024), 1)
        with place.uploads.writing("one", Cancellation()) as upload, pytest.raises(UploadUnknown):
            upload.append(body, Cancellation())

        assert body.read < 32 * 1024 * 1024

    def test_a_cancel_stops_the_writer_and_keeps_its_bytes(self, place: Place) -> None:
        append(place, LAYER[:HALF])
        cancel = Cancellation()
        cancel.cancel()
        with place.uploads.writing("one", Cancellation()) as upload, pytest.raises(Cancelled):
            upload.append(BytesReader(LAYER[HALF:]), cancel)

        assert place.uploads.offset("one") == HALF

    @pytest.mark.parametrize("session", ["", "../blobs", "a/b", "x" * 65, ".", "one\x00"])
    def test_no_session_leads_out_of_its_place(self, place: Place, session: str) -> None:
        for ask in (place.uploads.create, place.uploads.offset, place.uploads.cancel):
            with pytest.raises(UploadUnknown):
                ask(session)
