"""The steps of an image and the layers they made, as an environment tells of both. Pure.

Our own engine says which step made which layer. A Docker host lists diffIDs on the one hand, steps with sizes on the
other, and not which of the steps of no size made a layer all the same. What follows from the numbers is told; what they
leave open is None, and diffIDs whose steps nobody can name stand behind the steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lading.oci.digest import Digest
from lading.services.environment_images import Details, Step


@dataclass(frozen=True, slots=True)
class Layer:
    """A step, and what it made. `digest` is of the compressed layer, `diff_id` of the plain one; `size` is bytes,
    compressed where there is a digest. `empty` says whether it made nothing. None where nobody knows."""

    step: str = ""
    created: float | None = None
    comment: str = ""
    digest: Digest | None = None
    diff_id: Digest | None = None
    size: int | None = None
    empty: bool | None = None

    @property
    def keys(self) -> tuple[Digest, ...]:
        """What it is known by: two with one of these in common are the same layer."""
        return tuple(key for key in (self.digest, self.diff_id) if key is not None)


@dataclass(frozen=True, slots=True)
class Layers:
    """From the base up; `total` is the bytes of all of them, each once, None where nobody knows."""

    rows: tuple[Layer, ...]
    total: int | None


def layers_of(details: Details, steps: Sequence[Step]) -> Layers:
    """`steps` are the newest first, as environments tell them."""
    plain = [Digest.parse(each) for each in details.diff_ids]
    history = list(reversed(steps))
    if any(step.empty is not None for step in history):
        return told_layers(history, plain)
    return counted_layers(history, plain)


def told_layers(history: Sequence[Step], plain: Sequence[Digest]) -> Layers:
    """Where each step says what it made."""
    diff_ids = iter(plain)
    rows = tuple(_told(step, None if step.empty else next(diff_ids, None)) for step in history)
    return Layers(rows, sum({row.digest: row.size or 0 for row in rows if row.digest is not None}.values()))


def counted_layers(history: Sequence[Step], plain: Sequence[Digest]) -> Layers:
    """Where steps have sizes alone. One with a size made a layer; of those without, as many did as are missing."""
    total = sum(step.size for step in history) if history else None
    sized = [step.size > 0 for step in history]
    missing = len(plain) - sum(sized)
    places = list(_places(sized, missing))
    rows = [
        _counted(step, None if place is None else plain[place], missing, zeros=sized.count(False))
        for step, place in zip(history, places, strict=True)
    ]
    unplaced = [Layer(diff_id=each, empty=False) for place, each in enumerate(plain) if place not in places]
    return Layers((*rows, *unplaced), total)


def _places(sized: Sequence[bool], missing: int) -> Iterator[int | None]:
    """Of each step, the one place that its layer can have; None where it made none, or where there are several."""
    zeros = sized.count(False)
    layers_before = zeros_before = 0
    for has_size in sized:
        zeros_after = zeros - zeros_before - (not has_size)
        first = layers_before + max(0, missing - zeros_after - (not has_size))
        last = layers_before + min(missing, zeros_before)
        certain = 0 <= missing <= zeros and (has_size or missing == zeros)
        yield last if certain and (first == last or missing == zeros) else None
        layers_before, zeros_before = layers_before + has_size, zeros_before + (not has_size)


def _told(step: Step, diff_id: Digest | None) -> Layer:
    digest = None if step.empty else Digest.parse(step.id)
    return Layer(step.created_by, step.created, step.comment, digest, diff_id, step.size, bool(step.empty))


def _counted(step: Step, diff_id: Digest | None, missing: int, zeros: int) -> Layer:
    empty = False if step.size > 0 or missing == zeros else True if missing == 0 else None
    return Layer(step.created_by, step.created, step.comment, None, diff_id, step.size, empty)
