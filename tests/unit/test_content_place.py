"""Names stand for content in one place, and no start gives them another without being told to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.main.content_place import StorageMoved, settle_storage, storage_told
from lading.oci.digest import Digest
from lading.services.repositories.edits import HoldBlob
from lading.settings import Settings

BUCKET, OTHER = "s3://images/lading", "s3://images/elsewhere"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[ServiceDatabase]:
    with closing(open_service_database(tmp_path / "lading.db", time.time)) as opened:
        yield opened


def begin(database: ServiceDatabase, storage: str | None, moved_from: str | None = None) -> str | None:
    """What a start with these settings remembers."""
    settings = Settings(Path("/nowhere"), storage=storage, storage_moved_from=moved_from)
    settle_storage(settings, database)
    return storage_told(Settings(Path("/nowhere")), database.settings)


def name_something(database: ServiceDatabase) -> None:
    database.repositories.change("team/app", lambda _view: [HoldBlob(Digest.of(b"x"), 1)], 1.0)


@pytest.mark.parametrize("first", [None, BUCKET])
@pytest.mark.parametrize("then", [None, BUCKET, OTHER])
def test_where_nothing_is_named_any_place_will_do(
    database: ServiceDatabase, first: str | None, then: str | None
) -> None:
    assert begin(database, first) == first
    assert begin(database, then) == then


@pytest.mark.parametrize(
    ("was", "now"),
    [(None, BUCKET), (BUCKET, None), (BUCKET, OTHER), (BUCKET, "s3://other/lading")],
)
def test_names_do_not_move_by_themselves(database: ServiceDatabase, was: str | None, now: str | None) -> None:
    begin(database, was)
    name_something(database)

    with pytest.raises(StorageMoved) as refused:
        begin(database, now)

    assert (was or "the data folder") in str(refused.value)
    assert f"--storage-moved-from {was or 'folder'}" in (refused.value.hint or "")
    assert begin(database, was) == was  # nothing was changed


@pytest.mark.parametrize(("was", "now"), [(None, BUCKET), (BUCKET, None), (BUCKET, OTHER)])
def test_who_has_moved_all_of_it_says_from_where(database: ServiceDatabase, was: str | None, now: str | None) -> None:
    begin(database, was)
    name_something(database)
    said = was or "folder"

    assert begin(database, now, said) == now
    assert begin(database, now, said) == now  # it may stay among the settings
    with pytest.raises(StorageMoved):
        begin(database, "s3://yet/another", said)  # and lets nothing else move


def test_a_slash_at_the_end_is_the_same_place(database: ServiceDatabase) -> None:
    begin(database, BUCKET)
    name_something(database)

    assert begin(database, BUCKET + "/") == BUCKET
