"""docs/how-to/remote.md: its table of commands is the program's."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from lading.backends.server_client.following import PATIENCE
from lading.fronts.cli.far.moving import PASSING
from lading.fronts.cli.lazy import APART
from lading.fronts.cli.program import COMMANDS, PROGRAM
from lading.main.live_names import LIMIT_SECONDS

PAGE = (Path(__file__).parents[3] / "docs/how-to/remote.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## Which commands")[2].partition("\n\n")[2].partition("\n\n")[0]
ROWS = [[re.findall(r"`([a-z]+)`", cell) for cell in row.split("|")[1:-1]] for row in TABLE.splitlines()[2:]]
GROUPS = {names[0]: set(words) for names, words in ROWS if words}
FAR = {name: entry.far for name, entry in COMMANDS.items() if entry.far}


def test_it_names_the_commands_that_a_server_carries_out() -> None:
    assert {name for names, _ in ROWS for name in names} == set(FAR)


@pytest.mark.parametrize("name", sorted(name for name, far in FAR.items() if ":" not in far))
def test_it_names_the_words_of_each_group(name: str) -> None:
    table = import_module(f"lading.fronts.cli.far.{FAR[name]}").COMMANDS
    group = PROGRAM.get_command(None, name)  # type: ignore[arg-type]  # the program's groups need no context

    assert GROUPS[name] == set(table)
    assert set(table) <= set(getattr(group, "commands", {}))


@pytest.mark.parametrize("name", sorted(name for name, far in FAR.items() if ":" in far))
def test_what_a_server_does_takes_what_the_command_is_given(name: str) -> None:
    module, _, function = FAR[name].partition(":")
    work = getattr(import_module(f"lading.fronts.cli.far.{module}"), function)
    command = PROGRAM.get_command(None, name)  # type: ignore[arg-type]  # as above
    assert command is not None

    exposed = {each.name for each in command.params if each.expose_value}
    assert exposed == set(work.__annotations__) - {"return", "invocation"}


WORDS = [(name, word) for name, far in FAR.items() if ":" not in far for word in sorted(GROUPS[name])]


@pytest.mark.parametrize(("name", "word"), [each for each in WORDS if each[0] != "audit"])
def test_what_a_server_does_for_a_word_takes_what_the_word_is_given(name: str, word: str) -> None:
    work = import_module(f"lading.fronts.cli.far.{FAR[name]}").COMMANDS[word]
    group = PROGRAM.get_command(None, name)  # type: ignore[arg-type]  # as above

    exposed = {each.name for each in getattr(group, "commands", {})[word].params if each.expose_value}
    assert exposed == set(work.__annotations__) - {"return", "invocation"}


def test_it_names_the_commands_that_servers_have_nothing_to_do_with() -> None:
    (sentence,) = re.findall(r"(`login`, .*?) have nothing to do with", PAGE)

    assert set(re.findall(r"`([a-z]+)`", sentence)) == {name for name, each in COMMANDS.items() if each.far == APART}


def test_its_figures_are_those_in_the_code() -> None:
    assert f"`{PASSING}/acme/app`" in PAGE
    assert f"{LIMIT_SECONDS:g} seconds at most" in PAGE
    assert round(sum(PATIENCE)) // 60 == 5
