"""Upload sessions as files: the file's size is the offset. What every form of them does is in tests/contract."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.backends.content_store import background_sync, incoming
from lading.backends.content_store import folder as content_folder
from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.storage import StorageUnusable
from lading.oci.digest import Digest, DigestMismatch
from lading.wire.upload_session import UploadUnknown
from tests.contract.uploads.suite import LAYER, append, finish
from tests.fakes.records import MemoryLeases


@pytest.fixture
def leases() -> MemoryLeases:
    return MemoryLeases()


@pytest.fixture
def folder(tmp_path: Path, leases: MemoryLeases) -> Iterator[ContentFolder]:
    folder = ContentFolder(tmp_path / "content", leases)
    folder.uploads.create("one")
    yield folder
    folder.close()


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
