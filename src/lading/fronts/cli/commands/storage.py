"""`lading repository storage`: what our own content takes, and whose it is."""

from __future__ import annotations

import click

from lading.fronts.cli.commands.rows import fields_text
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.texts import size, table
from lading.services.access import LADING
from lading.services.content.storage_figures import Figures, RepositoryFigures, Sum
from lading.services.content.storage_view import figures_json, repository_figures_json

_HEADINGS = ("NAME", "TAGS", "MANIFESTS", "BLOBS", "LOGICAL", "UNIQUE")


@click.command("storage", cls=Command)
@click.pass_obj
def storage(invocation: Invocation) -> None:
    """Show what content takes: in all, and for each repository.

    Logical is what it would be if nothing were shared; unique is what only that repository holds. Reclaimable goes with
    `lading gc`, once nobody has used it for a day.
    """
    counted = invocation.application.administration.storage
    figures, rows = counted.figures(LADING), counted.repositories(LADING)
    told = {**figures_json(figures), "each": [repository_figures_json(row) for row in rows]}
    text = fields_text(_fields(figures)) + (f"\n\n{table(_HEADINGS, map(_row, rows))}" if rows else "")
    invocation.console.result(invocation.form, told, text, str(figures.disk.stored.size))


def _fields(figures: Figures) -> dict[str, object]:
    disk = figures.disk
    return {
        "logical": size(figures.named.logical),
        "stored": _sum(disk.stored),
        "shared": size(figures.shared),
        "reclaimable": _sum(figures.reclaimable),
        "unfinished": _sum(disk.unfinished),
        "damaged": _sum(disk.damaged),
        "free": "" if disk.free is None else f"{size(disk.free)} of {size(disk.capacity or 0)}",
    }


def _row(row: RepositoryFigures) -> tuple[str, ...]:
    return (row.name, str(row.tags), str(row.manifests), str(row.blobs), size(row.logical), size(row.unique))


def _sum(of: Sum) -> str:
    return f"{size(of.size)} in {of.pieces} piece{'' if of.pieces == 1 else 's'}"
