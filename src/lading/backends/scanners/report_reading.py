"""Reports of scanners as values: read at the door, doubted, bounded. Nothing here knows one scanner from another.

A report is the answer of a program that read a hostile image, so any text in it may be anything: it is cut to a length,
and freed of what no database or terminal takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lading.backends.scanners.failures import storing
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.oci.instants import parse_instant
from lading.services.findings.scanner import Coverage, Finding, FindingKey
from lading.services.scans.merging import joined

REPORT_LIMIT = 128 * 1024 * 1024
"""Bytes: a report of 40 MB has been seen, one of this size is no report."""

NAME_LIMIT, WORDS_LIMIT, NAMES_LIMIT = 500, 64 * 1024, 50
"""Characters of an id, a name or a version; and of a description. Aliases of one finding."""

Object = Mapping[str, object]
NOTHING: Object = {}


class ReportUnreadable(ValueError):
    """A report that is none, is cut off, or is of another form."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a scanner found and looked at. `partial`: something was not held against any data; the notes say what."""

    findings: tuple[Finding, ...]
    coverage: Coverage
    partial: bool = False
    version: str = ""
    built: float | None = None


def read_document(path: Path) -> Object:
    """The one JSON object in this file; lines of a log before it are passed over. Raises ReportUnreadable,
    FolderUnusable."""
    if not path.is_file():
        raise ReportUnreadable("it wrote none")
    with storing(path), path.open("rb") as file:
        content = file.read(REPORT_LIMIT + 1)
    if len(content) > REPORT_LIMIT:
        raise ReportUnreadable(f"it is longer than {REPORT_LIMIT} bytes")
    return parse_document(content)


def parse_document(content: bytes) -> Object:
    """Of the same. Raises ReportUnreadable."""
    begin = 0 if content.startswith(b"{") else content.find(b"\n{") + 1
    if not content.startswith(b"{", begin):
        raise ReportUnreadable("it is empty" if not content.strip() else "it is no JSON object")
    try:
        document = json.loads(content[begin:].decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise ReportUnreadable("it is cut off, or no JSON") from error
    assert isinstance(document, dict)  # what begins with a brace and is JSON is an object
    return document


def inner(members: Object, name: str) -> Object:
    """An object in it; an empty one where there is none."""
    value = members.get(name)
    return value if isinstance(value, dict) else NOTHING


def objects(members: Object, name: str) -> Sequence[Object]:
    """The objects of a list in it."""
    value = members.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def texts(members: Object, name: str) -> Sequence[str]:
    """The texts of a list in it."""
    value = members.get(name)
    return [clean(each, NAME_LIMIT) for each in value if isinstance(each, str)] if isinstance(value, list) else []


def text(members: Object, name: str, limit: int = NAME_LIMIT) -> str:
    """A text in it, empty where there is none."""
    value = members.get(name)
    return clean(value, limit) if isinstance(value, str) else ""


def number(members: Object, name: str) -> float | None:
    """A number in it that is one."""
    value = members.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def moment(members: Object, name: str) -> float | None:
    """A time in it in seconds since 1970; None where there is none."""
    return parse_instant(text(members, name))


def severity(members: Object, name: str) -> Severity:
    """A word of our scale in it, however it is spelled; unknown where there is none."""
    try:
        return Severity(text(members, name).lower())
    except ValueError:
        return Severity.UNKNOWN


def purl_type(purl: str) -> str:
    """The type of a package URL; empty where it is none."""
    return purl.removeprefix("pkg:").partition("/")[0] if purl.startswith("pkg:") else ""


def digest(members: Object, name: str) -> Digest | None:
    """A digest in it, None where there is none that is one."""
    return Digest.if_valid(text(members, name))


def clean(written: str, limit: int) -> str:
    """Without halves of characters and without NUL, which databases refuse, and not longer than so many characters."""
    return written[:limit].encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def inside(path: str) -> str:
    """A path in the image as we write it: without a leading slash."""
    return path.lstrip("/")


def once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once: what is said twice of one package in one place is one, with the worse severity and all names.

    In the order of their first mention.
    """
    kept: dict[FindingKey, Finding] = {}
    for finding in findings:
        first = kept.get(finding.key)
        kept[finding.key] = finding if first is None else _said_twice(first, finding)
    return tuple(kept.values())


def _said_twice(first: Finding, second: Finding) -> Finding:
    told = joined(first, (second,))
    return replace(told, aliases=told.aliases[:NAMES_LIMIT])
