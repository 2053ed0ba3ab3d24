"""docs/how-to/providers.md and the pages below it say what the templates ask for; tests/docs runs their lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lading.main.providers import EXPIRY
from lading.services.registries.providers import API_URL, TEMPLATES, Provider, Template

PAGES = Path(__file__).parents[3] / "docs/how-to/providers"
ELSEWHERE = (API_URL,)
"""Told once for all, on the page of all providers."""

PAGE = (Path(__file__).parents[3] / "docs/how-to/providers.md").read_text(encoding="utf-8")


def test_its_table_names_every_provider_and_field() -> None:
    rows = [line.split("|")[1:-1] for line in PAGE.splitlines() if re.match(r"\| `\w", line)]
    told = {row[0].strip(" `"): set(re.findall(r"`(\w+)`", row[3])) for row in rows}

    assert told == {
        each.provider.value: {field.name for field in each.fields if field.name != API_URL}
        for each in TEMPLATES.values()
    }
    assert EXPIRY[0] in PAGE


@pytest.mark.parametrize("template", [each for each in TEMPLATES.values() if each.provider is not Provider.GENERIC])
def test_each_page_says_what_the_provider_asks_for(template: Template) -> None:
    page = (PAGES / f"{template.provider.value}.md").read_text(encoding="utf-8")
    scopes = {scope.removesuffix(" to push").removesuffix(" to list") for scope in template.scopes}

    assert f"# {template.title}\n" in page
    assert template.link in page
    assert {scope for scope in scopes if scope.partition(" ")[0] not in page} == set()
    assert {
        field.name for field in template.fields if field.name not in {*ELSEWHERE} and f"`{field.name}`" not in page
    } == set()
