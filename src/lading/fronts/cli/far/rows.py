"""What all nouns with rows share at a server: listed, shown, removed, made the default, tried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lading.errors import LadingError
from lading.fronts.cli.commands.rows import fields_text
from lading.fronts.cli.far.server import Columns, Row, chosen, number, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.texts import lines
from lading.wire.message import Cancel

Work = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Noun:
    """Rows at one path of the server: `columns` print them."""

    noun: str
    path: str
    columns: Columns

    def commands(self) -> Mapping[str, Work]:
        """`ls`, `show` and `rm`."""
        return {"ls": self.list, "show": self.show, "rm": self.rm}

    def list(self, invocation: Invocation) -> None:
        """All of them."""
        with invocation.cancellable() as cancel:
            rows = server_of(invocation).rows(self.path, cancel)
        self.columns.print(invocation, rows)

    def show(self, invocation: Invocation, *, name: str) -> None:
        """Every field but the secrets."""
        with invocation.cancellable() as cancel:
            row = self.row(invocation, name, cancel)
        invocation.console.result(invocation.form, row, fields_text(row), called(row))

    def rm(self, invocation: Invocation, *, name: str) -> None:
        """It is forgotten."""
        with invocation.cancellable() as cancel:
            row = self.row(invocation, name, cancel)
            server_of(invocation).ask("DELETE", self.place(row), cancel)
        told = {"id": row.get("id"), "name": called(row), "removed": True}
        invocation.console.result(invocation.form, told, f"{called(row)}   {self.noun} removed", called(row))

    def default(self, invocation: Invocation, *, name: str) -> None:
        """The one that is meant where nobody says."""
        with invocation.cancellable() as cancel:
            row = self.row(invocation, name, cancel)
            made = server_of(invocation).ask("POST", f"{self.place(row)}/default", cancel)
        self.tell(invocation, made, "is the default")

    def add(self, invocation: Invocation, body: Row) -> None:
        """With these fields; None: not said."""
        with invocation.cancellable() as cancel:
            made = server_of(invocation).ask("POST", self.path, cancel, body=said(body))
        self.tell(invocation, made, "added")

    def change(self, invocation: Invocation, name: str, body: Row) -> None:
        """These fields, where they are said."""
        with invocation.cancellable() as cancel:
            row = self.row(invocation, name, cancel)
            made = server_of(invocation).ask("PATCH", self.place(row), cancel, body=said(body))
        self.tell(invocation, made, "changed")

    def row(self, invocation: Invocation, name: str, cancel: Cancel) -> Row:
        """The one that is called so. Raises RowUnknown."""
        return chosen(server_of(invocation).rows(self.path, cancel), self.noun, name)

    def place(self, row: Row) -> str:
        """Where the server has it."""
        return f"{self.path}/{number(row, 'id')}"

    def tell(self, invocation: Invocation, made: object, done: str) -> None:
        """What the server has now."""
        row: Row = made if isinstance(made, dict) else {}
        invocation.console.result(invocation.form, row, f"{called(row)}   {self.noun} {done}", called(row))


def called(row: Row) -> str:
    """What people call a row."""
    return word(row, "name", "username")


def said(body: Row) -> Row:
    """Without the fields that nobody said."""
    return {name: value for name, value in body.items() if value is not None}


def print_report(invocation: Invocation, name: str, told: object, failure: Callable[[str, str], LadingError]) -> None:
    """What came of a test, a line for each step. Raises what `failure` makes of the name and the step that failed."""
    report: Row = told if isinstance(told, dict) else {}
    steps = report.get("steps")
    rows = [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    success = report.get("success") is True
    text = lines(map(_step, rows))
    invocation.console.result(invocation.form, report, text, "works" if success else "fails")
    if not success:
        raise failure(name, word(rows[-1], "name") if rows else "test")


def _step(step: Row) -> str:
    if step.get("ok"):
        return f"ok    {word(step, 'name'):<8} {word(step, 'detail')}"
    hint = f"  →  {word(step, 'hint')}" if step.get("hint") else ""
    return f"FAIL  {word(step, 'name'):<8} {word(step, 'error')}{hint}"
