"""Lists of a registry, page after page, without going in circles or on for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from lading.wire.listing import ListUnreadable, Page

Entry = TypeVar("Entry")

PAGE_LIMIT = 10_000
"""Pages of one list: a million names from registries that give the fewest at once. Who gives more makes them up."""


def entries(ask: Callable[[str | None], Page[Entry]]) -> Iterator[Entry]:
    """All entries; `ask` gets a page by its URL, the first one by None. A page seen before is the end.

    Raises ListUnreadable where there is no end.
    """
    page = ask(None)
    seen: set[str] = set()
    while True:
        yield from page.entries
        if page.following is None or page.following in seen:
            return
        seen.add(page.following)
        if len(seen) == PAGE_LIMIT:
            raise ListUnreadable(page.following, f"it has more than {PAGE_LIMIT} pages")
        page = ask(page.following)
