"""The page on conformance says what the tests show, and every endpoint and error code is shown by one."""

from __future__ import annotations

import re

from tests.conformance.document import PAGE, page, shown

ENDPOINTS = {
    "1",
    "2",
    "3",
    "4a",
    "4b",
    "4c",
    "5",
    "6",
    "7a",
    "7b",
    "8a",
    "8b",
    "9",
    "10",
    "11",
    "12a",
    "12b",
    "13",
    "14",
}
"""Of the specification's table."""


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "python -m tests.conformance.document > docs/conformance.md"


def test_every_endpoint_is_tested() -> None:
    tested = {found for _, _, tests in shown() for test in tests for found in re.findall(r"end-(\d+[abc]?)", test.end)}

    assert tested >= ENDPOINTS


def test_every_level_is_tested() -> None:
    assert {test.level for _, _, tests in shown() for test in tests} >= {"MUST", "MUST NOT", "SHOULD", "MAY", "dev"}
