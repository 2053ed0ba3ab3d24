"""docs/how-to/edge.md: what it says of `lading agent` is so, and its lines are lines of this program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from lading.fronts.agent.allowed import is_allowed
from lading.fronts.agent.requests import AT_ONCE
from lading.fronts.cli.commands.agent import agent
from lading.fronts.cli.console import Streams
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.options import GeneralOption
from lading.fronts.cli.program import PROGRAM
from lading.main import agent_variables
from lading.setting_keys import KEYS
from tests.fakes.application import MemoryApplication

PAGE = (Path(__file__).parents[3] / "docs/how-to/edge.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in row.split("|")[1:-1]] for row in PAGE.splitlines() if row.startswith("|")]
AGENT_ROWS = [row for row in ROWS if len(row) == 4 and row[0] != "flag" and not row[0].startswith("---")]


def named(cell: str) -> set[str]:
    """The variables in a cell."""
    return set(re.findall(r"`([A-Z_]+)`", cell))


def test_its_table_has_every_flag_of_the_command_and_the_variable_of_each() -> None:
    params = [each for each in agent.params if not isinstance(each, GeneralOption)]
    own = {option for each in params for option in each.opts if option.startswith("--")}
    flags = {match[1]: named(row[1]) for row in AGENT_ROWS if (match := re.match(r"`(--[a-z-]+)", row[0]))}
    variables = {f"--{key.name}": key.variable for key in KEYS}

    assert set(flags) == own - {"--help"}
    assert all(variables[flag] in told for flag, told in flags.items())


def test_its_table_has_every_variable_that_other_agents_read() -> None:
    told = set.union(*(named(row[2]) for row in AGENT_ROWS))
    read = re.findall(r"[A-Z_]{5,}", (agent_variables.__doc__ or "").partition("\n\n")[2])
    assert told == set(read)


def test_what_it_says_is_handed_on_is() -> None:
    block = re.search(r"(?m)^GET .*\n(?:[A-Z ]+ .*\n)+", PAGE)
    assert block
    method, asked = "", []
    for word in block[0].split():
        method = word if word.isupper() and word != "NAME" and "/" not in word else method
        asked += [] if word == method else [(method, f"/{word}")]
    assert len(asked) == 17
    assert all(is_allowed(*each) for each in asked)
    assert f"| {AT_ONCE}; more are answered 503 |" in PAGE


LINES = [line.removeprefix("$ ") for line in PAGE.splitlines() if re.match(r"(?:\$ )?lading |ExecStart=", line)]


@pytest.mark.parametrize("line", LINES)
def test_every_line_is_one_of_this_program(line: str) -> None:
    words = shlex.split(line.removeprefix("ExecStart=/usr/local/bin/").partition(" > ")[0])[1:]
    invocation = Invocation(lambda _flags: MemoryApplication(), Streams.of_process(), {})
    command: click.Command = PROGRAM
    context = command.make_context("lading", words, obj=invocation)
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, found, words = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, found.make_context(name, words, parent=context)
