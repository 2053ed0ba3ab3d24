"""`lading save`, `load` and `import`: archives to and from the local store."""

from __future__ import annotations

from functools import partial

import click

from lading.fronts.cli.commands.moving import Flags, Moving, archive_on_stdout
from lading.fronts.cli.completing import files
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.one_platform import one_platform
from lading.fronts.cli.options import archive_options, image_argument, setting
from lading.fronts.cli.texts import plural, size
from lading.services.content.stores import ArchiveForm, Compression
from lading.services.transfers.transfers import Call

PLAIN = Flags(
    if_absent=False,
    dry_run=False,
    no_referrers=True,
    keep_going=False,
    digest_file=None,
    disable_content_trust=True,
)
"""What is in an archive, whoever loads it has in hand: content trust is about registries, here as with docker."""


@click.command(cls=Command)
@image_argument("images", nargs=-1, required=True, metavar="IMAGE…")
@click.option(
    "-o",
    "--output",
    default="-",
    metavar="FILE",
    shell_complete=files,
    help="Where to write it; else standard output.",
)
@archive_options("docker")
@setting("--platform", multiple=True, metavar="all|have|OS/ARCH", help="Which platforms; may be repeated.")
@click.pass_obj
def save(invocation: Invocation, *, images: tuple[str, ...], output: str, archive_form: str, compress: str) -> None:
    """Write images from the local store to an archive.

    Docker's form holds one platform of each image, this machine's unless --platform says otherwise; OCI's holds all
    that is here.
    """
    console = invocation.console
    aside = output == "-" and archive_on_stdout(invocation)
    options = PLAIN.options(invocation, ArchiveForm(archive_form), Compression(compress))
    with invocation.cancellable() as cancel, invocation.progress() as report:
        saved = invocation.application.archives.save(images, output, Call(options, report, cancel))
    moved = sum(each.totals.image or 0 for each in saved.images)
    text = f"{output}   {plural(len(saved.images), 'image')}, {size(moved)}, verified"
    if aside:
        console.say(text)
        return
    record = {"path": saved.path, "references": [name for each in saved.images for name in each.pinned]}
    console.result(invocation.form, record, text, "\n".join(name for each in saved.images for name in each.pinned))


@click.command(cls=Command)
@click.argument("archive", default="-", metavar="[FILE]", shell_complete=files)
@click.option(
    "-i", "--input", "input_file", metavar="FILE", shell_complete=files, help="The same, as docker spells it."
)
@click.option("--as", "name", metavar="NAME[:TAG]", help="A new name for the one image in it.")
@click.pass_obj
def load(invocation: Invocation, archive: str, input_file: str | None, name: str | None) -> None:
    """Read the images of an archive into the local store.

    FILE is docker's or OCI's, plain or compressed by gzip, zstd, xz or bzip2; without it, standard input is read.
    """
    path = input_file or archive
    archives = invocation.application.archives
    Moving(invocation, "loaded", PLAIN, PLAIN.options(invocation)).run([partial(archives.load, path, name)])


@click.command("import", cls=Command)
@click.argument("archive", metavar="FILE", shell_complete=files)
@click.argument("name", metavar="NAME[:TAG]")
@setting("--platform", multiple=True, metavar="OS/ARCH", help="What it runs on, if not this machine's kind.")
@click.pass_obj
def import_(invocation: Invocation, archive: str, name: str) -> None:
    """Make an image of a tar of a root file system.

    FILE may be compressed by gzip, zstd, xz or bzip2; - is standard input. The same file gives the same digest.
    """
    platform = one_platform(invocation)
    archives = invocation.application.archives
    Moving(invocation, "imported", PLAIN, PLAIN.options(invocation)).run(
        [lambda call: (archives.import_(archive, name, platform, call),)]
    )
