"""`lading copy`."""

from __future__ import annotations

from functools import partial

import click

from lading.fronts.cli.commands.moving import Flags, Moving, Transfer, archive_on_stdout
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import archive_options, transfer_options
from lading.oci.reference import Reference
from lading.services.content.stores import ArchiveForm, Compression
from lading.services.places import Named, parse_place
from lading.services.transfers.transfers import Transfers


@click.command(cls=Command)
@click.argument("source", metavar="SOURCE")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET…")
@click.option("-a", "--all-tags", is_flag=True, help="Every tag of the source's repository, under its own name.")
@archive_options("oci")
@transfer_options
@click.pass_obj
def copy(
    invocation: Invocation,
    *,
    source: str,
    targets: tuple[str, ...],
    all_tags: bool,
    archive_form: str,
    compress: str,
    if_absent: bool,
    dry_run: bool,
    no_referrers: bool,
    disable_content_trust: bool,
    keep_going: bool,
    digest_file: str | None,
) -> None:
    """Copy an image between registries, layouts, archives, Docker hosts.

    Plain names are in registries: nothing touches the local store or its disk. All platforms, signatures and SBOMs
    come along. Several targets are served from one read. A Docker host, docker:[HOST//][NAME], loads the image of its
    own platform; that it is there is proven by the image's id.
    """
    aside = "-" in targets and archive_on_stdout(invocation)
    flags = Flags(if_absent, dry_run, no_referrers, keep_going, digest_file, disable_content_trust)
    options = flags.options(invocation, ArchiveForm(archive_form), Compression(compress))
    transfers = invocation.application.transfers
    if all_tags:
        with invocation.cancellable() as cancel:
            works = _every_tag(transfers.tags(source, cancel), transfers, targets)
    else:
        works = [partial(transfers.copy, parse_place(source), [parse_place(target) for target in targets])]
    Moving(invocation, "copied", flags, options, aside, [source, *targets]).run(works)


def _every_tag(names: tuple[str, ...], transfers: Transfers, targets: tuple[str, ...]) -> list[Transfer]:
    repositories = [Reference.parse(target).repository for target in targets]
    works: list[Transfer] = []
    for text in names:
        tag = Reference.parse(text).tag
        places = [Named(f"{repository}:{tag}") for repository in repositories]
        works.append(partial(transfers.copy, Named(text), places))
    return works
