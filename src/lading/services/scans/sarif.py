"""SARIF 2.1.0: findings for those who read them beside code (OASIS, Static Analysis Results Interchange Format).

A vulnerability is a rule, a finding a result, its place the file that gives evidence of the package. What an exception
hides stays, with a suppression. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from lading import __version__
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.findings.scanner import Finding, ScanResult
from lading.services.gates.records import ExceptionRow
from lading.services.web_links import web_link

Json = dict[str, object]

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.NEGLIGIBLE: "note",
    Severity.UNKNOWN: "warning",
}

_SCORES = {
    Severity.CRITICAL: 9.5,
    Severity.HIGH: 8.0,
    Severity.MEDIUM: 5.5,
    Severity.LOW: 2.0,
    Severity.NEGLIGIBLE: 0.5,
}
"""Within the bands of CVSS, where a finding has no score: those who show SARIF sort by `security-severity`."""


def sarif_json(
    image: str, digest: Digest, result: ScanResult, answering: Callable[[Finding], ExceptionRow | None]
) -> Json:
    """One run, of one scan. `image` is what people call it."""
    rules: dict[str, Json] = {}
    places: dict[str, int] = {}
    for finding in result.findings:
        if finding.id not in rules:
            places[finding.id] = len(rules)
            rules[finding.id] = _rule(finding)
    results = [_result(image, finding, places[finding.id], answering(finding)) for finding in result.findings]
    notices = [_notice(text) for text in _gaps(result)]
    run: Json = {
        "tool": {"driver": _driver(result, list(rules.values()))},
        "invocations": [
            {
                "executionSuccessful": result.status.sound,
                **({"toolExecutionNotifications": notices} if notices else {}),
            }
        ],
        "artifacts": [{"location": {"uri": _uri(image)}, "description": {"text": f"the image {image}"}}],
        "results": results,
        "columnKind": "unicodeCodePoints",
        "properties": {"imageName": image, "imageDigest": str(digest), "status": result.status.value},
    }
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }


def _driver(result: ScanResult, rules: Sequence[Json]) -> Json:
    return {
        "name": f"Lading ({result.scanner})",
        "version": __version__,
        "rules": list(rules),
        "properties": {"scanner": result.scanner, "scannerVersion": result.version},
    }


def _rule(finding: Finding) -> Json:
    score = finding.cvss if finding.cvss is not None else _SCORES.get(finding.severity)
    rule: Json = {
        "id": finding.id,
        "name": "KnownVulnerability",
        "shortDescription": {"text": f"{finding.id} in {finding.package}"},
        "fullDescription": {"text": finding.description or f"{finding.id} in {finding.package}"},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "tags": ["security", "vulnerability", finding.severity.value],
            "aliases": list(finding.aliases),
            **({"security-severity": f"{score:.1f}"} if score is not None else {}),
        },
    }
    link = web_link(finding.link)
    if link is not None:
        rule["helpUri"] = link
    return rule


def _result(image: str, finding: Finding, place: int, answer: ExceptionRow | None) -> Json:
    fixed = f"; fixed in {finding.fixed_version}" if finding.fixed_version else ""
    text = f"{finding.package} {finding.version} has {finding.id} ({finding.severity}){fixed}"
    result: Json = {
        "ruleId": finding.id,
        "ruleIndex": place,
        "kind": "fail",
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [_location(image, finding)],
        "partialFingerprints": {"finding/v1": Digest.of("\0".join(finding.key).encode("utf-8", "replace")).encoded},
        "properties": {"package": finding.package, "version": finding.version, "purl": finding.purl},
    }
    if finding.hidden:
        said = answer.reason if answer is not None else finding.suppressed_by
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": said}]
    return result


def _location(image: str, finding: Finding) -> Mapping[str, object]:
    """Evidence stands in a file of the image; where nobody knows which, in the image itself."""
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(finding.path or image)},
            "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1},
        },
        "logicalLocations": [
            {"name": finding.package, "fullyQualifiedName": f"{image}/{finding.path or finding.package}"}
        ],
    }


def _gaps(result: ScanResult) -> Sequence[str]:
    """What was not looked at: a reader must not take it for sound."""
    kinds = [f"{count} packages were not held against anything: {kind}" for kind, count in _counted(result)]
    return [*([result.error] if result.error else []), *kinds, *result.coverage.notes]


def _counted(result: ScanResult) -> Sequence[tuple[str, int]]:
    return [(kind, count) for kind, count in sorted(result.coverage.not_evaluated.items()) if count]


def _notice(text: str) -> Json:
    return {"level": "warning", "message": {"text": text}}


def _uri(path: str) -> str:
    """A relative reference (RFC 3986, 4.2), whose first part must not look like a scheme."""
    return quote(path.lstrip("/"), safe="/@~!$&'()*+,;=", errors="replace")
