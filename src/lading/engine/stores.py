"""Stores: where content comes from and goes to. One ability each; a store offers what it can.

A registry, our own store, an OCI layout, an archive and memory all stand behind these protocols, and one contract suite
(`tests/contract`) runs on each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Literal, Protocol, runtime_checkable

from lading.errors import LadingError, NotFound, Refused, Side
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Repository
from lading.wire.message import Cancel, Content, Reader
from lading.wire.progress import State


class ContentUnknown(NotFound):
    """Content that the store does not hold."""

    side = Side.SOURCE

    def __init__(self, digest: Digest, where: str) -> None:
        super().__init__(digest, where)
        self.digest, self.where = digest, where

    def __str__(self) -> str:
        return f"{self.where} does not hold {self.digest}"


SHOWN_NAMES = 10
"""How many names an error lists: enough to see a slip of the pen, and one screen."""


def some_of(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


class TagUnknown(NotFound):
    """A tag, or in our own store a reference, that names nothing; `there` are the names that exist, where known."""

    def __init__(self, name: str, where: str, there: Sequence[str] = ()) -> None:
        super().__init__(name, where, there)
        self.name, self.where, self.there = name, where, tuple(there)
        if self.there:
            self.hint = f"Name one of those that are there: {some_of(self.there)}"

    def __str__(self) -> str:
        return f"{_whole(self.name, self.where)} does not exist"


def _whole(name: str, where: str) -> str:
    """The whole reference: a tag with its repository, or what is one already."""
    return name if "/" in name else f"{where}:{name}"


class TagMoved(Refused):
    """The tag does not hold what it was required to hold before being moved."""

    hint = "Give it another name, or allow the tag to be moved."
    command = "Give it another name, or allow the tag to be moved: leave out --if-absent."

    def __init__(self, name: str, where: str, holds: Digest | None) -> None:
        super().__init__(name, where, holds)
        self.name, self.where, self.holds = name, where, holds

    def __str__(self) -> str:
        return f"{_whole(self.name, self.where)} {f'is already {self.holds}' if self.holds else 'does not exist'}"


class TagUnproven(LadingError):
    """The tag was written, yet reading it back gave something else."""

    side = Side.TARGET
    code = "unproven"

    def __init__(self, name: str, where: str, expected: Digest, found: Digest | None) -> None:
        super().__init__(name, where, expected, found)
        self.name, self.where, self.expected, self.found = name, where, expected, found

    def __str__(self) -> str:
        found = f"answers {self.found}" if self.found else "is not there"
        return f"{self.name} was pushed to {self.where} as {self.expected} but {found} when read back"


class Outcome(Enum):
    """How a piece came to be held by the target."""

    EXISTS = "exists"
    MOUNTED = "mounted"
    SENT = "sent"


Condition = Digest | Literal["any", "absent"]
"""What a tag must hold before it is moved."""


def permits(condition: Condition, holds: Digest | None, wanted: Digest) -> bool:
    """Whether a tag that holds `holds` (None: absent) may be pointed at `wanted`.

    A tag that is right already may always be written again: a repeated push succeeds.
    """
    required = None if condition == "absent" else condition
    return condition == "any" or holds in (wanted, required)


class Track(Protocol):
    """Tells of one piece at one target; `copy` makes it an Advanced. `current` and `kept` are bytes."""

    def __call__(
        self, state: State, current: int = 0, *, kept: int = 0, detail: str = "", seconds: float | None = None
    ) -> None: ...


def untold(state: State, current: int = 0, *, kept: int = 0, detail: str = "", seconds: float | None = None) -> None:
    """A Track nobody follows: a manifest put under its names is no piece of its own to the caller."""


class Source(Protocol):
    """Where content can be read."""

    @property
    def name(self) -> str:
        """What people read in messages: a repository, a folder, a file."""

    @property
    def verified(self) -> bool:
        """Whether content was checked when it was written (our own store); else somebody still has to hash it."""

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """From `offset`, in bytes, to the end or for `length` bytes. Raises ContentUnknown."""


class Target(Protocol):
    """Where content can be put."""

    @property
    def name(self) -> str:
        """What people read in messages."""

    @property
    def verifies(self) -> bool:
        """Whether it hashes what it is given before it holds it (our store does, a registry is not trusted to)."""

    def has(self, descriptor: Descriptor) -> bool:
        """Whether pushing it would move nothing. Leases it where garbage is collected."""

    def push(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> Outcome:
        """Held when this returns.

        The target itself looks whether it exists and where an earlier attempt stopped, and opens `content` there.
        Blobs and manifests alike: a manifest pushed here is held by digest, without a tag.
        """


class Tags(Protocol):
    """Names for manifests. In a registry a name is a tag; in our own store and a layout it is a whole reference."""

    def resolve(self, name: str | Digest) -> Descriptor:
        """A tag's or digest's manifest, for one HEAD. Raises TagUnknown, ContentUnknown."""

    def tag(
        self, descriptor: Descriptor, content: Content, tags: Sequence[str], condition: Condition, cancel: Cancel
    ) -> Mapping[str, LadingError | None]:
        """Point each tag at this manifest and read it back; None where proven.

        Takes the bytes, so a registry needs one PUT a tag and no other request. All its children are held already.
        """

    def untag(self, tag: str) -> None:
        """Raises TagUnknown, Refused."""

    def tags(self, after: str = "") -> Iterator[str]:
        """In order; pages as it goes."""


class Store(Target, Tags, Protocol):
    """A target whose content can be named: where a copy arrives."""


@runtime_checkable
class Mounter(Protocol):
    """A target inside a registry, which can take a blob from a sibling repository (distribution-spec, Mounting)."""

    @property
    def repository(self) -> Repository:
        """Where pushes go."""

    def expect(self, origins: Collection[Repository]) -> None:
        """Named once, before the first blob, so that one token covers them all."""

    def mount(
        self,
        descriptor: Descriptor,
        content: Content,
        origins: Sequence[Repository],
        track: Track,
        cancel: Cancel,
    ) -> Outcome:
        """`push` that first asks for it from `origins`, in the same conversation.

        These are known to hold it, best first, this repository among them where it was seen there. Where none is known
        it asks for a mount from this repository itself: that is the existence check. A refused mount is already the
        upload's start.
        """


@runtime_checkable
class Ranged(Protocol):
    """A target that can take several parts of one piece at once, from further openings of its content."""

    def push_ranged(
        self, descriptor: Descriptor, content: Content, spare: Callable[[], bool], track: Track, cancel: Cancel
    ) -> Outcome:
        """`push` that may open further closed ranges of `content` while `spare()` says that a lane is idle."""


class Locations(Protocol):
    """Which repositories are known to hold a blob: learned by every copy, kept beside the store, per account."""

    def of(self, digest: Digest, registry: str) -> Sequence[Repository]:
        """Best first."""

    def learn(self, digest: Digest, repository: Repository) -> None:
        """It was there just now."""


class Referrers(Protocol):
    """What points at a manifest: signatures, SBOMs, attestations."""

    def referrers(self, subject: Digest) -> Iterable[Descriptor]:
        """By API or fallback tag (distribution-spec, Listing Referrers); the caller cannot tell which."""
