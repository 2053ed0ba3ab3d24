"""Which findings an exception is about. Pure; whether it is in force depends on the time that is asked about.

A finding keeps its place under an exception: it is marked with what hides it, and counts no more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from lading.services.findings.scanner import Finding
from lading.services.gates.records import ExceptionRow
from lading.services.repositories.rules import matches_one


@dataclass(frozen=True, slots=True)
class Judged:
    """An image by all that people call it: whole references, repositories, `repository@digest`, bare digests."""

    names: tuple[str, ...]


def stands(row: ExceptionRow, now: float) -> bool:
    """Whether its word is still given at that time, in seconds since 1970."""
    return row.expires is None or now < row.expires


def in_force(row: ExceptionRow, now: float) -> bool:
    """Whether it hides anything at that time, in seconds since 1970."""
    return row.status.suppresses and stands(row, now)


def is_about(row: ExceptionRow, image: Judged, finding: Finding) -> bool:
    """Whether it speaks of this finding in this image, in force or not."""
    wanted = row.vulnerability.upper()
    return (
        any(name.upper() == wanted for name in finding.names)
        and (not row.image or any(matches_one(name, (row.image,)) for name in image.names))
        and (not row.package_url or _is_package(row.package_url, finding.purl))
    )


def marked(
    image: Judged, findings: Sequence[Finding], exceptions: Collection[ExceptionRow], now: float
) -> tuple[Finding, ...]:
    """The same findings, each with what hides it now: an exception's id in words, or nothing."""
    standing: dict[str, list[ExceptionRow]] = {}
    for row in sorted((each for each in exceptions if in_force(each, now)), key=lambda each: each.id):
        standing.setdefault(row.vulnerability.upper(), []).append(row)
    return tuple(_marked(finding, image, standing) for finding in findings)


def mark(row: ExceptionRow) -> str:
    """What a finding says of the exception that hides it."""
    return f"exception {row.id}: {row.status}"


def _marked(finding: Finding, image: Judged, standing: Mapping[str, Sequence[ExceptionRow]]) -> Finding:
    named = dict.fromkeys(name.upper() for name in finding.names)
    said = (row for name in named for row in standing.get(name, ()))
    hiding = next((mark(row) for row in said if is_about(row, image, finding)), None)
    return finding if finding.suppressed_by == hiding else replace(finding, suppressed_by=hiding)


def _is_package(pattern: str, package_url: str) -> bool:
    """A pattern without qualifiers is about a package whatever its architecture or distribution (purl-spec); one
    without a version is about each."""
    bare, _, _ = package_url.partition("?")
    named, _, _ = bare.rpartition("@")
    return bool(package_url) and any(matches_one(text, (pattern,)) for text in (package_url, bare, named or bare))
