"""The README's commands are commands: every verb and option it shows exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from lading.fronts.cli.program import PROGRAM

README = (Path(__file__).resolve().parents[3] / "README.md").read_text()
CALLS = sorted(set(re.findall(r"(?:`|\$ |\| |\()lading ([^`)\n|]+)", README.replace("\\|", "|"))))


def test_the_readme_shows_calls() -> None:
    assert len(CALLS) > 10


@pytest.mark.parametrize("call", CALLS)
def test_what_the_readme_shows_can_be_typed(call: str) -> None:
    words = shlex.split(call)
    command: click.Command = PROGRAM
    for word in (word for word in words if not word.startswith("-")):
        if not isinstance(command, click.Group):
            break
        found = command.get_command(click.Context(command), word)
        assert found, f"lading has no {word}"
        command = found

    known = {spelling for each in [*command.params, *PROGRAM.params] for spelling in each.opts} | {"--help"}
    assert {word for word in words if word.startswith("-") and word != "-"} <= known
