"""Every how-to that shows commands does what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.carrying import carry_out_page, cases
from tests.docs.pages import FOLDER, documents

HOW_TO = FOLDER / "how-to"


@pytest.mark.parametrize("page", cases(page for page in documents() if page.is_relative_to(HOW_TO)))
def test_the_page_does_what_it_shows(page: Path, request: pytest.FixtureRequest) -> None:
    carry_out_page(page, request)
