"""Commands loaded on demand: `lading version` imports one small module, and `--help` none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import import_module

import click

from lading.fronts.cli.failures import MEANINGS
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.options import GeneralOption, general_options, version_option


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command lives (`module:attribute` below `commands`), under which heading, and its one line of help;
    `begins` says that it makes a data folder where there is none. `far` is where its work at a server lives, below
    `far`: a module that has a table of the commands, for a group, or `module:function`; APART for commands that have
    nothing to do with a server; None for those that work on this machine alone."""

    place: str
    section: str
    help: str
    begins: bool = False
    far: str | None = None


APART = ""


class Command(click.Command):
    """A command that takes the general flags too; its help leaves them, and the exit codes, to the program's."""

    def __init__(self, *arguments: object, **attributes: object) -> None:
        super().__init__(*arguments, **attributes)  # type: ignore[arg-type]  # click's own signature, passed on
        own = {name for each in self.params for name in each.opts}
        self.params = [*self.params, *(each for each in general_options() if own.isdisjoint(each.opts))]

    def invoke(self, ctx: click.Context) -> object:
        """At the server that the call speaks to, where it speaks to one."""
        invocation = ctx.find_object(Invocation)
        if invocation is not None and invocation.goes_far:
            far = import_module("lading.fronts.cli.far")  # only who speaks to a server pays for it
            work: Callable[..., object] = far.work_of(invocation)
            return work(invocation, **ctx.params)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = [p for p in self.get_params(ctx) if isinstance(p, click.Option) and not isinstance(p, GeneralOption)]
        records = [record for option in own if (record := option.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text("General options and exit codes: lading --help")


ALSO = {
    "list": "ls",
    "create": "add",
    "inspect": "show",
    "change": "set",
    "edit": "set",
    "update": "set",
    "remove": "rm",
    "delete": "rm",
}
"""Other words for the same, in every group that has the command; help shows one of each."""


class Group(click.Group):
    """Commands about one noun, in one module: `lading registry add`."""

    command_class = Command

    def __init__(self, *arguments: object, **attributes: object) -> None:
        super().__init__(*arguments, **attributes)  # type: ignore[arg-type]  # click's own signature, passed on
        self.params = [*self.params, *general_options()]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        invocation = ctx.find_object(Invocation)
        if args[0] not in self.commands and ALSO.get(args[0]) in self.commands:
            args = [ALSO[args[0]], *args[1:]]
        if args[0] in self.commands and invocation:
            invocation.command = f"{invocation.command} {args[0]}"
        _refuse_unknown(ctx, args[0], self.commands)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's
        """The first sentence of each command whole: click's own list cuts it off."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, each.get_short_help_str(limit=1000)) for name, each in sorted(self.commands.items())]
            )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text("General options and exit codes: lading --help")


def _refuse_unknown(ctx: click.Context, word: str, known: Collection[str]) -> None:
    if word in known or word.startswith("-"):
        return
    import difflib  # noqa: PLC0415  only a wrong word needs it

    near = difflib.get_close_matches(word, known, 1)
    ctx.fail(f"There is no command {word!r}." + (f" Did you mean {near[0]}?" if near else ""))


class LazyGroup(click.Group):
    """A group that knows its commands by a table and imports one when it is called."""

    def __init__(self, name: str, entries: Mapping[str, Entry], help: str) -> None:  # noqa: A002  # click's word
        super().__init__(
            name,
            help=help,
            params=[*general_options(), version_option()],
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature, here and below
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.place.partition(":")
        command = getattr(import_module(f"lading.fronts.cli.commands.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        invocation = ctx.find_object(Invocation)
        if args[0] in self._entries and invocation:
            entry = self._entries[args[0]]
            invocation.command, invocation.begins, invocation.far = args[0], entry.begins, entry.far
        _refuse_unknown(ctx, args[0], self._entries)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's
        for section in dict.fromkeys(entry.section for entry in self._entries.values()):
            with formatter.section(section):
                formatter.write_dl([(name, e.help) for name, e in self._entries.items() if e.section == section])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's
        """The table that scripts rely on; a code that is not in it is a failure too."""
        with formatter.section("Exit codes (read any other as failure)"):
            formatter.write_dl([(str(code), meaning) for code, meaning in MEANINGS])
