"""`lading images`."""

from __future__ import annotations

import time

import click

from lading.fronts.cli.console import Listing, Record
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.texts import age, size
from lading.services.embedded.images import Listed

_HEADINGS = ("REPOSITORY", "TAG", "IMAGE ID", "PLATFORMS", "PULLED", "SIZE")


@click.command(cls=Command)
@click.argument("pattern", default="", metavar="[PART-OF-NAME]")
@click.option("--digests", is_flag=True, help="Whole digests instead of short ids.")
@click.pass_obj
def images(invocation: Invocation, pattern: str, digests: bool) -> None:
    """List the images of the local store.

    An image's id is the digest of its manifest, or of its index where it has several platforms. SIZE counts what is
    here, compressed as it travels.
    """
    now = time.time()

    def row(listed: Listed) -> tuple[str, ...]:
        root, reference = listed.image.root, listed.reference
        identity = str(root.digest) if digests else root.digest.short
        when = age(max(now - listed.image.moved, 0))
        name = reference.repository.familiar if reference else "<none>"
        tag = (reference.tag if reference else "<none>") or "-"
        return (name, tag, identity, _platforms(listed), when, size(listed.description.size))

    listing = Listing(invocation.application.images.list(pattern), _record, _HEADINGS, row, _pinned)
    invocation.console.results(invocation.form, listing)


def _pinned(listed: Listed) -> str:
    """What a script keeps."""
    name = f"{listed.reference}@" if listed.reference else ""
    return f"{name}{listed.image.root.digest}"


def _platforms(listed: Listed) -> str:
    """The one platform, or how many of several are here."""
    variants = listed.description.variants
    here = [variant for variant in variants if variant.complete]
    if len(variants) != 1:
        return f"{len(here)} of {len(variants)}"
    return str(variants[0].platform or "-") if here else "none here"


def _record(listed: Listed) -> Record:
    reference, description = listed.reference, listed.description
    return {
        "reference": str(reference) if reference else None,
        "repository": reference.repository.familiar if reference else None,
        "tag": reference.tag if reference else None,
        "id": listed.image.root.digest.short,
        "digest": str(listed.image.root.digest),
        "mediaType": listed.image.root.media_type,
        "platforms": [
            {"platform": str(variant.platform) if variant.platform else None, "here": variant.complete}
            for variant in description.variants
        ],
        "created": description.created,
        "pulled": listed.image.moved,
        "size": description.size,
    }
