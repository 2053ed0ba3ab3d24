"""Where a copy goes, and what became of it there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lading.engine.stores import Condition, Store
from lading.errors import ContentCorrupt, InputInvalid, LadingError
from lading.oci.digest import Digest
from lading.wire.ledger import Totals


@dataclass(frozen=True, slots=True)
class Destination:
    """One place to arrive at; `name` is what people read and what events carry, so no two may share it.

    `tags` are names in the store's own sense: tags in a registry, whole references in our own store. Without any, the
    root is held by its digest. `condition` is what each tag must hold before it is moved.

    `prepare` is asked before anything is sent. `admit` is asked once all is there, the root too, and before any tag
    moves. What they raise is the destination's error, and no tag moves.
    """

    name: str
    store: Store
    tags: tuple[str, ...] = ()
    condition: Condition = "any"
    admit: Callable[[], None] | None = None
    prepare: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of one destination; `error` None means that every tag is proven.

    A tag whose value is None was read back and answers the root. `referrers` is how many signatures, SBOMs and the like
    are there too.
    """

    name: str
    totals: Totals
    tags: Mapping[str, LadingError | None]
    error: LadingError | None
    referrers: int = 0


class DestinationTwice(InputInvalid):
    """Two destinations of one copy have the same name, so nobody could tell their events apart."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"{self.name} is named twice as a target"


class SourceCorrupt(ContentCorrupt):
    """What the source gave is not the content it was asked for; nothing of it was completed anywhere."""

    def __init__(self, digest: Digest, source: str, reason: str) -> None:
        super().__init__(digest, source, reason)
        self.digest, self.source, self.reason = digest, source, reason
        self.why = reason

    def __str__(self) -> str:
        return f"{self.source} gave wrong bytes for {self.digest}"
