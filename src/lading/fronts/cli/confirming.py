"""A question before what cannot be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from lading.errors import Cancelled, InputInvalid
from lading.fronts.cli.invocation import Invocation

F = TypeVar("F", bound=Callable[..., object])


class NotConfirmed(InputInvalid):
    """It asks first, and nobody can be asked."""

    hint = "Say --yes, if it is meant."

    def __init__(self, question: str) -> None:
        super().__init__(question)
        self.question = question

    def __str__(self) -> str:
        return f"this asks first, and there is no terminal to ask at: {self.question}"


def yes_option(function: F) -> F:
    """`--yes`, which the command sees as `yes`."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask first.")(function)


def confirm(invocation: Invocation, question: str, *, yes: bool) -> None:
    """Goes on where it is meant. Raises NotConfirmed, Cancelled."""
    if yes:
        return
    if not invocation.console.streams.stdin.isatty():
        raise NotConfirmed(question)
    if not click.confirm(question, err=True):
        raise Cancelled
