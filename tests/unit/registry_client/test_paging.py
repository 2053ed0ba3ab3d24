"""Lists in pages: all of them, once, and not for ever."""

from __future__ import annotations

import itertools

import pytest

from lading.backends.registry_client.paging import PAGE_LIMIT, entries
from lading.wire.listing import ListUnreadable, Page


def test_all_pages_are_asked_for_in_turn() -> None:
    pages = {None: Page(("a", "b"), "2"), "2": Page(("c",), "3"), "3": Page((), None)}

    assert list(entries(pages.__getitem__)) == ["a", "b", "c"]


def test_a_page_that_was_seen_before_is_the_end() -> None:
    assert list(entries(lambda _page: Page(("a",), "2"))) == ["a", "a"]


def test_a_list_without_end_is_given_up() -> None:
    numbers = itertools.count()
    seen: list[int] = []

    with pytest.raises(ListUnreadable, match=str(PAGE_LIMIT)):
        seen.extend(entries(lambda _page: Page((0,), f"https://reg.example/{next(numbers)}")))

    assert next(numbers) == PAGE_LIMIT
