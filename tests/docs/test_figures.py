"""Figures that pages tell are those in the code."""

from __future__ import annotations

import pytest

from lading.setting_keys import KEYS
from lading.settings import Origin
from lading.wire.retry import PATIENCE
from tests.docs.pages import FOLDER

DAY = 24 * 60 * 60
DEFAULTS = {key.name: Origin(key, None, "default").shown for key in KEYS if key.name != "data"}


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("how-to/docker-hub-limits.md", f"up to {PATIENCE.wait / 60:g} minutes at a time"),
        ("how-to/docker-hub-limits.md", f"nothing moves for {PATIENCE.whole / 60:g} minutes"),
        ("explanation/security.md", f"read again within {float(DEFAULTS['check-every']) / DAY:g} days"),
        ("explanation/storage.md", f"`--keep-unfinished` ({float(DEFAULTS['keep-unfinished']) / DAY:g} days)"),
        ("explanation/storage.md", f"`--check-every` ({float(DEFAULTS['check-every']) / DAY:g} days)"),
        ("explanation/storage.md", f"`--keep-free-percent` ({float(DEFAULTS['keep-free-percent']):g})"),
    ],
)
def test_a_page_tells_the_figure_of_the_code(page: str, sentence: str) -> None:
    assert sentence in (FOLDER / page).read_text(encoding="utf-8")
