"""Whether what a start stands on can be had now, looked at from outside: nothing is opened for long."""

from __future__ import annotations

from lading.settings import Settings


def reach(settings: Settings) -> None:
    """The database and the object store, where they are not in the data folder. Raises DatabaseUnreachable,
    StorageInvalid, BucketFailed; leaves of theirs that are Unavailable where that may be over in a while."""
    if settings.database is not None:
        from lading.backends.database.postgres import reach as reach_database  # noqa: PLC0415  SQLite needs none of it

        reach_database(settings.database)
    if settings.storage is not None:
        from lading.backends.content_store.objects.bucket import Bucket  # noqa: PLC0415  nor a folder of that

        Bucket.at(settings.storage).check()
