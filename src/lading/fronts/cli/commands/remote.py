"""`lading ls`, `search` and `digest`: what registries answer."""

from __future__ import annotations

import click

from lading.fronts.cli.console import Listing as Table
from lading.fronts.cli.console import Record
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import remote_options
from lading.fronts.cli.prefixes import mentioning_prefix
from lading.services.places import parse_place
from lading.services.registries.registries import Listing


@click.command(cls=Command)
@click.argument("place", metavar="REPOSITORY|HOST")
@remote_options
@click.pass_obj
def ls(invocation: Invocation, place: str) -> None:
    """List the tags of a repository, or the repositories of a registry.

    Many registries list no repositories; they say so.
    """
    with invocation.cancellable():
        found = invocation.application.registries.ls(place)
    _print(invocation, found)


@click.command(cls=Command)
@click.argument("text", metavar="[HOST/]TERM")
@remote_options
@click.pass_obj
def search(invocation: Invocation, text: str) -> None:
    """Find repositories of a registry by name.

    Without a host Docker Hub is searched, whose own search finds words in descriptions too; --format json shows those,
    and the stars that people gave.
    """
    with invocation.cancellable():
        found = invocation.application.registries.search(text)
    _print(invocation, found)


@click.command(cls=Command)
@click.argument("image", metavar="IMAGE")
@remote_options
@click.pass_obj
def digest(invocation: Invocation, image: str) -> None:
    """Print the digest a registry holds under a name.

    Costs one request, and no content is fetched. IMAGE may be oci:DIR[:NAME] or archive:FILE too.
    """
    with invocation.cancellable() as cancel, mentioning_prefix([image]):
        root = invocation.application.images.digest(parse_place(image), cancel)
    record = {"digest": str(root.digest), "mediaType": root.media_type, "size": root.size}
    invocation.console.result(invocation.form, record, str(root.digest))


def _print(invocation: Invocation, found: Listing) -> None:
    """One name a line, as scripts read it; whose names they are goes to stderr."""
    invocation.console.say(f"{found.kind} of {found.of}: {len(found.names)}")

    def whole(name: str) -> str:
        return f"{found.of}:{name}" if found.kind == "tags" else f"{found.of}/{name}"

    if invocation.form in {None, "table"}:
        for name in found.names:
            invocation.console.print(whole(name) if invocation.console.wishes.quiet else name)
        return
    said = {hit.repository.path: hit for hit in found.hits}

    def record(name: str) -> Record:
        named = {"name": name, "reference": whole(name)}
        hit = said.get(name)
        if hit is None:
            return named
        return {**named, "description": hit.description, "stars": hit.stars, "official": hit.official}

    table = Table(found.names, record, (), lambda name: (name,), whole)
    invocation.console.results(invocation.form, table)
