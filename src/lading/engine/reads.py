"""The reads of one copy: which destination takes which piece, and the one stream behind each piece."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lading.engine.content import SourceContent, WatchedContent
from lading.engine.shared_read import Backlog, SharedRead, Taker
from lading.engine.stores import Source, Target
from lading.engine.throttle import RateLimit
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.wire.message import Cancel


@dataclass(frozen=True, slots=True)
class Reading:
    """One piece for one destination: what to read, and whom to blame."""

    taker: Taker
    content: WatchedContent


@dataclass(frozen=True, slots=True)
class Wish:
    """The pieces that one target needs."""

    target: Target
    pieces: tuple[Descriptor, ...]


Readings = Mapping[Digest, Reading]


def share(source: Source, wishes: Sequence[Wish], cancel: Cancel, limit: RateLimit | None) -> list[Readings]:
    """For each wish its readings. Somebody must check the bytes, and only one: source, target, or the stream."""
    backlog = Backlog()
    pieces = {piece.digest: piece for wish in wishes for piece in wish.pieces}
    readings: list[dict[Digest, Reading]] = [{} for _ in wishes]
    for digest, takers in _takers(wishes).items():
        content = WatchedContent(SourceContent(source, pieces[digest]), cancel, limit)
        checks = [not (source.verified or wishes[number].target.verifies) for number in takers]
        shared = SharedRead(content, digest, checks, backlog)
        for number, taker in zip(takers, shared.takers, strict=True):
            readings[number][digest] = Reading(taker, content)
    return list(readings)


def _takers(wishes: Iterable[Wish]) -> Mapping[Digest, list[int]]:
    """The numbers of the wishes that name each piece."""
    takers: dict[Digest, list[int]] = {}
    for number, wish in enumerate(wishes):
        for digest in {piece.digest: None for piece in wish.pieces}:
            takers.setdefault(digest, []).append(number)
    return takers
