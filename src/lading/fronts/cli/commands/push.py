"""`lading push`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import click

from lading.fronts.cli.commands.moving import Flags, Moving, NoHostPushes, Transfer, archive_on_stdout
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import image_argument, transfer_options
from lading.oci.reference import Reference
from lading.services.places import Named, parse_place
from lading.services.transfers.transfers import Transfers


@click.command(cls=Command)
@image_argument("source", metavar="SOURCE")
@click.argument("targets", nargs=-1, metavar="[TARGET…]")
@click.option("-a", "--all-tags", is_flag=True, help="Every tag that the local store has of the repository named.")
@click.option(
    "--relay/--no-relay",
    default=None,
    help="At a server: whether what its Docker host pushes goes through it; else as the registry's settings say.",
)
@transfer_options
@click.pass_obj
def push(
    invocation: Invocation,
    *,
    source: str,
    targets: tuple[str, ...],
    all_tags: bool,
    relay: bool | None,
    if_absent: bool,
    dry_run: bool,
    no_referrers: bool,
    disable_content_trust: bool,
    keep_going: bool,
    digest_file: str | None,
) -> None:
    """Send an image to one or more registries.

    A plain SOURCE is looked up in the local store; without TARGET it goes where its name says. Several targets are
    served from one read. An image of which some platforms are missing here is refused unless --platform says which.
    """
    if relay is not None:
        raise NoHostPushes
    aside = "-" in targets and archive_on_stdout(invocation)
    flags = Flags(if_absent, dry_run, no_referrers, keep_going, digest_file, disable_content_trust)
    transfers = invocation.application.transfers
    if all_tags:
        works = list(_every_tag(transfers, source, targets))
    else:
        works = [partial(transfers.push, parse_place(source), [parse_place(target) for target in targets])]
    Moving(invocation, "pushed", flags, flags.options(invocation), aside, [source, *targets]).run(works)


def _every_tag(transfers: Transfers, source: str, targets: tuple[str, ...]) -> Iterator[Transfer]:
    """A transfer for each image, with all its tags at once. Raises ImageUnknown, ReferenceInvalid."""
    repositories = [Reference.parse(target).repository for target in targets]
    for references in transfers.local_tags(source):
        tags = [Reference.parse(reference).tag for reference in references]
        places = [Named(f"{repository}:{tag}") for repository in repositories for tag in tags]
        yield partial(transfers.push, Named(references[0]), places or [Named(text) for text in references])
