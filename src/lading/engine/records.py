"""What the engine needs remembered: names of images, and leases that keep content from being collected."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lading.engine.stores import Condition
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Image:
    """A row of `lading images`: `reference` is the whole one, `root` its manifest or index, `moved` when it was set.

    `moved` is in seconds since 1970. An image that has no name is called by its root's digest, as in a layout.
    """

    reference: str
    root: Descriptor
    moved: float

    @property
    def named(self) -> bool:
        """Whether the reference is a name, and not what stands for none."""
        return self.reference != str(self.root.digest)


class ImageNames(Protocol):
    """image(reference → digest): what `lading images` and the Docker door see (architecture, What is true where)."""

    def find(self, reference: str) -> Image | None:
        """By whole reference."""

    def point(self, references: Collection[str], root: Descriptor, condition: Condition) -> None:
        """All or none, in one transaction. Raises TagMoved where the condition does not hold.

        Some remember what loses its last name by this, as an image without one, until it has a name again.
        """

    def forget(self, reference: str) -> bool:
        """Whether it was there."""

    def forget_as(self, images: Collection[Image]) -> Collection[Image]:
        """Takes the names of these as somebody read them, in one transaction: one that has moved to another root since
        stays. Answers those that went. What it costs does not grow with the images there are."""

    def all(self) -> Iterable[Image]:
        """In order of reference."""

    def among(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Those of these that are the root of an image. What it costs does not grow with the images there are."""


class Holder(StrEnum):
    """On whose behalf content is leased. One blob may be leased for several, and each of these leases keeps it."""

    TOLD = "told"
    """Whoever was told that it is here, a registry's client above all: nobody ends it, it is over after a day."""

    WORK = "work"
    """A piece of work that runs, or whose process died."""

    LEFT = "left"
    """Work that ended before its names were set: the next try finds here what has come. Nobody relies on it."""

    ENDED = "ended"
    """Work whose names are set: from the next collection on, they alone keep its content."""


EVERY_HOLDER = frozenset(Holder)


class Promises(Protocol):
    """Where content is leased for one holder."""

    def hold(self, digests: Collection[Digest]) -> None:
        """Keep these for a day; costs a write at most once per blob, holder, process and ten minutes."""

    def renewed(self, digests: Collection[Digest]) -> bool:
        """Whether `hold` of these would write nothing: this holder has been given all of them lately."""


class WorkPromises(Promises, Protocol):
    """The leases of one piece of work."""

    def end(self, holder: Holder) -> None:
        """What the work holds is ENDED or LEFT from now on, and nothing is held here any more, until it holds something
        again. Where nothing was, this costs nothing."""


class Leases(Promises, Protocol):
    """Promises that content stays although no name reaches it yet: given with every `has`, `push` and mount.

    What is held here itself is held for who was TOLD.
    """

    def work(self) -> WorkPromises:
        """For a piece of work that begins. Where it never ends, because its process dies, its leases are over after a
        day, as any others."""

    def held(self, holders: Collection[Holder] = EVERY_HOLDER) -> Collection[Digest]:
        """All whose lease, for one of these, is not over."""

    def among(self, digests: Collection[Digest], holders: Collection[Holder] = EVERY_HOLDER) -> Collection[Digest]:
        """Those of these whose lease, for one of these holders, is not over."""

    def forget_ended(self) -> None:
        """Drops what is ENDED. For a collection alone, in its turn and before it reads a name (see collect.py)."""

    def forget(self, digests: Collection[Digest], holders: Collection[Holder]) -> None:
        """Drops the leases of these for these holders. For a collection alone, as above."""
