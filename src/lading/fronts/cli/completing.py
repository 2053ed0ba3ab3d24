"""What a shell is offered for a word that is begun: names here or at a server, files, folders."""
# ruff: noqa: PLC0415  only a shell that asks pays for it

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from lading.errors import LadingError
from lading.fronts.cli.invocation import Invocation

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def images(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names in the local store that begin so, or at the server that the line speaks of; none where they cannot be read,
    for a shell has no use for errors."""

    def here() -> Iterable[str]:
        return ctx.ensure_object(Invocation).application.images.names()

    return names(ctx, "images", incomplete, here)


def names(ctx: click.Context, noun: str, incomplete: str, here: Callable[[], Iterable[str]]) -> list[str]:
    """Those of a noun that begin so: `here` gives this machine's; where the line speaks of a server, its own."""
    try:
        server = ctx.ensure_object(Invocation).application.remote
        return offered(here() if server is None else server.names(noun), incomplete)
    except LadingError:
        return []


def offered(found: Iterable[str], incomplete: str) -> list[str]:
    """Those that begin so and that a shell may put on the line."""
    return [name for name in found if name.startswith(incomplete) and _PLAIN.fullmatch(name)]


_PLAIN = re.compile(r"[\w.@:/+=,][\w.@:/+=,-]*")
"""Names that are one word to every shell, and no flag. Shells put on the line what they are offered, as it is: of
whoever names things at a server, nobody else's `$(…)` may become a part of somebody's command."""


def files(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The shell's own list of files."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def folders(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The shell's own list of folders."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="dir")]
