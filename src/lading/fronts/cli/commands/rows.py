"""Rows of the service as people name them on the line: by name, or by id."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import click

from lading.fronts.cli.application import Administration
from lading.fronts.cli.completing import names
from lading.fronts.cli.console import Record
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.texts import lines, table
from lading.services.access import LADING, Actor
from lading.services.environments.connection_test import ConnectionReport, Step
from lading.services.named_rows import RowUnknown
from lading.services.row_view import report_json


class Row(Protocol):
    """What all rows have."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...


R = TypeVar("R", bound=Row)
Row_co = TypeVar("Row_co", covariant=True)
Listed = Callable[[Administration], Sequence[Row]]

LISTS: dict[str, Listed] = {
    "registry": lambda service: service.registries.list(LADING),
    "environment": lambda service: service.environments.list(LADING),
    "user": lambda service: service.users.list(LADING),
    "role": lambda service: service.roles.list(LADING),
}
"""How the rows of each noun are listed, for completion."""


def chosen(rows: Sequence[R], noun: str, word: str) -> R:
    """The row called so, in capitals or not; else the one with this id. Raises RowUnknown."""
    named = next((row for row in rows if row.name.casefold() == word.strip().casefold()), None)
    found = named or next((row for row in rows if str(row.id) == word), None)
    if found is None:
        raise _unknown(rows, noun, word)
    return found


class Rows(Protocol[Row_co]):
    """The service of one noun."""

    def list(self, actor: Actor) -> Sequence[Row_co]: ...
    def remove(self, actor: Actor, id: int) -> None: ...  # noqa: A002  a row's own word


def row_commands(
    group: click.Group,
    noun: str,
    service: Callable[[Administration], Rows[R]],
    record: Callable[[R], Record],
    gone: str,
    *,
    beside: Callable[[Administration, R], Record] = lambda _service, _row: {},
) -> None:
    """Gives the group of a noun its `show` and `rm`; `gone` is what the help of `rm` says, `beside` what is known of a
    row that does not stand in it."""
    named = click.argument("name", metavar="NAME|ID", shell_complete=completed(noun))

    @group.command(help="Show one with every field but the secrets.")
    @named
    @click.pass_obj
    def show(invocation: Invocation, name: str) -> None:
        administration = invocation.application.administration
        row = chosen(service(administration).list(LADING), noun, name)
        told = {**record(row), **beside(administration, row)}
        invocation.console.result(invocation.form, told, fields_text(told), row.name)

    @group.command(help=gone)
    @named
    @click.pass_obj
    def rm(invocation: Invocation, name: str) -> None:
        rows = service(invocation.application.administration)
        row = chosen(rows.list(LADING), noun, name)
        rows.remove(LADING, row.id)
        told: Record = {"id": row.id, "name": row.name, "removed": True}
        invocation.console.result(invocation.form, told, f"{row.name}   {noun} removed", row.name)


def fields_text(record: Record) -> str:
    """A record as a table of two columns; what is not set is left out."""
    return table(("FIELD", "VALUE"), [(name, _value(each)) for name, each in record.items() if each is not None])


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def completed(noun: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Names of the rows of a noun that begin so; none where they cannot be read, for a shell has no use for errors."""

    def complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        def here() -> list[str]:
            return [row.name for row in LISTS[noun](ctx.ensure_object(Invocation).application.administration)]

        return names(ctx, noun, incomplete, here)

    return complete


def print_report(invocation: Invocation, report: ConnectionReport) -> None:
    """What came of a test, a line for each step."""
    text = lines(_step(step) for step in report.steps)
    invocation.console.result(invocation.form, report_json(report), text, "works" if report.success else "fails")


def _step(step: Step) -> str:
    if step.ok:
        return f"ok    {step.name:<8} {step.detail}"
    hint = f"  →  {step.hint}" if step.hint else ""
    return f"FAIL  {step.name:<8} {step.error}{hint}"


def _unknown(rows: Sequence[Row], noun: str, word: str) -> RowUnknown:
    import difflib  # noqa: PLC0415  only a wrong name needs it

    near = difflib.get_close_matches(word, [row.name for row in rows], 1)
    listing = "lading user roles" if noun == "role" else f"lading {noun} ls"
    command = f"Did you mean {near[0]}?   ({listing} lists them)" if near else listing
    return RowUnknown(noun, word).but(why=f"no {noun} is called {word!r}", command=command)
