"""Rows of the service as people name them on the line: by name, or by id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import click

from lading.errors import LadingError
from lading.fronts.cli.application import Administration
from lading.fronts.cli.console import Record
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.texts import lines
from lading.services.access import LADING
from lading.services.connection_test import ConnectionReport, Step
from lading.services.named_rows import RowUnknown
from lading.services.row_view import report_json


class Row(Protocol):
    """What all rows have."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...


R = TypeVar("R", bound=Row)
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


def completed(noun: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Names of the rows of a noun that begin so; none where they cannot be read, for a shell has no use for errors."""

    def complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        try:
            rows = LISTS[noun](ctx.ensure_object(Invocation).application.administration)
        except LadingError:
            return []
        return [row.name for row in rows if row.name.startswith(incomplete)]

    return complete


def print_report(invocation: Invocation, report: ConnectionReport) -> None:
    """What came of a test, a line for each step."""
    text = lines(_step(step) for step in report.steps)
    invocation.console.result(invocation.form, report_json(report), text, "works" if report.success else "fails")


def removed(invocation: Invocation, noun: str, row: Row) -> None:
    """A row that is gone."""
    record: Record = {"id": row.id, "name": row.name, "removed": True}
    invocation.console.result(invocation.form, record, f"{row.name}   {noun} removed", row.name)


def _step(step: Step) -> str:
    if step.ok:
        return f"ok    {step.name:<8} {step.detail}"
    hint = f"  →  {step.hint}" if step.hint else ""
    return f"FAIL  {step.name:<8} {step.error}{hint}"


def _unknown(rows: Sequence[Row], noun: str, word: str) -> RowUnknown:
    import difflib  # noqa: PLC0415  only a wrong name needs it

    error = RowUnknown(noun, word)
    near = difflib.get_close_matches(word, [row.name for row in rows], 1)
    error.why = f"no {noun} is called {word!r}"
    listing = "lading user roles" if noun == "role" else f"lading {noun} ls"
    error.hint = f"Did you mean {near[0]}?   ({listing} lists them)" if near else listing
    return error
