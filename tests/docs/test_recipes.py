"""docs/how-to/ci.md: each system's file runs the script, and gives it what it asks for."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.docs.pages import FOLDER, blocks

FILES = {block.marks["file"]: block.text for block in blocks(FOLDER / "how-to/ci.md") if "file" in block.marks}
ASKED = set(re.findall(r"\$([A-Z_]{3,})", FILES["ci.sh"])) - {"REF"}
RECIPES = sorted(set(FILES) - {"ci.sh"})


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_runs_the_script_with_what_it_asks_for(name: str) -> None:
    assert "sh ci.sh" in FILES[name]
    kept_by_the_system = {"REGISTRY_TOKEN"} if name == "gitlab.yml" else set()  # a variable of the project
    assert {variable for variable in ASKED if variable not in FILES[name]} == kept_by_the_system


@pytest.mark.parametrize("name", [name for name in RECIPES if name.endswith(".yml")])
def test_a_recipe_in_yaml_is_yaml(name: str) -> None:
    assert isinstance(yaml.safe_load(FILES[name]), dict)
