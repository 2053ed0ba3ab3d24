"""`lading advisories`: of what time the data is that scans hold packages against, and bringing newer."""

from __future__ import annotations

import time

import click

from lading.errors import LadingError
from lading.fronts.cli.completing import files
from lading.fronts.cli.console import Listing
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Group
from lading.fronts.cli.options import scanner_options, setting
from lading.fronts.cli.texts import age, plural
from lading.oci.instants import moment_text
from lading.services.findings.scanner import ScannerName
from lading.services.scans.advisories import Feed, Imported, Origin, UpdatedPartly, feed_json, imported_json

_HEADINGS = ("ECOSYSTEM", "RECORDS", "DATA OF", "NEWEST", "IMPORTED", "SOURCE")
_IMPORTED_HEADINGS = ("SOURCE", "RECORDS", "NEW", "CHANGED", "GONE", "UNREAD")


@click.group(cls=Group)
def advisories() -> None:
    """What scans know of vulnerabilities: its age, updates, imports.

    No list of packages ever leaves this machine: advisories are fetched as files, and only when asked for.
    """


@advisories.command()
@click.pass_obj
def status(invocation: Invocation) -> None:
    """Show each ecosystem: how many advisories, and of what time they are.

    DATA OF is when the source last said that this is all it knows; NEWEST is when its last advisory was written.
    """
    feeds = invocation.application.advisories.feeds()
    now = time.time()

    def row(feed: Feed) -> tuple[str, ...]:
        moments = (feed.built, feed.newest, feed.imported)
        built, newest, imported = ("unknown" if each is None else age(max(now - each, 0)) for each in moments)
        return (feed.ecosystem or "(ratings)", str(feed.records), built, newest, imported, feed.source)

    if not feeds:
        invocation.console.say("There are no advisories yet: lading advisories update, or import.")
    listing = Listing(feeds, feed_json, _HEADINGS, row, lambda feed: feed.ecosystem)
    invocation.console.results(invocation.form, listing)


@advisories.command("import")
@click.argument("place", metavar="PATH|URL", shell_complete=files)
@click.option("--branch", metavar="NAME", help="Of a git repository: the branch instead of what HEAD says.")
@click.option("--name", metavar="NAME", help="What this replaces; without it what came from the same place before.")
@click.pass_obj
def import_(invocation: Invocation, *, place: str, branch: str | None, name: str | None) -> None:
    """Import advisories in the OSV format.

    PATH is a zip, a folder, or a git repository (bare or not; what is committed counts), with files like
    PYSEC-2021-1.json or .yaml; URL is that of a zip. All of a source comes in one step: a scan sees what was there
    before, or what is there then.
    """
    console = invocation.console
    with invocation.cancellable() as cancel:
        imported = invocation.application.advisories.bring(Origin(place, branch, name), console.say, cancel)
    _warn(invocation, imported)
    console.result(invocation.form, imported_json(imported), _text(imported), imported.source)


@advisories.command()
@click.argument("source", metavar="SOURCE")
@click.pass_obj
def forget(invocation: Invocation, source: str) -> None:
    """Let go of a source, named as `lading advisories status` names it, and of all it brought."""
    gone = invocation.application.advisories.forget(source)
    text = f"{source}   forgotten, and {_counted(gone)} with it"
    invocation.console.result(invocation.form, {"source": source, "gone": gone}, text, source)


@advisories.command()
@setting("--advisories-url", metavar="URL", help="From where: a mirror of OSV's dumps (OSV's own).")
@click.option(
    "--scanner",
    type=click.Choice([ScannerName.GRYPE.value, ScannerName.TRIVY.value]),
    help="The database of this program instead, from where its makers publish it.",
)
@scanner_options
@click.argument("ecosystems", nargs=-1, metavar="[ECOSYSTEM]...")
@click.pass_obj
def update(invocation: Invocation, ecosystems: tuple[str, ...], scanner: str | None) -> None:
    """Bring advisories up to date, from OSV's dumps or a mirror of them.

    ECOSYSTEM is spelled as OSV spells it, like PyPI, npm, crates.io or Debian; without any, all that the setting
    advisories-ecosystems says. What is here already is not fetched again.
    """
    if scanner is not None:
        if ecosystems:
            raise click.UsageError("--scanner takes no ecosystems: its database is one.")
        _update_scanner(invocation, scanner)
        return
    console = invocation.console
    with invocation.cancellable() as cancel:
        updated = invocation.application.advisories.update(ecosystems, console.say, cancel)
    for each in updated.imported:
        _warn(invocation, each)
    listing = Listing(updated.imported, imported_json, _IMPORTED_HEADINGS, _row, lambda each: each.source)
    console.results(invocation.form, listing)
    for ecosystem, error in updated.failed:
        console.warn(f"{ecosystem} stays as it was: {_told(error)}")
    if updated.failed:
        raise UpdatedPartly([ecosystem for ecosystem, _ in updated.failed])


def _update_scanner(invocation: Invocation, scanner: str) -> None:
    console = invocation.console
    program = invocation.application.scanner_programs[scanner]
    with invocation.cancellable() as cancel:
        changed = program.update(lambda progress: console.say(progress.message), cancel)
        built = program.probe(cancel).built
    told = {"scanner": scanner, "updated": changed, "dbVersion": moment_text(built)}
    what = "its database is new" if changed else "its database is the newest already"
    console.result(invocation.form, told, f"{scanner}   {what}, of {told['dbVersion']}", scanner)


def _warn(invocation: Invocation, imported: Imported) -> None:
    if imported.unread:
        what = plural(imported.unread, "file")
        invocation.console.warn(f"{imported.source}: {what} named like advisories cannot be used as such")


def _told(error: LadingError) -> str:
    return f"{error} ({error.why})" if error.why else str(error)


def _text(imported: Imported) -> str:
    counts = f"{imported.new} new, {imported.changed} changed, {imported.gone} gone"
    return f"{imported.source}   {_counted(imported.records)}: {counts}"


def _counted(count: int) -> str:
    return f"{count} {'advisory' if count == 1 else 'advisories'}"


def _row(imported: Imported) -> tuple[str, ...]:
    counts = (imported.records, imported.new, imported.changed, imported.gone, imported.unread)
    return (imported.source, *map(str, counts))
