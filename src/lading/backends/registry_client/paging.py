"""Lists of a registry, page after page, without going in circles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from lading.wire.listing import Page

Entry = TypeVar("Entry")


def entries(ask: Callable[[str | None], Page[Entry]]) -> Iterator[Entry]:
    """All entries; `ask` gets a page by its URL, the first one by None. A page seen before is the end."""
    page = ask(None)
    seen: set[str] = set()
    while True:
        yield from page.entries
        if page.following is None or page.following in seen:
            return
        seen.add(page.following)
        page = ask(page.following)
