"""`lading scan` and `lading sbom`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence

import click

from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.one_platform import one_platform
from lading.fronts.cli.options import image_argument, remote_options, scanner_options, setting
from lading.fronts.cli.prefixes import mentioning_prefix
from lading.fronts.cli.texts import lines, plural, table
from lading.inventory.severity import Severity
from lading.services.findings.scanner import (
    Finding,
    ScannerName,
    ScanProgress,
    ScanReport,
    ScanResult,
    ScanStage,
    ScanStatus,
    counted,
)
from lading.services.places import parse_place
from lading.services.scans.bar import hold_to
from lading.services.scans.cyclonedx import bill_of_materials
from lading.services.scans.exports import ScanFormat
from lading.services.scans.json import scanned_json
from lading.services.scans.local_scans import Looked, Scanned
from lading.services.scans.words import coverage_text
from lading.wire.progress import Noted, Report

_HEADINGS = ("SEVERITY", "ID", "PACKAGE", "INSTALLED", "FIXED IN")


@click.command(cls=Command)
@image_argument("source", metavar="SOURCE")
@click.option(
    "--fail-on",
    type=click.Choice([severity.value for severity in Severity]),
    metavar="SEVERITY",
    help=f"Exit 9 where something is this bad or worse: {', '.join(Severity)}.",
)
@click.option("--fixable", is_flag=True, help="Only what a newer version mends.")
@click.option(
    "--scanner",
    type=click.Choice([name.value for name in ScannerName if name is not ScannerName.NONE]),
    default=ScannerName.AUTO.value,
    help="Who looks: osv (our own), grype, trivy, both of these, or the first that can (auto).",
)
@click.option(
    "--export",
    type=click.Choice([each.value for each in (ScanFormat.CSV, ScanFormat.SARIF, ScanFormat.CYCLONEDX)]),
    help="Print it as a file for other programs.",
)
@setting("--platform", multiple=True, metavar="OS/ARCH", help="Which to scan; this machine's kind unless said.")
@scanner_options
@remote_options
@click.pass_obj
def scan(
    invocation: Invocation, source: str, *, fail_on: str | None, fixable: bool, scanner: str, export: str | None
) -> None:
    """Hold an image against what is known of vulnerabilities.

    SOURCE is a name or id in the local store, else a name in a registry, of which only layers are read that nobody has
    looked into before; or oci:DIR[:NAME], archive:FILE, docker:NAME, or - for an archive on standard input.

    Our own scanner works with data that `lading advisories` loads, and sends nothing about images anywhere. A package
    that no data speaks of is never counted as sound: what was looked at is said below the findings.
    """
    platform = one_platform(invocation)
    with invocation.cancellable() as cancel, mentioning_prefix([source]), invocation.progress() as report:
        told = _telling(source, report)
        found = invocation.application.scans.scan(parse_place(source), ScannerName(scanner), platform, told, cancel)
    scanned = found.only_fixable if fixable else found
    image = scanned.image
    if export is not None:
        text = invocation.application.scans.exported(scanned, ScanFormat(export), time.time())
        invocation.console.pass_on(text if text.endswith("\n") else f"{text}\n")
    else:
        record = scanned_json(image.id, image.name, scanned.result)
        invocation.console.result(invocation.form, record, _told(scanned), f"{image.name}@{image.id}")
    hold_to(Severity(fail_on) if fail_on else None, scanned)
    if fail_on and scanned.result.status is ScanStatus.PARTIAL:
        gap = scanned.result.error or coverage_text(scanned.result.coverage, scanned.result.built)
        invocation.console.warn(f"{image.name} was not assessed whole: {gap}")


@click.command(cls=Command)
@image_argument("source", metavar="SOURCE")
@setting("--platform", multiple=True, metavar="OS/ARCH", help="Of which; this machine's kind unless said.")
@remote_options
@click.pass_obj
def sbom(invocation: Invocation, source: str) -> None:
    """Print what is installed in an image, as CycloneDX 1.6 in JSON.

    SOURCE is as for `lading scan`. What could not be read is said on standard error, and the list says of itself then
    that it is incomplete.
    """
    platform = one_platform(invocation)
    with invocation.cancellable() as cancel, mentioning_prefix([source]):
        found = invocation.application.scans.inventory(parse_place(source), platform, _untold, cancel)
    document = bill_of_materials(found.image.bill, found.inventory, time.time())
    invocation.console.pass_on(json.dumps(document, indent=2) + "\n")
    for note in found.inventory.notes:
        invocation.console.warn(note)


def _telling(name: str, report: Report) -> ScanReport:
    """Each stage once: percents are for those who watch a server's job."""
    last: ScanStage | None = None

    def told(progress: ScanProgress) -> None:
        nonlocal last
        if progress.stage is not last and progress.stage is not ScanStage.COMPLETE:
            last = progress.stage
            report(Noted(name, progress.message))

    return told


def _untold(_read: int, _all: int) -> None:
    """A list of what is in an image is made in seconds."""


def _told(scanned: Scanned) -> str:
    """The findings as a table, and below it what was looked at."""
    return "\n".join(filter(None, (_table(scanned.result.findings), lines(_summary(scanned.image, scanned.result)))))


def _table(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    return table(_HEADINGS, map(_row, findings)) + "\n"


def _row(finding: Finding) -> tuple[str, ...]:
    severity = finding.severity.value + (" (suppressed)" if finding.hidden else "")
    fixed = finding.fixed_version or finding.fix_state.value
    return severity, finding.id, finding.package, finding.version, fixed


def _summary(image: Looked, result: ScanResult) -> Iterator[str]:
    yield f"{image.name} ({image.platform}) by {result.scanner} {result.version}".rstrip()
    if result.summary is None:
        return
    counts = counted(result.findings)
    standing = sum(counts.values())
    by_severity = ", ".join(f"{counts[severity]} {severity}" for severity in Severity if counts[severity])
    coverage = coverage_text(result.coverage, result.built)
    if standing:
        fixable = sum(each.fixed_version is not None and not each.hidden for each in result.findings)
        yield f"{plural(standing, 'finding')}: {by_severity}; {fixable} with a fix"
    if not result.coverage.assessed:
        yield coverage
    else:
        yield f"{'Looked at' if standing else 'No known vulnerabilities in'} {coverage}"
    yield from (f"  note: {note}" for note in (*result.coverage.notes, *filter(None, (result.error,))))
