"""Which platforms of an image move: what was asked, what is there, and what follows (interfaces, Platforms)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from lading.errors import InputInvalid, NotFound, Refused
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index
from lading.oci.platform import Platform, choose, is_attestation, subject_of_attestation


@dataclass(frozen=True, slots=True)
class Wanted:
    """`all` of them, those one `has` here, or those that serve the named `platforms`."""

    all: bool = False
    have: bool = False
    platforms: tuple[Platform, ...] = ()

    @classmethod
    def parse(cls, words: Sequence[str]) -> Wanted:
        """From `--platform` words. Raises PlatformInvalid, PlatformsContradict."""
        if len(words) > 1 and {"all", "have"} & set(words):
            raise PlatformsContradict(tuple(words))
        if "all" in words:
            return EVERY
        if "have" in words:
            return Wanted(have=True)
        return cls(platforms=tuple(Platform.parse(word) for word in words))

    @classmethod
    def of(cls, text: str | None) -> Wanted | None:
        """From such words with commas between them, as requests bring them; None where nothing is said. Raises
        PlatformInvalid, PlatformsContradict."""
        return cls.parse(text.split(",")) if text else None


EVERY = Wanted(all=True)
UNSAID = Wanted()
"""A verb's own choice: the platform of this machine for a pull, all that is here for a push."""


class PlatformsContradict(InputInvalid):
    """`all` or `have` beside other platforms."""

    hint = "Ask for all, for have, or for platforms like linux/arm64."
    command = "Give --platform all, --platform have, or one --platform for each platform."

    def __init__(self, words: tuple[str, ...]) -> None:
        super().__init__(words)
        self.words = words

    def __str__(self) -> str:
        return f"the platforms {', '.join(self.words)} contradict each other"


class PlatformMissing(NotFound):
    """A platform that the image was not built for."""

    code = "platform"
    hint = "Ask for a platform that it has; where images move, all of them are the platform all."
    command = "Name another one with --platform; where images move, --platform all means all of them."

    def __init__(self, wanted: Platform, where: str, offered: Iterable[Platform]) -> None:
        self.wanted, self.where, self.offered = wanted, where, tuple(offered)
        super().__init__(wanted, where, self.offered)
        self.why = f"it was built for {', '.join(map(str, self.offered))}" if self.offered else None

    def __str__(self) -> str:
        return f"{self.where} has no {self.wanted}"


class PlatformsIncomplete(Refused):
    """Several platforms are here, but not all: none is dropped silently."""

    code = "platforms_incomplete"

    def __init__(self, here: int, total: int) -> None:
        super().__init__(here, total)
        self.here, self.total = here, total
        self.hint = "The platform have pushes those that are here; a pull of the platform all brings the rest."
        self.command = "--platform have pushes those that are here; lading pull --platform all brings the rest."

    def __str__(self) -> str:
        return f"Image has {self.here} of {self.total} platforms here. Use platform=have, or pull the rest."


class NothingHere(NotFound):
    """An image of which no platform is here."""

    hint = "A pull brings its content."
    command = "lading pull brings its content."

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where

    def __str__(self) -> str:
        return f"none of the platforms of {self.where} are here"


@dataclass(frozen=True, slots=True)
class Selection:
    """What moves. `only` is one child that stands for the whole; `kept` are the children of a rewritten index, None
    where it stays as it is. `note` is for people."""

    note: str = ""
    only: Descriptor | None = None
    kept: frozenset[Digest] | None = None


def images_of(index: Index) -> tuple[Descriptor, ...]:
    """The children that are images rather than attestations of one."""
    return tuple(child for child in index.manifests if not is_attestation(child))


def with_attestations(index: Index, chosen: Collection[Descriptor]) -> tuple[Descriptor, ...]:
    """These children, and the attestations of them, in the index's order."""
    digests = {child.digest for child in chosen}
    return tuple(
        child for child in index.manifests if child.digest in digests or subject_of_attestation(child) in digests
    )


def chosen(index: Index, platforms: Iterable[Platform], where: str) -> tuple[Descriptor, ...]:
    """The child that serves each platform best, once each. Raises PlatformMissing."""
    found: dict[Digest, Descriptor] = {}
    for platform in platforms:
        child = choose(index.manifests, platform)
        if child is None:
            raise PlatformMissing(platform, where, [c.platform for c in images_of(index) if c.platform])
        found[child.digest] = child
    return tuple(found.values())


def select(index: Index, wanted: Wanted, where: str, here: Callable[[Descriptor], bool]) -> Selection:
    """What of an index leaves a place where a child may be missing; `here` says whether all of a child is there.

    Raises PlatformMissing, PlatformsIncomplete, NothingHere.
    """
    images = images_of(index)
    if wanted.platforms:
        found = chosen(index, wanted.platforms, where)
        if len(found) == 1:
            return Selection(f"{found[0].platform or 'one'} of {len(images)} platforms", only=found[0])
        return _rewritten(images, found)
    present = [child for child in images if here(child)]
    if len(present) == len(images):
        return Selection(f"{len(images)} platforms" if len(images) > 1 else "")
    if not present:
        raise NothingHere(where)
    if wanted.have:
        return _rewritten(images, present)
    if len(present) == 1:
        name = present[0].platform or "one"
        return Selection(
            f"{name}, the only one here of {len(images)} platforms, as a manifest of its own", only=present[0]
        )
    raise PlatformsIncomplete(len(present), len(images))


def _rewritten(images: Sequence[Descriptor], kept: Sequence[Descriptor]) -> Selection:
    if len(kept) == len(images):
        return Selection(f"{len(images)} platforms")
    note = f"{len(kept)} of {len(images)} platforms, so the index has a new digest"
    return Selection(note, kept=frozenset(child.digest for child in kept))
