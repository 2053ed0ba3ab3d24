"""Our own store over the data folder, for the command line: each part opened when it is first asked for."""
# ruff: noqa: PLC0415  every room is imported where it is opened: a command pays for what it uses

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lading.main.data_folder import begun_folder, private_folder, was_served
from lading.settings import DEFAULT, Settings

if TYPE_CHECKING:
    from lading.backends.content_store.folder import ContentFolder
    from lading.backends.database.catalogue import Catalogue
    from lading.backends.database.repositories import DatabaseRecords
    from lading.backends.database.service_database import ServiceDatabase
    from lading.engine.collect import Collected, Keeper
    from lading.engine.embedded import EmbeddedStore
    from lading.engine.records import ImageNames
    from lading.main.sweeping import Sweeper
    from lading.oci.digest import Digest
    from lading.wire.message import Cancel


class LocalStore:
    """What is opened is closed with the stack. `begins` says that the data folder may be made, though it was named."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self._settings, self._open = settings, stack
        self.begins = False

    @cached_property
    def catalogue(self) -> Catalogue:
        """Names, leases, and what is remembered of registries. Raises DatabaseFailed."""
        from lading.backends.database.catalogue import open_catalogue

        catalogue = open_catalogue(self.data / "lading.db", time.time)
        self._open.callback(catalogue.close)
        return catalogue

    def image_names(self) -> ImageNames:
        """Of the images here."""
        return self.catalogue.images

    @cached_property
    def records(self) -> DatabaseRecords:
        """The repositories of our own registry."""
        from lading.backends.database.repositories import open_records

        records = open_records(self.data / "lading.db")
        self._open.callback(records.close)
        return records

    @cached_property
    def folder(self) -> ContentFolder:
        """The content."""
        from lading.backends.content_store.folder import ContentFolder
        from lading.backends.content_store.storage import Reserve

        reserve = Reserve(self._settings.keep_free, self._settings.keep_free_percent)
        folder = ContentFolder(self.data / "content", self.catalogue.leases, reserve=reserve)
        self._open.callback(folder.close)
        return folder

    @cached_property
    def own(self) -> EmbeddedStore:
        """Content and names as one store."""
        from lading.backends.content_store.listing import OciListing
        from lading.engine.embedded import EmbeddedStore

        listing = OciListing(self.folder.tree, self.catalogue.images)
        self._open.callback(listing.close)
        return EmbeddedStore(self.folder, self.catalogue.images, listing, "the local store")

    def collect(self, dry_run: bool, given_up: Collection[Digest], cancel: Cancel) -> Collected:
        """Where a service has names that we were not told of, an image loses its name, and its content is left to it;
        and so it is where the service has the content.

        Raises NamesElsewhere, ContentElsewhere.
        """
        from lading.engine.collect import Collected
        from lading.main.sweeping import ContentElsewhere, NamesElsewhere, NamesNote

        elsewhere = NamesNote.of(self.data).read()
        if elsewhere is not None and self._settings.database is None:
            if given_up:
                return Collected(0, 0)
            raise NamesElsewhere(elsewhere)
        if (place := self._storage()) is not None:
            if given_up:
                return Collected(0, 0)
            raise ContentElsewhere(place)
        return self._sweeper(dry_run, given_up, cancel)

    @cached_property
    def _sweeper(self) -> Sweeper:
        """In a folder that was served once, repositories keep content too."""
        from lading.backends.content_store.garbage import CollectableFolder
        from lading.main.sweeping import OtherNames, Sweeper, oldest_work

        content, uploads = CollectableFolder(self.folder), self.folder.uploads
        images, leases, unfinished = self.catalogue.images, self.catalogue.leases, self._settings.keep_unfinished
        own = self.records if was_served(self.data) else None
        if self._served:
            leases.keep_for_work(lambda: oldest_work(self.service.jobs))
        if self._settings.database is None:
            return Sweeper(content, uploads, images, leases, own, (), unfinished)
        service = self.service
        others: list[Keeper] = [OtherNames(service.catalogue.images, service.catalogue.leases)]
        others += [own] if own else []
        return Sweeper(content, uploads, images, leases, service.repositories, others, unfinished)

    def _storage(self) -> str | None:
        """The bucket that a service over this folder keeps the content in."""
        if not self._served:
            return None
        from lading.main.content_place import storage_told

        return storage_told(self._settings, self.service.settings)

    @property
    def _served(self) -> bool:
        """Whether a service may ever have been over this folder: else nothing of it need be asked."""
        return self._settings.database is not None or was_served(self.data)

    @cached_property
    def service(self) -> ServiceDatabase:
        """The rows of the service over this folder, wherever they are. Raises DatabaseFailed."""
        from lading.backends.database.service_database import open_service_database

        service = open_service_database(self._settings.database or self.data / "lading.db", time.time)
        self._open.callback(service.close)
        return service

    @property
    def check_every(self) -> float:
        """How long it may take to check all content once, in seconds."""
        return self._settings.check_every

    @cached_property
    def data(self) -> Path:
        """The data folder. Raises NoDataFolder, DataFolderUnusable."""
        origin = next(each.text for each in self._settings.origins if each.key.name == "data")
        if self.begins or origin == DEFAULT or self._settings.database is not None:
            return private_folder(self._settings.data)
        return begun_folder(self._settings.data, origin)

    def scratch(self) -> Path:
        """Where archives are unpacked, without names, beside the content they become."""
        return private_folder(self.data / "scratch")
