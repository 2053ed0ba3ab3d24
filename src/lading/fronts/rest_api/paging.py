"""Lists: filtered, and in pages where a page is asked for (interfaces §2, The rest)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Query

from lading.fronts.rest_api.answers import Json

T = TypeVar("T")

MOST = 200
"""Items of a page."""

ALL = 1 << 31
"""More items than there are."""

PageNumber = Annotated[
    int | None, Query(ge=1, le=1_000_000, description="Which page, from 1; without it, the whole list.")
]
Limit = Annotated[int | None, Query(ge=1, le=MOST, description=f"How many a page holds; {MOST} where nobody says.")]
Filter = Annotated[str, Query(max_length=500, description="Keeps what holds this text, in capitals or not.")]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What is asked of a list: those items that hold `text`, and of them a page, or with None all."""

    page: int | None
    limit: int | None
    text: str

    @property
    def window(self) -> tuple[int, int]:
        """Where the page begins and how many it holds; without one the first."""
        return window(self.page, self.limit)

    def kept(self, items: Iterable[T], names: Callable[[T], Iterable[str]]) -> Sequence[T]:
        """Those one of whose names holds the text, in capitals or not."""
        return [each for each in items if any(self.text.lower() in name.lower() for name in names(each))]

    @property
    def span(self) -> tuple[int, int]:
        """Where what is shown begins and how many at most it is: the page; without one all, or the first `limit`."""
        return (0, self.limit or ALL) if self.page is None else self.window

    def cut(self, items: Sequence[T]) -> Sequence[T]:
        """What is shown of them."""
        first, count = self.span
        return items[first : first + count]

    def answer(self, shown: Sequence[object], total: int) -> object:
        """An array; or, asked with `page`, `{items, total, next?}`. `shown` has been cut out of `total`."""
        return paged(shown, total, self.page, self.limit)

    def listed(self, items: Iterable[T], names: Callable[[T], Iterable[str]], shown: Callable[[T], object]) -> object:
        """The answer for a list that is here as a whole."""
        kept = self.kept(items, names)
        return self.answer([shown(each) for each in self.cut(kept)], len(kept))


async def list_query(page: PageNumber = None, limit: Limit = None, filter: Filter = "") -> ListQuery:  # noqa: A002
    """As it was sent."""
    return ListQuery(page, limit, filter)


ListNeeded = Annotated[ListQuery, Depends(list_query)]


def ordered_by(sort: str | None) -> tuple[str, bool]:
    """The word that a list is sorted by, empty where none is said, and whether that is from the greatest down."""
    word = sort or ""
    return word.removeprefix("-"), word.startswith("-")


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
