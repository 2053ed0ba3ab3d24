"""`lading pull`."""

from __future__ import annotations

from functools import partial

import click

from lading.fronts.cli.commands.moving import Flags, Moving, Transfer
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import transfer_options
from lading.services.places import DockerImage, Named, PlaceInvalid, parse_place
from lading.services.transfers.transfers import Call, Moved, Transfers


@click.command(cls=Command)
@click.argument("references", nargs=-1, required=True, metavar="REFERENCE…")
@click.option("-a", "--all-tags", is_flag=True, help="Every tag of the repositories named.")
@click.option("--to", metavar="docker:[HOST//]", help="Into a Docker host, and not into the local store.")
@transfer_options
@click.pass_obj
def pull(
    invocation: Invocation,
    *,
    references: tuple[str, ...],
    all_tags: bool,
    to: str | None,
    if_absent: bool,
    dry_run: bool,
    no_referrers: bool,
    disable_content_trust: bool,
    keep_going: bool,
    digest_file: str | None,
) -> None:
    """Bring images from registries into the local store.

    The platform of this machine comes, or DOCKER_DEFAULT_PLATFORM, unless --platform says otherwise; the index stays
    as it is. What an interrupted pull left is kept, and the next one goes on there. With --to a Docker host loads the
    images of its own platform, under their names; HOST is an address or the name of an environment.
    """
    flags = Flags(if_absent, dry_run, no_referrers, keep_going, digest_file, disable_content_trust)
    transfers = invocation.application.transfers
    names = references
    if all_tags:
        with invocation.cancellable() as cancel:
            names = tuple(name for text in references for name in transfers.tags(text, cancel))
    host = _docker_host(to)
    works: list[Transfer] = [
        partial(_pull, transfers, name) if host is None else partial(transfers.copy, Named(name), [host])
        for name in names
    ]
    Moving(invocation, "pulled", flags, flags.options(invocation)).run(works)


def _docker_host(to: str | None) -> DockerImage | None:
    """Raises PlaceInvalid."""
    place = None if to is None else parse_place(to)
    if place is None or (isinstance(place, DockerImage) and not place.name):
        return place
    raise PlaceInvalid(str(place))


def _pull(transfers: Transfers, name: str, call: Call) -> tuple[Moved, ...]:
    return (transfers.pull(name, call),)
