"""Whether rules of our own registry protect what an image is called."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

from lading.oci.reference import Reference
from lading.services.access import Actor, Permission
from lading.services.changes import Changes, Remembered
from lading.services.environment_images import Summary
from lading.services.repositories.protection import Protection
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.registry_address import RegistryAddress

STANDS_SECONDS = 60.0
"""Rules may end by themselves: what was looked up stands no longer, though nobody commits anything."""


class ImageLocks:
    """For any number of threads. `clock` tells seconds since 1970."""

    def __init__(
        self, records: RepositoryRecords, address: RegistryAddress, changes: Changes, clock: Callable[[], float]
    ) -> None:
        self._records, self._address, self._changes, self._clock = records, address, changes, clock
        self._remembered = Remembered(self, self._look)

    def of(self, actor: Actor, image: Summary) -> bool | None:
        """Whether one of its tags is protected against anything; None where none is a tag of our own registry that the
        actor may see. Raises StorageFailed."""
        told = [
            self._remembered.of((path, tag))
            for path, tag in self._own(image)
            if actor.may(Permission.REPOSITORIES_VIEW, None, path)
        ]
        known = [each for each in told if each is not None]
        return any(known) if known else None

    # ── Changes, for what is remembered

    @property
    def at_once(self) -> bool:
        """As Changes."""
        return self._changes.at_once

    def stamp(self) -> Hashable:
        """Another one, too, when time has passed."""
        return self._changes.stamp(), self._clock() // STANDS_SECONDS

    def woken(self, topic: str | None) -> None:
        """As Changes."""
        self._changes.woken(topic)

    # ──

    def _own(self, image: Summary) -> Iterator[tuple[str, str]]:
        for name in image.names:
            if self._address.may_be(name.partition("/")[0]):
                reference = Reference.parse(name)
                if reference.tag is not None:
                    yield reference.repository.path, reference.tag

    def _look(self, named: tuple[str, str]) -> bool | None:
        repository, tag = named
        view = self._records.view(repository)
        found = view.named(tag)
        if found is None:
            return None
        return bool(Protection(view, repository, self._clock()).forbidden(found))
