"""`lading inspect` and `history`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from lading.fronts.cli.commands.records import description_record, layer_record
from lading.fronts.cli.console import Listing, Record
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.one_platform import one_platform
from lading.fronts.cli.options import image_argument, remote_options, setting
from lading.fronts.cli.prefixes import mentioning_prefix
from lading.fronts.cli.texts import lines, plural, size
from lading.services.descriptions import Description, Step, Variant
from lading.services.places import parse_place


@click.command(cls=Command)
@image_argument("image", metavar="IMAGE")
@remote_options
@click.pass_obj
def inspect(invocation: Invocation, image: str) -> None:
    """Show what an image is made of: platforms, configs and layers.

    IMAGE is a name or id in the local store, else a name in a registry, or oci:DIR[:NAME], archive:FILE, or
    docker:NAME.
    """
    with invocation.cancellable() as cancel, mentioning_prefix([image]):
        description = invocation.application.images.inspect(parse_place(image), cancel)
    text = lines(_described(description))
    pinned = f"{description.name}@{description.root.digest}"
    invocation.console.result(invocation.form, description_record(description), text, pinned)


@click.command(cls=Command)
@image_argument("image", metavar="IMAGE")
@setting("--platform", multiple=True, metavar="OS/ARCH", help="Whose history; this machine's kind unless said.")
@remote_options
@click.pass_obj
def history(invocation: Invocation, image: str) -> None:
    """Show the steps that made an image, the newest first, and what each added."""
    with invocation.cancellable() as cancel, mentioning_prefix([image]):
        images = invocation.application.images
        description, steps = images.history(parse_place(image), one_platform(invocation), cancel)
    invocation.console.say(f"{description.name}@{description.root.digest}  (in {description.where})")

    def row(step: Step) -> tuple[str, ...]:
        layer = step.layer
        return (layer.digest.short if layer else "-", size(layer.size) if layer else "-", step.label[:120])

    def record(step: Step) -> Record:
        layer = layer_record(step.layer) if step.layer else None
        return {
            "created": step.created,
            "step": step.label,
            "layer": layer,
            "diffId": str(step.diff_id) if step.diff_id else None,
        }

    listing = Listing(
        steps, record, ("LAYER", "SIZE", "STEP"), row, lambda step: str(step.layer.digest) if step.layer else "-"
    )
    invocation.console.results(invocation.form, listing)


def _described(description: Description) -> Iterator[str]:
    yield f"{description.name}@{description.root.digest}"
    yield f"  in {description.where}, {description.root.media_type}"
    if description.attestations:
        yield f"  {plural(description.attestations, 'attestation')}"
    for variant in description.variants:
        yield from _variant(variant)


def _variant(variant: Variant) -> Iterator[str]:
    missing = "" if variant.complete else "   not all of it is here"
    yield f"  {variant.platform or 'no platform'}   {variant.descriptor.digest}   {size(variant.size)}{missing}"
    if variant.config is not None:
        execution = variant.config.execution
        settings = {
            "created": variant.config.created or "",
            "user": execution.user,
            "entrypoint": " ".join(execution.entrypoint),
            "command": " ".join(execution.cmd),
            "in": execution.working_dir,
            "ports": " ".join(execution.exposed_ports),
        }
        yield from (f"    {name}: {value}" for name, value in settings.items() if value)
    for layer in variant.manifest.layers if variant.manifest else ():
        yield f"    {layer.digest.short}  {size(layer.size):>9}  {layer.media_type}"
