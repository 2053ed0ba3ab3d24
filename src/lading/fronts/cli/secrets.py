"""Secrets that a command is given: by standard input, a file, the environment or a prompt, and never by the line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from lading.errors import InputInvalid, Side, StorageFailed
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.options import read_password, refuse_password

F = TypeVar("F", bound=Callable[..., object])


class SecretMissing(InputInvalid):
    """A password is needed, and nobody can be asked for it."""

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self.hint = f'printf %s "$PASSWORD" | lading {command} … --password-stdin'

    def __str__(self) -> str:
        return "a password is needed, and there is no terminal to ask for it"


class FileUnreadable(StorageFailed):
    """A file that a flag names cannot be read, or is no text. Its text is not shown: it may be a key."""

    side = Side.CALLER
    hint = "Check the path, and that this user may read the file."

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"cannot read {self.path}: {self.reason}"


def password_option(function: F) -> F:
    """`--password-stdin`, which the command sees as `password`: the first line there, or None. It stands behind the
    command's own arguments: a further word may be a password, and is refused unseen."""
    stdin = click.option(
        "--password-stdin",
        "password",
        is_flag=True,
        callback=_typed,
        help="Read the password from standard input; else LADING_PASSWORD[_FILE], else a prompt.",
    )
    refused = click.option(
        "-p", "--password", "refused", hidden=True, expose_value=False, callback=refuse_password, help="Refused."
    )
    words = click.argument("words", nargs=-1, metavar="", expose_value=False, callback=refuse_password)
    return stdin(refused(words(function)))


def asked_password(invocation: Invocation, given: str | None, *, twice: bool = False) -> str:
    """What was given, else what the environment holds, else what the person at the terminal types.

    Raises SecretMissing where there is no terminal to ask at.
    """
    one_off = invocation.application.one_off
    secret = given or (one_off.secret if one_off else "")
    if secret:
        return secret
    if not invocation.console.streams.stdin.isatty():
        raise SecretMissing(invocation.command or "COMMAND")
    typed: str = click.prompt("Password", hide_input=True, err=True, confirmation_prompt=twice)
    return typed


def read_text(path: str | None) -> str | None:
    """A file that a flag names, such as a PEM; None where the flag was not given, nothing where it was given empty.

    Raises FileUnreadable.
    """
    if not path:
        return path
    try:
        return Path(path).read_text()
    except OSError as error:
        raise FileUnreadable(path, (error.strerror or str(error)).lower()) from error
    except ValueError:
        raise FileUnreadable(path, "it is not text") from None


def read_input(invocation: Invocation, path: str) -> str:
    """A file that a flag names, or with `-` standard input, to its end. Raises FileUnreadable."""
    if path != "-":
        return read_text(path) or ""
    try:
        return invocation.console.streams.stdin.read().decode()
    except UnicodeDecodeError:
        raise FileUnreadable("standard input", "it is not text") from None


def _typed(ctx: click.Context, _parameter: click.Parameter, value: bool) -> str | None:
    """A shell that completes a line lends us the terminal, not what is typed."""
    if not value or ctx.resilient_parsing:
        return None
    return read_password(ctx.ensure_object(Invocation).console.streams.stdin)
