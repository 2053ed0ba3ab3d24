"""`lading context`: servers that have names here, and the one that commands speak to."""

from __future__ import annotations

import click

from lading.fronts.cli.console import Listing, Record
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Group
from lading.fronts.cli.servers import Context

HERE = "default"


def _completed(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    names = [HERE, *(each.name for each in ctx.ensure_object(Invocation).application.contexts.all())]
    return [name for name in names if name.startswith(incomplete)]


_name = click.argument("name", shell_complete=_completed)


@click.group(cls=Group)
def context() -> None:
    """Servers that have names here, and the one that commands speak to.

    The name `default` stands for no server: commands work on this machine.
    """


@context.command("ls")
@click.pass_obj
def list_contexts(invocation: Invocation) -> None:
    """List them; a star marks the one in force."""
    contexts = invocation.application.contexts
    current = contexts.current

    def record(each: Context) -> Record:
        return {"name": each.name, "server": each.server, "current": each.name == current}

    def row(each: Context) -> tuple[str, ...]:
        return (f"{each.name}{' *' if each.name == current else ''}", each.server)

    listing = Listing(contexts.all(), record, ("NAME", "SERVER"), row, lambda each: each.name)
    invocation.console.results(invocation.form, listing)
    if current is None:
        invocation.console.say("commands work on this machine, where no server is named")


@context.command()
@click.argument("name")
@click.argument("url", metavar="URL")
@click.option("--use", is_flag=True, help="Commands speak to it from now on.")
@click.pass_obj
def create(invocation: Invocation, name: str, url: str, use: bool) -> None:
    """Give a server a name; lading login URL keeps a login for it."""
    contexts = invocation.application.contexts
    made = contexts.create(name, url)
    if use:
        contexts.use(made.name)
    record = {"name": made.name, "server": made.server, "current": use}
    invocation.console.result(invocation.form, record, f"{made.name}   is {made.server}", made.name)


@context.command()
@_name
@click.pass_obj
def use(invocation: Invocation, name: str) -> None:
    """Have commands speak to it from now on; `default`: work on this machine again."""
    invocation.application.contexts.use(name)
    where = "commands work on this machine" if name == HERE else "commands speak to it"
    invocation.console.result(invocation.form, {"current": name}, f"{name}   {where}", name)


@context.command()
@_name
@click.pass_obj
def rm(invocation: Invocation, name: str) -> None:
    """Forget a name; the server's login is kept until lading logout URL."""
    invocation.application.contexts.remove(name)
    invocation.console.result(invocation.form, {"name": name, "removed": True}, f"{name}   forgotten", name)
