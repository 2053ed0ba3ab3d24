"""`lading scan` at a server: of an image of one of its environments, over what the server knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lading.errors import NotAccepted
from lading.fronts.cli.far.following import followed, result_of
from lading.fronts.cli.far.rows import said
from lading.fronts.cli.far.server import Row, environment_of, number, refuse_flags, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.texts import lines, plural, table
from lading.inventory.severity import Severity
from lading.services.findings.scanner import ScannerName, ScanStatus
from lading.services.platforms import Wanted
from lading.services.scans.failures import NothingAssessed

_HEADINGS = ("SEVERITY", "ID", "PACKAGE", "INSTALLED", "FIXED IN")
_OURS_ALONE = ("insecure", "tls-ca", "username", "password", "grype", "trivy", "scan-cache", "scan-timeout")


class FarFindingsStand(NotAccepted):
    """A server's scan came to findings that are as bad as the bar, or worse."""

    code = "findings"
    why = "The image has them."

    def __init__(self, name: str, count: int, bar: Severity) -> None:
        super().__init__(name, count, bar)
        self.name, self.count, self.bar = name, count, bar
        self.hint = "Build it again with newer packages, or choose another bar."

    def __str__(self) -> str:
        return f"{self.name} has {plural(self.count, 'finding')} at or above {self.bar}"


def scan(
    invocation: Invocation, *, source: str, fail_on: str | None, fixable: bool, scanner: str, export: str | None
) -> None:
    """A job; its scans are kept there."""
    refuse_flags(invocation, *_OURS_ALONE, export=export is not None)
    Wanted.parse(invocation.application.preferences.platform)
    server = server_of(invocation)
    with invocation.cancellable() as cancel:
        body = {
            "image": source,
            "scanner": None if scanner == ScannerName.AUTO else scanner,
            "platform": ",".join(invocation.application.preferences.platform) or None,
        }
        query = {"env": environment_of(invocation, cancel)}
        job = server.started("/api/images/scan", cancel, query=query, body=said(body))
        if "detach" in invocation.on_the_line:
            invocation.console.result(invocation.form, {"jobId": job}, job, job)
            return
        kept = result_of(followed(invocation, job, source, cancel)).get("scans")
        ids = [number(row, "id") for row in kept if isinstance(row, dict)] if isinstance(kept, list) else []
        scans = [_only_fixable(server.get(f"/api/scans/{each}", cancel), fixable) for each in ids]
    _print(invocation, scans)
    _hold(source, scans, Severity(fail_on) if fail_on else None)


def _only_fixable(scan: Row, fixable: bool) -> Row:
    if not fixable:
        return scan
    return {**scan, "vulnerabilities": [each for each in _findings(scan) if each.get("fixedVersion")]}


def _findings(scan: Row) -> Sequence[Row]:
    found = scan.get("vulnerabilities")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _print(invocation: Invocation, scans: Sequence[Row]) -> None:
    console = invocation.console
    if invocation.form == "json" and not console.wishes.quiet:
        console.json(scans[0] if len(scans) == 1 else list(scans))
        return
    for each in scans:
        pinned = f"{word(each, 'imageName')}@{word(each, 'imageId')}"
        console.result(invocation.form, each, "\n".join(filter(None, _told(each))), pinned)


def _told(scan: Row) -> Iterator[str]:
    found = _findings(scan)
    if found:
        yield table(_HEADINGS, map(_row, found)) + "\n"
    coverage = scan.get("coverage")
    looked = word(coverage, "text") if isinstance(coverage, Mapping) else ""
    name = f"{word(scan, 'imageName')} by {word(scan, 'scanner')}"
    yield lines([f"{name}: {plural(len(found), 'finding')}", *filter(None, [looked, word(scan, "error")])])


def _row(finding: Row) -> tuple[str, ...]:
    severity = word(finding, "severity") + (" (suppressed)" if finding.get("suppressedBy") else "")
    fixed = word(finding, "fixedVersion", "fixState")
    return severity, word(finding, "id"), word(finding, "package"), word(finding, "version"), fixed


def _hold(source: str, scans: Sequence[Row], bar: Severity | None) -> None:
    """Raises NothingAssessed, FarFindingsStand."""
    for each in scans:
        if word(each, "status") in {ScanStatus.FAILED, ScanStatus.SKIPPED}:
            raise NothingAssessed(source, word(each, "error") or f"the scan is {word(each, 'status')}")
    standing = [
        finding
        for each in scans
        for finding in _findings(each)
        if bar is not None and not finding.get("suppressedBy") and Severity(word(finding, "severity")).at_least(bar)
    ]
    if bar is not None and standing:
        raise FarFindingsStand(source, len(standing), bar)
