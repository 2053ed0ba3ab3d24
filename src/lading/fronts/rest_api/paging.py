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
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many a page holds.")]
Filter = Annotated[str, Query(max_length=500, description="Keeps what holds this text.")]


def listed(items: Sequence[T], page: int | None, limit: int, shown: Callable[[T], object]) -> object:
    """An array; or, asked with `page`, `{items, total, next?}`."""
    if page is None:
        return [shown(each) for each in items]
    first = (page - 1) * limit
    return paged([shown(each) for each in items[first : first + limit]], len(items), page, limit)


def paged(items: Sequence[object], total: int, page: int, limit: int) -> Json:
    """One page of a list that is longer."""
    answer: Json = {"items": list(items), "total": total}
    if page * limit < total:
        answer["next"] = page + 1
    return answer
