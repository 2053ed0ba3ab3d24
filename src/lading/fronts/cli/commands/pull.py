"""`lading pull`."""

from __future__ import annotations

from functools import partial

import click

from lading.fronts.cli.commands.moving import Flags, Moving, Transfer
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import transfer_options
from lading.services.transfers import Call, Moved, Transfers


@click.command(cls=Command)
@click.argument("references", nargs=-1, required=True, metavar="REFERENCE…")
@click.option("-a", "--all-tags", is_flag=True, help="Every tag of the repositories named.")
@transfer_options
@click.pass_obj
def pull(
    invocation: Invocation,
    *,
    references: tuple[str, ...],
    all_tags: bool,
    if_absent: bool,
    dry_run: bool,
    no_referrers: bool,
    keep_going: bool,
    digest_file: str | None,
) -> None:
    """Bring images from registries into the local store.

    The platform of this machine comes, or DOCKER_DEFAULT_PLATFORM, unless --platform says otherwise; the index stays
    as it is. What an interrupted pull left is kept, and the next one goes on there.
    """
    flags = Flags(if_absent, dry_run, no_referrers, keep_going, digest_file)
    transfers = invocation.application.transfers
    names = references
    if all_tags:
        with invocation.cancellable() as cancel:
            names = tuple(name for text in references for name in transfers.tags(text, cancel))
    works: list[Transfer] = [partial(_pull, transfers, name) for name in names]
    Moving(invocation, "pulled", flags, flags.options(invocation)).run(works)


def _pull(transfers: Transfers, name: str, call: Call) -> tuple[Moved, ...]:
    return (transfers.pull(name, call),)
