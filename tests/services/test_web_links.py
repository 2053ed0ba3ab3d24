"""Links that others wrote: addresses stay, and nothing else is one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.services.web_links import web_link


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("https://example.test/a?b=c#d", "https://example.test/a?b=c#d"),
        (" http://example.test:8080/a b ", "http://example.test:8080/a%20b"),
        ("https://example.test/100%", "https://example.test/100%25"),
        ("https://example.test/%2Fa", "https://example.test/%2Fa"),
        ("javascript:alert(1)", None),
        ("//example.test/a", None),
        ("https:///a", None),
        ("https://user@example.test/", None),
        ("https://[bad/", None),
        ("0", None),
        ("", None),
    ],
)
def test_what_is_a_link(text: str, link: str | None) -> None:
    assert web_link(text) == link


@given(st.text().map("https://example.test/{}".format))
def test_a_link_has_only_what_a_url_may_have(text: str) -> None:
    link = web_link(text)

    assert link is None or re.fullmatch(r"(%[0-9A-Fa-f]{2}|[A-Za-z0-9._~:/?#@!$&'()*+,;=-])*", link)
