"""`lading tag`, `untag`, `rmi` and `gc`: names in the local store, and what they keep."""

from __future__ import annotations

import click

from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import image_argument, remote_options
from lading.fronts.cli.texts import plural, size
from lading.services.content.sweep_report import collected_json, why_kept


@click.command(cls=Command)
@image_argument("source", metavar="IMAGE")
@click.argument("targets", nargs=-1, required=True, metavar="NAME[:TAG]…")
@click.pass_obj
def tag(invocation: Invocation, source: str, targets: tuple[str, ...]) -> None:
    """Give an image of the local store further names.

    IMAGE is a name or the beginning of an id. A name that another image had is moved.
    """
    with invocation.cancellable() as cancel:
        image, references = invocation.application.images.tag(source, targets, cancel)
    record = {"digest": str(image.root.digest), "references": list(references)}
    pinned = "\n".join(f"{reference}@{image.root.digest}" for reference in references)
    text = "\n".join(f"{reference}   is {image.reference}@{image.root.digest}" for reference in references)
    invocation.console.result(invocation.form, record, text, pinned)


@click.command(cls=Command)
@image_argument("names", nargs=-1, required=True, metavar="NAME…")
@click.option("--remote", is_flag=True, help="Take the tags from their registries, not from the local store.")
@remote_options
@click.pass_obj
def untag(invocation: Invocation, names: tuple[str, ...], remote: bool) -> None:
    """Take names from images, or with --remote tags from registries.

    Content stays: in the local store until `lading gc`, in a registry until it collects garbage.
    """
    images = invocation.application.images
    untagged: list[str] = []
    try:
        with invocation.cancellable() as cancel:
            if not remote:
                untagged += images.untag(names)
            for name in names if remote else ():
                untagged.append(str(images.untag_remote(name, cancel)))
    finally:
        if untagged:  # those that are gone are told, whatever became of the others
            text = "\n".join(f"{reference}   untagged" for reference in untagged)
            invocation.console.result(invocation.form, {"references": untagged}, text, "\n".join(untagged))


@click.command(cls=Command)
@image_argument("images", nargs=-1, required=True, metavar="IMAGE…")
@click.option("-f", "--force", is_flag=True, help="Remove all names of an image given by its id.")
@click.pass_obj
def rmi(invocation: Invocation, images: tuple[str, ...], force: bool) -> None:
    """Remove images of the local store, and the content that only they held.

    IMAGE is a name or the beginning of an id.
    """
    with invocation.cancellable() as cancel:
        removed = invocation.application.images.remove(images, force, cancel)
    record = {"references": list(removed.names), "removed": removed.collected.removed, "bytes": removed.collected.size}
    freed = f"freed {size(removed.collected.size)} in {plural(removed.collected.removed, 'piece')}"
    text = "\n".join([*(f"{name}   removed" for name in removed.names), freed])
    invocation.console.result(invocation.form, record, text, "\n".join(removed.names))


@click.command(cls=Command)
@click.option("-n", "--dry-run", is_flag=True, help="Say how much would go, and remove nothing.")
@click.pass_obj
def gc(invocation: Invocation, dry_run: bool) -> None:
    """Remove content of the local store that nothing keeps.

    Names keep content, and so does work that runs; in a folder that `lading serve` uses, so do its repositories. What a
    transfer brought or used in the last day stays, named or not, so that one that was interrupted can go on. A server
    may be at work meanwhile.
    """
    with invocation.cancellable() as cancel:
        collected = invocation.application.images.collect(dry_run, cancel)
    verb = "would free" if dry_run else "freed"
    text = f"{verb} {size(collected.size)} in {plural(collected.removed, 'piece')}"
    invocation.console.result(invocation.form, collected_json(collected, dry_run=dry_run), text, str(collected.size))
    for note in why_kept(collected):
        invocation.console.say(note)
