"""Where our own content lies, in a folder or in a bucket, and what looks after it there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.garbage import CollectableFolder
from lading.backends.content_store.listing import OciListing
from lading.backends.content_store.soundness import CheckedFolder
from lading.backends.content_store.storage import Reserve
from lading.backends.content_store.taken import disk_figures
from lading.backends.database.service_database import ServiceDatabase
from lading.engine.collect import Collectable
from lading.engine.embedded import Listing
from lading.engine.records import ImageNames, Leases
from lading.errors import InputInvalid, Refused
from lading.main.sweeping import oldest_work
from lading.services.content.check import CheckedContent
from lading.services.content.storage_figures import DiskFigures
from lading.services.embedded.shelf import ContentListing
from lading.services.setting_records import SettingRecords
from lading.setting_readers import FOLDER
from lading.settings import Settings

if TYPE_CHECKING:  # the object store's library is loaded by who keeps content there
    from lading.backends.content_store.objects.content import ObjectContent
    from lading.backends.content_store.objects.turns import Turns

STORAGE_SETTING = "content-storage"
"""Where the server that began last over this database keeps content, if that is a bucket."""

OwnContent: TypeAlias = "ContentFolder | ObjectContent"


@dataclass(frozen=True, slots=True)
class ContentPlace:
    """`content` itself; how it is collected, checked and counted; what tells of its changes, if anything does; and the
    list of images that is kept beside it for other programs."""

    content: OwnContent
    collectable: Collectable
    checked: CheckedContent
    figures: Callable[[], DiskFigures]
    changes: ContentListing | None
    listing: Listing

    @property
    def folder(self) -> ContentFolder | None:
        """None where it lies in a bucket."""
        return self.content if isinstance(self.content, ContentFolder) else None


def content_of(
    stack: ExitStack, data: Path, database: ServiceDatabase, storage: str | None, reserve: Reserve
) -> ContentPlace:
    """What the names in this database stand for, at `storage`, None: in the data folder. Closed with the stack. Raises
    StorageUnusable, DiskFull, StorageInvalid, BucketFailed."""
    catalogue = database.catalogue
    catalogue.leases.keep_for_work(lambda: oldest_work(database.jobs))
    if storage is None:
        return in_folder(stack, data / "content", catalogue.images, catalogue.leases, reserve)
    return in_bucket(stack, storage, catalogue.leases, turns_of(stack, data, database))


class StorageMoved(Refused):
    """The names in the database stand for content somewhere else: begun here, every image would be broken."""

    def __init__(self, was: str, now: str) -> None:
        super().__init__(was, now)
        self.was, self.now = was, now
        before = "Leave --storage out" if was == FOLDER else f"Give --storage {was}"
        self.hint = f"{before}, as before; or, once all of the content has been moved, add --storage-moved-from {was}"

    def __str__(self) -> str:
        return f"the names here stand for content in {_place(self.was)}, and not in {_place(self.now)}"


def settle_storage(settings: Settings, database: ServiceDatabase) -> None:
    """Remembers where the content is: for the next start, and for who asks beside this server and may not have been
    told. Raises StorageMoved where names stand for content that is elsewhere; StorageFailed."""
    kept, now = database.settings, _spelt(settings.storage)
    was = _spelt(kept.setting(STORAGE_SETTING))
    if now == was:
        return
    moved = settings.storage_moved_from is not None and _spelt(settings.storage_moved_from) == was
    if not moved and database.names_content():
        raise StorageMoved(was, now)
    if settings.storage is None:
        kept.remove_setting(STORAGE_SETTING)
    else:
        kept.put_setting(STORAGE_SETTING, settings.storage)


def _spelt(place: object) -> str:
    """One place has one spelling, whether it ends with a slash or not."""
    return place.rstrip("/") if isinstance(place, str) else FOLDER


def _place(spelt: str) -> str:
    return "the data folder" if spelt == FOLDER else spelt


def storage_told(settings: Settings, kept: SettingRecords) -> str | None:
    """As it was set now, or for the server that began last; None is the data folder. Raises StorageFailed."""
    told = settings.storage or kept.setting(STORAGE_SETTING)
    return told if isinstance(told, str) else None


def in_folder(stack: ExitStack, path: Path, names: ImageNames, leases: Leases, reserve: Reserve) -> ContentPlace:
    """Closed with the stack. Raises StorageUnusable, DiskFull."""
    folder = ContentFolder(path, leases, reserve=reserve)
    stack.callback(folder.close)
    listing = OciListing(folder.tree, names)
    stack.callback(listing.close)
    figures = partial(disk_figures, folder.tree)
    return ContentPlace(folder, CollectableFolder(folder), CheckedFolder(folder), figures, folder, listing)


def in_bucket(stack: ExitStack, address: str, leases: Leases, turns: Turns) -> ContentPlace:
    """At `s3://BUCKET/PREFIX`. Closed with the stack. Raises StorageInvalid, BucketFailed."""
    from lading.backends.content_store.objects.bucket import Bucket  # noqa: PLC0415  where somebody keeps content there
    from lading.backends.content_store.objects.checked import CheckedBucket  # noqa: PLC0415
    from lading.backends.content_store.objects.collectable import CollectableBucket  # noqa: PLC0415
    from lading.backends.content_store.objects.content import ObjectContent  # noqa: PLC0415
    from lading.backends.content_store.objects.taken import bucket_figures  # noqa: PLC0415

    bucket = Bucket.at(address)
    bucket.check()
    content = ObjectContent(bucket, leases, turns)
    stack.callback(content.close)
    figures = partial(bucket_figures, bucket)
    return ContentPlace(content, CollectableBucket(content), CheckedBucket(content), figures, None, _Unlisted())


class NowhereElse(InputInvalid):
    """Clients are to be sent to an object store, and content is not in one."""

    hint = "Give --storage s3://BUCKET/PREFIX, or leave --storage-redirect out."

    def __str__(self) -> str:
        return "--storage-redirect sends clients to an object store, and the content is in the data folder"


def elsewhere(settings: Settings, content: OwnContent) -> ObjectContent | None:
    """Where clients are sent for blobs, where that was set. Raises NowhereElse."""
    if not settings.storage_redirect:
        return None
    if isinstance(content, ContentFolder):
        raise NowhereElse
    return content


def turns_of(stack: ExitStack, data: Path, database: ServiceDatabase) -> Turns:
    """How processes that share a bucket keep out of each other's way: by their database, or, where that is a file, by
    files beside it. Closed with the stack."""
    if database.shared:
        turns = database.turns()
        stack.callback(turns.close)
        return turns
    from lading.backends.content_store.objects.local_turns import FileTurns  # noqa: PLC0415  as above

    return FileTurns(data / "turns")


class _Unlisted:
    """Fulfils Listing: no other program reads a bucket of ours as an OCI layout."""

    def changed(self) -> None:
        """Nobody wants to know."""
