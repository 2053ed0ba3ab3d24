"""Archives that arrive by pieces: in a folder, for the processes of one machine, and in a bucket, for all of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.backends.content_store.arriving_archives import ArchiveFolder
from lading.backends.content_store.objects.archives import FOLDER, ArchiveObjects
from lading.backends.content_store.objects.bucket import SMALLEST_PART, Bucket
from lading.backends.content_store.objects.local_turns import FileTurns
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.services.work.imports import ArrivingArchives, ImportBusy, ImportCommitted, ImportUnknown, OffsetWrong
from lading.wire.message import Reader

CANCEL = Cancellation()
ANN, BOB = 5, 6
UNKNOWN = (f"{ANN}-{'x' * 32}", "", "5-x", f"{ANN}-{'../' * 11}", f"{ANN}-{'x' * 32}/begun")

Opened = Callable[[], ArrivingArchives]


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.peer("weed"))])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Each stands for a process."""
    if request.param == "folder":
        return lambda: ArchiveFolder(tmp_path)
    address = request.getfixturevalue("address")
    return lambda: ArchiveObjects(Bucket.at(address), FileTurns(tmp_path))


def permitted() -> None:
    """Nobody has anything against it."""


def read(reader: Reader) -> bytes:
    buffer, found = memoryview(bytearray(100_000)), bytearray()
    while count := reader.readinto(buffer):
        found += buffer[:count]
    return bytes(found)


def loaded(archives: ArrivingArchives, id: str) -> bytes:  # noqa: A002  a row's own word
    with archives.reading(id, CANCEL) as reader:
        return read(reader)


def test_each_piece_may_come_to_another_process_and_any_loads_it(opened: Opened) -> None:
    one, two, three = opened(), opened(), opened()
    content = os.urandom(SMALLEST_PART + 300_000)
    id = one.begin(ANN)  # noqa: A001  a row's own word

    assert (one.owner(id), two.owner(id), three.size(id)) == (ANN, ANN, 0)
    assert two.append(id, 0, content[:200_000], permitted) == 200_000
    assert one.size(id) == 200_000
    assert three.append(id, 200_000, content[200_000:-1], permitted) == len(content) - 1
    assert one.append(id, len(content) - 1, content[-1:], permitted) == len(content)
    assert loaded(two, id) == content


def test_a_piece_comes_where_the_archive_ends(opened: Opened) -> None:
    archives = opened()
    id = archives.begin(ANN)  # noqa: A001  a row's own word
    archives.append(id, 0, b"archive", permitted)

    for offset in (0, 6, 8):
        with pytest.raises(OffsetWrong) as told:
            archives.append(id, offset, b"more", permitted)
        assert told.value.size == 7
    assert archives.append(id, 7, b"", permitted) == 7
    assert loaded(archives, id) == b"archive"


def test_who_is_not_permitted_appends_nothing(opened: Opened) -> None:
    archives = opened()
    id = archives.begin(ANN)  # noqa: A001  a row's own word

    def refuse() -> None:
        raise ImportCommitted("job-1")

    with pytest.raises(ImportCommitted):
        archives.append(id, 0, b"archive", refuse)
    assert archives.size(id) == 0


def test_one_at_a_time_works_on_it(opened: Opened) -> None:
    one, two = opened(), opened()
    id = one.begin(ANN)  # noqa: A001  a row's own word
    stopped = Cancellation()
    stopped.cancel()

    with one.alone(id):
        with pytest.raises(ImportBusy):
            two.append(id, 0, b"archive", permitted)
        with pytest.raises(ImportBusy), two.alone(id):
            pass
        with pytest.raises(Cancelled), two.reading(id, stopped):
            pass
    assert two.append(id, 0, b"archive", permitted) == 7
    with one.reading(id, CANCEL), pytest.raises(ImportBusy):
        two.append(id, 7, b"more", permitted)


def test_what_is_not_there_is_unknown(opened: Opened) -> None:
    archives = opened()
    for id in UNKNOWN:  # noqa: A001  a row's own word
        for ask in (archives.owner, archives.size, lambda id: archives.append(id, 0, b"x", permitted)):  # noqa: A006
            with pytest.raises(ImportUnknown):
                ask(id)


def test_what_is_removed_is_gone_and_counts_no_more(opened: Opened) -> None:
    archives = opened()
    mine, other = archives.begin(ANN), archives.begin(BOB)
    archives.append(mine, 0, b"archive", permitted)
    second = archives.begin(ANN)
    assert (archives.held(ANN), archives.held(BOB), archives.held(7)) == (2, 1, 0)

    archives.remove(mine)
    archives.remove(mine)

    assert (archives.held(ANN), archives.held(BOB)) == (1, 1)
    with pytest.raises(ImportUnknown):
        archives.size(mine)
    assert (archives.size(second), archives.size(other)) == (0, 0)


def test_what_nobody_goes_on_with_expires_unless_somebody_works_on_it(opened: Opened) -> None:
    archives, other = opened(), opened()
    old, worked_on = archives.begin(ANN), archives.begin(ANN)
    archives.append(old, 0, b"archive", permitted)

    assert archives.expire(0.0) == 0
    with other.alone(worked_on):
        assert archives.expire(4e9) == 1
    with pytest.raises(ImportUnknown):
        archives.size(old)
    assert archives.size(worked_on) == 0
    assert archives.expire(4e9) == 1


@pytest.mark.peer("weed")
def test_what_others_put_there_stays(address: str, tmp_path: Path) -> None:
    bucket = Bucket.at(address)
    archives = ArchiveObjects(bucket, FileTurns(tmp_path))
    strange = [f"{FOLDER}/x", f"{FOLDER}/{ANN}/y", f"{FOLDER}/z/{'x' * 32}/begun"]
    for key in strange:
        bucket.put(key, b"x")

    assert archives.expire(4e9) == 0
    assert all(bucket.size(key) == 1 for key in strange)
