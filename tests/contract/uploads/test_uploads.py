"""Upload sessions in a folder, and in a bucket of a real S3 server, keep the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.objects.content import ObjectContent
from tests.contract.uploads.suite import Place, UploadsContract
from tests.fakes.records import MemoryLeases


@pytest.fixture
def leases() -> MemoryLeases:
    return MemoryLeases()


class TestInAFolder(UploadsContract):
    @pytest.fixture
    def place(self, tmp_path: Path, leases: MemoryLeases) -> Iterator[Place]:
        with closing(ContentFolder(tmp_path / "content", leases)) as folder:
            folder.uploads.create("one")
            yield folder

    @pytest.fixture
    def elsewhere(self, tmp_path: Path, place: Place) -> Iterator[Place]:
        with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as folder:
            yield folder


@pytest.mark.peer("weed")
class TestInABucket(UploadsContract):
    @pytest.fixture
    def place(self, bucket: Callable[[MemoryLeases], ObjectContent], leases: MemoryLeases) -> Place:
        content = bucket(leases)
        content.uploads.create("one")
        return content

    @pytest.fixture
    def elsewhere(self, bucket: Callable[[MemoryLeases], ObjectContent], place: Place) -> Place:
        return bucket(MemoryLeases())
