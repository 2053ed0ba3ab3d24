"""What a shell is offered for a word that is begun: names of the local store, files, folders."""
# ruff: noqa: PLC0415  only a shell that asks pays for it

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lading.errors import LadingError
from lading.fronts.cli.invocation import Invocation

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def images(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names in the local store that begin so; none where it cannot be read, for a shell has no use for errors."""
    try:
        return [
            name for name in ctx.ensure_object(Invocation).application.images.names() if name.startswith(incomplete)
        ]
    except LadingError:
        return []


def files(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The shell's own list of files."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def folders(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The shell's own list of folders."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="dir")]
