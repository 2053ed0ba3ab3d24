"""Lists: filtered, and in pages where a page is asked for (interfaces §2, The rest)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from lading.fronts.rest_api.answers import Json

T = TypeVar("T")

MOST = 200
"""Items of a page."""

PageNumber = Annotated[
    int | None, Query(ge=1, le=1_000_000, description="Which page, from 1; without it, the whole list.")
]
Limit = Annotated[int | None, Query(ge=1, le=MOST, description=f"How many a page holds; {MOST} where nobody says.")]
Filter = Annotated[str, Query(max_length=500, description="Keeps what holds this text, in capitals or not.")]


def listed(items: Sequence[T], page: int | None, limit: int | None, shown: Callable[[T], object]) -> object:
    """An array, of `limit` items at most where that is given; or, asked with `page`, `{items, total, next?}`."""
    first, count = (0, limit or len(items)) if page is None else window(page, limit)
    return paged([shown(each) for each in items[first : first + count]], len(items), page, limit)


def window(page: int | None, limit: int | None) -> tuple[int, int]:
    """Where a page begins and how many it holds; without one the first."""
    count = limit or MOST
    return ((page or 1) - 1) * count, count


def paged(items: Sequence[object], total: int, page: int | None, limit: int | None) -> object:
    """What has been cut out of a longer list, as the answer."""
    if page is None:
        return list(items)
    first, count = window(page, limit)
    answer: Json = {"items": list(items), "total": total}
    if first + count < total:
        answer["next"] = page + 1
    return answer


def holds(text: str, *names: str) -> bool:
    """Whether one of the names holds the text that a list is filtered by."""
    return any(text.lower() in name.lower() for name in names)
