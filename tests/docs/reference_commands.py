"""docs/reference/commands.md: every command with its options, as its help says."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import cast

import click

from lading.fronts.cli.console import Streams
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.options import GeneralOption
from lading.fronts.cli.program import COMMANDS, PROGRAM
from tests.docs.reference_words import MADE, escaped, table
from tests.fakes.application import MemoryApplication


def command_line() -> str:
    """Every command with its options."""
    context = click.Context(PROGRAM, info_name="lading", obj=_invocation())
    general = PROGRAM.get_params(context)
    parts = [
        f"# Commands\n\n{MADE} `lading COMMAND --help` says the same.\n",
        f"## General options\n\nThey stand before the command or behind it.\n\n{_options(context, general)}",
        *(_command(context, name, f"lading {name}", 2) for name in COMMANDS),
    ]
    return "\n".join(parts)


def _invocation() -> Invocation:
    return Invocation(lambda _flags: MemoryApplication(), Streams.of_process(), {})


def _command(parent: click.Context, name: str, called: str, level: int) -> str:
    group = cast("click.Group", parent.command)
    command = group.get_command(parent, name)
    assert command is not None
    context = click.Context(command, parent, info_name=name)
    own = [each for each in command.params if not isinstance(each, GeneralOption) and isinstance(each, click.Option)]
    usage = " ".join([called, *command.collect_usage_pieces(context)])
    told = inspect.cleandoc(command.help or "").replace("\b\n", "").replace("\f", "")
    paragraphs = "\n\n".join(escaped(each) for each in told.split("\n\n"))
    parts = [f"{'#' * level} {called}\n", f"```text\n{usage}\n```\n", f"{paragraphs}\n"]
    parts += [_options(context, own)] if own else []
    if isinstance(command, click.Group):
        words = [word for word in command.list_commands(context) if not _hidden(command, context, word)]
        parts += [_command(context, word, f"{called} {word}", level + 1) for word in words]
    return "\n".join(parts)


def _hidden(group: click.Group, context: click.Context, word: str) -> bool:
    command = group.get_command(context, word)
    return command is None or command.hidden


def _options(context: click.Context, options: Sequence[click.Parameter]) -> str:
    records = [each.get_help_record(context) for each in options if "--help" not in each.opts]
    rows = ([f"`{each[0].replace('|', chr(92) + '|')}`", escaped(each[1])] for each in records if each)
    return table(["option", "meaning"], rows)
