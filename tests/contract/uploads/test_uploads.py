"""Upload sessions in a folder, and in a bucket of a real S3 server, keep the contract, whoever keeps the locks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.objects.bucket import Bucket
from lading.backends.content_store.objects.content import ObjectContent
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from tests.contract.uploads.suite import Place, UploadsContract
from tests.fakes.records import Clock, MemoryLeases
from tests.peers.postgres_server import RunningPostgres


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


@pytest.mark.peer("weed")
@pytest.mark.peer("postgres")
class TestInABucketOfSeveralMachines(UploadsContract):
    """Their locks are in the database that they share."""

    @pytest.fixture
    def database(self, postgres: RunningPostgres) -> Iterator[ServiceDatabase]:
        with closing(open_service_database(postgres.prepared(), Clock())) as database:
            yield database

    @pytest.fixture
    def place(self, database: ServiceDatabase, address: str, leases: MemoryLeases) -> Iterator[Place]:
        with closing(database.turns()) as turns, closing(ObjectContent(Bucket.at(address), leases, turns)) as content:
            content.uploads.create("one")
            yield content

    @pytest.fixture
    def elsewhere(self, database: ServiceDatabase, address: str, place: Place) -> Iterator[Place]:
        leases = MemoryLeases()
        with closing(database.turns()) as turns, closing(ObjectContent(Bucket.at(address), leases, turns)) as content:
            yield content
