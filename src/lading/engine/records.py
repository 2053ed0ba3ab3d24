"""What the engine needs remembered: names of images, and leases that keep content from being collected."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from lading.engine.stores import Condition
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Image:
    """A row of `lading images`: `reference` is the whole one, `root` its manifest or index, `moved` when it was set.

    `moved` is in seconds since 1970.
    """

    reference: str
    root: Descriptor
    moved: float


class ImageNames(Protocol):
    """image(reference → digest): what `lading images` and the Docker door see (architecture, What is true where)."""

    def find(self, reference: str) -> Image | None:
        """By whole reference."""

    def point(self, references: Collection[str], root: Descriptor, condition: Condition) -> None:
        """All or none, in one transaction. Raises TagMoved where the condition does not hold."""

    def forget(self, reference: str) -> bool:
        """Whether it was there."""

    def all(self) -> Iterable[Image]:
        """In order of reference."""


class Leases(Protocol):
    """Promises that content stays although no name reaches it yet: given with every `has`, `push` and mount."""

    def hold(self, digests: Collection[Digest]) -> None:
        """Keep these for a day; costs a write at most once per blob, process and ten minutes."""

    def renewed(self, digests: Collection[Digest]) -> bool:
        """Whether `hold` of these would write nothing: this process has given all of them leases lately."""

    def held(self) -> Collection[Digest]:
        """All whose lease is not over."""

    def among(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Those of these whose lease is not over."""
