"""Lists narrowed by filters: which images `docker images --filter` and `docker image prune --filter` mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from lading.oci.reference import Reference
from lading.services.environment_images import Summary
from lading.services.environments.orders import LabelFilter
from lading.wire.docker_query import FilterInvalid, Filters

LIST_FILTERS = ("before", "since", "until", "dangling", "label", "label!", "reference")
PRUNE_FILTERS = ("dangling", "until", "label", "label!")

CreatedOf = Callable[[str], float]
"""When an image was made, in seconds since 1970. Raises ImageUnknown."""


def narrowed(images: Iterable[Summary], filters: Filters, created_of: CreatedOf, now: float) -> Sequence[Summary]:
    """Every filter holds; of an image found by its names those that fit are shown, with their repositories' digests.

    Raises FilterInvalid, MomentUnreadable, and ImageUnknown for an image that a filter names.
    """
    befores = [created_of(name) for name in filters.all("before")]
    until = filters.moment("until", now)
    before = min([*befores, *([] if until is None else [until])], default=None)
    since = max(map(created_of, filters.all("since")), default=None)
    dangling, wanted = filters.truth("dangling"), labels(filters)
    found = [
        image
        for image in images
        if (before is None or (image.created or 0) < before)
        and (since is None or (image.created or 0) > since)
        and (dangling is None or dangling is not bool(image.names or image.digests))
        and all(each.permits(image.labels) for each in wanted)
    ]
    patterns = filters.all("reference")
    return _called(found, patterns) if patterns else found


def labels(filters: Filters) -> tuple[LabelFilter, ...]:
    """`label` and `label!`."""
    return tuple(
        LabelFilter(name, value if equals else None, without)
        for key, without in (("label", False), ("label!", True))
        for name, equals, value in (text.partition("=") for text in filters.all(key))
    )


def _called(images: Iterable[Summary], patterns: Sequence[str]) -> Sequence[Summary]:
    globs = [glob(pattern) for pattern in patterns]

    def fit(names: Iterable[str]) -> tuple[Reference, ...]:
        return tuple(name for name in map(Reference.parse, names) if any(_matches(each, name) for each in globs))

    def shown(image: Summary) -> Summary:
        names = fit(image.names)
        shown = {reference.repository for reference in (*names, *fit(image.digests))}
        digests = tuple(text for text in image.digests if Reference.parse(text).repository in shown)
        return replace(image, names=tuple(map(str, names)), digests=digests)

    return [image for image in map(shown, images) if image.names or image.digests]


def _matches(pattern: re.Pattern[str], name: Reference) -> bool:
    """The tag may be left out of a pattern."""
    return bool(pattern.fullmatch(name.familiar) or pattern.fullmatch(name.repository.familiar))


def glob(pattern: str) -> re.Pattern[str]:
    """A pattern by the rules of Go's path.Match: `*` and `?` stop at a slash, [a-z] and [^a-z] are one character, a
    backslash takes the next one as it is. Raises FilterInvalid.

    As there, what follows a star is looked for once, and found where it comes first: trying every place would take
    ages, and no thread of ours goes on meanwhile.
    """
    between, rest = [""], pattern
    while rest:
        piece = _PIECE.match(rest)
        if piece is None:
            raise FilterInvalid("reference", (pattern,))
        if piece[0].startswith("*"):
            between.append("")
        else:
            between[-1] += _written(piece)
        rest = rest[piece.end() :]
    first, *others = between
    sought = "".join(f"(?>[^/]*?{each})" for each in others[:-1])
    try:
        return re.compile(f"{first}{sought}[^/]*{others[-1]}" if others else first)
    except re.error as error:
        raise FilterInvalid("reference", (pattern,)) from error


_PIECE = re.compile(r"\*+|\?|\[(\^?)((?:\\.|[^\]\\])+)\]|\\(.)|([^\[\\])", re.DOTALL)


def _written(piece: re.Match[str]) -> str:
    if piece[0] == "?":
        return "[^/]"
    if piece[2] is not None:
        return f"[{piece[1]}{_characters(piece[2])}]"
    return re.escape(piece[3] or piece[4])


def _characters(text: str) -> str:
    """The inside of a class: ranges, and characters that are themselves."""
    return _RANGE.sub(lambda found: "-".join(re.escape(each[-1]) for each in found.groups() if each), text)


_RANGE = re.compile(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", re.DOTALL)
