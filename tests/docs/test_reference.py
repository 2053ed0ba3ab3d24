"""docs/reference says what the program says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import FOLDER
from tests.docs.reference import PAGES, REFERENCE
from tests.fronts.rest_api.caller import house

FILES = FOLDER / "reference" / "files.md"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_program_says(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name](), "python -m tests.docs.reference"


def test_every_file_of_a_data_folder_has_its_line(tmp_path: Path) -> None:
    with house(tmp_path) as running:
        running.load("team/app:1")
        there = {path.name for path in tmp_path.iterdir()} | {path.name for path in (tmp_path / "content").iterdir()}

    text = FILES.read_text(encoding="utf-8")
    assert there
    assert {name for name in there if f"`{name}`" not in text and f"`{name}/`" not in text} == set()
