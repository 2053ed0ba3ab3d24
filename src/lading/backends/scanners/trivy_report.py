"""What trivy says, `trivy image --format json` (trivy, pkg/types): results by target, each with its vulnerabilities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from lading.backends.scanners.fixed_versions import lowest_above
from lading.backends.scanners.report_reading import (
    NAMES_LIMIT,
    WORDS_LIMIT,
    Object,
    Report,
    ReportUnreadable,
    digest,
    inner,
    inside,
    moment,
    number,
    objects,
    once,
    purl_type,
    severity,
    text,
    texts,
)
from lading.inventory.fix_state import FixState
from lading.services.findings.scanner import Coverage, Finding
from lading.services.web_links import web_link

NAME = "trivy"

_SCHEMA = 2

_STATUSES = {
    "fixed": FixState.FIXED,
    "affected": FixState.NOT_FIXED,
    "fix_deferred": FixState.NOT_FIXED,
    "will_not_fix": FixState.WONT_FIX,
    "end_of_life": FixState.WONT_FIX,
}

_GATHERED = frozenset({"Python", "Conda", "Ruby", "Node.js", "Java", "Kubernetes"})
"""Targets that are no path: trivy puts packages of a kind together there (pkg/scan/langpkg)."""

_UNKNOWN = "none"
"""The family of packages whose distribution nothing names."""

_ONLY_LISTED = frozenset({"conda-pkg", "conda-environment", "julia"})
"""Kinds of packages that trivy lists and holds against no data."""

_SAME_THING = ("CVE-", "GHSA-", "PYSEC-", "GO-", "RUSTSEC-", "MAL-")
"""Names of one vulnerability; other ids of vendors (RHSA, DSA, ALAS) are of advisories, which speak of several."""

_TYPES = {
    "python-pkg": "pypi",
    "pip": "pypi",
    "pipenv": "pypi",
    "poetry": "pypi",
    "uv": "pypi",
    "node-pkg": "npm",
    "yarn": "npm",
    "pnpm": "npm",
    "bun": "npm",
    "gobinary": "golang",
    "gomod": "golang",
    "rustbinary": "cargo",
    "jar": "maven",
    "pom": "maven",
    "gradle": "maven",
    "gemspec": "gem",
    "bundler": "gem",
    "dotnet-core": "nuget",
    "composer-vendor": "composer",
    "debian": "deb",
    "ubuntu": "deb",
    "alpine": "apk",
    "wolfi": "apk",
    "chainguard": "apk",
    "minimos": "apk",
}
"""Trivy's own words, where a finding has no package URL; every other distribution has rpms."""


def read_report(document: Object) -> Report:
    """Raises ReportUnreadable."""
    if document.get("SchemaVersion") != _SCHEMA:
        raise ReportUnreadable(f"its SchemaVersion is not {_SCHEMA}")
    results = objects(document, "Results")
    findings = once(_finding(result, each) for result in results for each in objects(result, "Vulnerabilities"))
    listed, blind = _listed(results), _blind(document, results)
    packages = sum(listed.values())
    left = {kind: count for kind, count in listed.items() if kind in _ONLY_LISTED and count}
    coverage = Coverage(
        distribution=_distribution(document),
        packages=packages,
        matched=packages - sum(left.values()),
        not_evaluated=left,
        notes=tuple(_notes(document, blind, left)),
    )
    return Report(findings, coverage, partial=bool(blind or left))


def _finding(result: Object, found: Object) -> Finding:
    purl = text(inner(found, "PkgIdentifier"), "PURL")
    kind = purl_type(purl) or _type_of(result)
    installed = text(found, "InstalledVersion")
    candidates = [each.strip() for each in text(found, "FixedVersion").split(",")]
    fixed = lowest_above(kind, installed, [each for each in candidates if each])
    return Finding(
        id=text(found, "VulnerabilityID"),
        severity=severity(found, "Severity"),
        package=text(found, "PkgName"),
        version=installed,
        fixed_version=fixed,
        description=text(found, "Description", WORDS_LIMIT) or text(found, "Title", WORDS_LIMIT),
        aliases=tuple(each for each in texts(found, "VendorIDs") if each.startswith(_SAME_THING))[:NAMES_LIMIT],
        type=kind,
        purl=purl,
        fix_state=_STATUSES.get(text(found, "Status"), FixState.FIXED if fixed else FixState.UNKNOWN),
        cvss=_score(found),
        link=web_link(text(found, "PrimaryURL")) or "",
        path=_path(result, found),
        layer=digest(inner(found, "Layer"), "DiffID"),
        published=moment(found, "PublishedDate"),
        scanners=(NAME,),
    )


def _type_of(result: Object) -> str:
    kind = text(result, "Type")
    return _TYPES.get(kind, "rpm" if text(result, "Class") == "os-pkgs" else kind)


def _score(found: Object) -> float | None:
    """By whoever rated the severity, else the highest of all."""
    sources = inner(found, "CVSS")
    scores = {name: max(_scores(inner(sources, name)), default=0.0) for name in sources}
    chosen = scores.get(text(found, "SeveritySource")) or max(scores.values(), default=0.0)
    return chosen or None


def _scores(source: Object) -> Iterator[float]:
    for name in ("V3Score", "V40Score"):
        if (score := number(source, name)) is not None:
            yield score


def _path(result: Object, found: Object) -> str:
    """Where the package is, else the file that says so; a distribution's packages are in no file of their own."""
    target = text(result, "Target")
    of_file = text(result, "Class") == "lang-pkgs" and target not in _GATHERED
    return inside(text(found, "PkgPath") or (target if of_file else ""))


def _listed(results: Sequence[Object]) -> Mapping[str, int]:
    """How many packages it looked at, by kind: those it lists, and in reports without lists those it found wrong."""
    counted: Counter[str] = Counter()
    for result in results:
        wrong = {(text(each, "PkgName"), text(each, "InstalledVersion")) for each in objects(result, "Vulnerabilities")}
        counted[text(result, "Type")] += len(objects(result, "Packages")) or len(wrong)
    return counted


def _blind(document: Object, results: Sequence[Object]) -> str:
    """The distribution, where trivy does not know it: then there is no result of its packages (pkg/scan/local)."""
    known = any(text(result, "Class") in {"os-pkgs", ""} for result in results)
    return "" if known else _distribution(document)


def _distribution(document: Object) -> str:
    system = inner(inner(document, "Metadata"), "OS")
    family = text(system, "Family")
    if family == _UNKNOWN:
        return "an unknown distribution"
    return " ".join(word for word in (family, text(system, "Name")) if word)


def _notes(document: Object, blind: str, left: Mapping[str, int]) -> Iterator[str]:
    if not _distribution(document):
        yield "trivy recognised no distribution."
    if blind:
        yield f"Not assessed: trivy has no data of {blind}; its packages were held against none."
    for kind, count in left.items():
        yield f"Not assessed: {count} packages of the kind {kind}, of which trivy has no data."
    if inner(inner(document, "Metadata"), "OS").get("EOSL") is True:
        yield f"{_distribution(document)} is no longer supported."
