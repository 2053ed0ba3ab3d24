"""`lading completion`: scripts for shells, which ask this program for names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    Names of images are completed from the local store. For bash:

    \b
      mkdir -p ~/.local/share/bash-completion/completions
      lading completion bash > ~/.local/share/bash-completion/completions/lading
    """
    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(ctx.find_root().command, {}, "lading", "_LADING_COMPLETE").source()
    ctx.ensure_object(Invocation).console.print(script)
