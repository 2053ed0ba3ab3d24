"""Every link leads somewhere, every page is reached from the index, and every document that is named is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import FENCE, FOLDER, ROOT, documents

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
PICTURE = re.compile(r'\bsrc(?:set)?="([^"\s]+)"')
NAMED = re.compile(r"(?<![\w/])docs/[\w/-]+\.md\b")


def links(page: Path) -> list[str]:
    """Those that stay in this checkout."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return [link for link in [*LINK.findall(text), *PICTURE.findall(text)] if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """What headings are called by those who link to them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", each).lower()).replace(" ", "-")
        for each in headings
    }


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_reached_from_the_index() -> None:
    reached, waiting = set[Path](), [FOLDER / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        paths = [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]
        waiting += [path for path in paths if path.suffix == ".md" and path.is_relative_to(FOLDER)]

    assert set(FOLDER.rglob("*.md")) - reached == set()


def test_every_page_that_the_tree_names_is_there() -> None:
    folders = ("src", "tests", "benchmarks", "deploy")
    files = [
        path
        for name in folders
        for path in (ROOT / name).rglob("*")
        if path.suffix in {".py", ".yaml", ".service", ".html"}
    ]
    named = {name for file in [*files, *documents()] for name in NAMED.findall(file.read_text(encoding="utf-8"))}

    assert {name for name in named if not (ROOT / name).exists()} == set()
