"""What grype says, `grype -o json` (grype, presenter/models): matches of a vulnerability with an artifact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
from lading.inventory.aliases import is_cve
from lading.inventory.fix_state import FixState
from lading.services.findings.scanner import Coverage, Finding
from lading.services.web_links import web_link

NAME = "grype"

_FIX_STATES = {
    "fixed": FixState.FIXED,
    "not-fixed": FixState.NOT_FIXED,
    "wont-fix": FixState.WONT_FIX,
}

_PROVIDERS = {
    "redhat": "rhel",
    "centos": "rhel",
    "rockylinux": "rhel",
    "scientific": "rhel",
    "almalinux": "alma",
    "amazonlinux": "amazon",
    "oraclelinux": "oracle",
    "archlinux": "arch",
    "azurelinux": "mariner",
    "raspbian": "debian",
    "postmarketos": "alpine",
}
"""Whose data are those of a distribution, where they are called otherwise (grype, distro/type.go)."""

_WITHOUT_PACKAGES = {"", "busybox"}


def read_report(document: Object, packages: int | None) -> Report:
    """`packages`: how many grype logged to have gathered; its report does not say it. Raises ReportUnreadable."""
    if not isinstance(document.get("matches"), list):
        raise ReportUnreadable("it has no matches")
    status = inner(inner(inner(document, "descriptor"), "db"), "status")
    built = moment(status, "built")
    notes = tuple(_notes(document, packages))
    blind = _without_data(document)
    coverage = Coverage(
        distribution=_distribution(document),
        packages=packages or 0,
        matched=0 if blind else packages or 0,
        notes=notes,
    )
    findings = once(_finding(match) for match in objects(document, "matches"))
    version = text(inner(document, "descriptor"), "version")
    return Report(findings, coverage, partial=bool(blind), version=version, built=built)


def _finding(match: Object) -> Finding:
    vulnerability, artifact = inner(match, "vulnerability"), inner(match, "artifact")
    related = objects(match, "relatedVulnerabilities")
    name, aliases = _names(text(vulnerability, "id"), [text(each, "id") for each in related])
    place = next(iter(objects(artifact, "locations")), {})
    purl = text(artifact, "purl")
    return Finding(
        id=name,
        severity=severity(vulnerability, "severity"),
        package=text(artifact, "name"),
        version=text(artifact, "version"),
        fixed_version=_fixed(match, inner(vulnerability, "fix")),
        description=_first(text(each, "description", WORDS_LIMIT) for each in (vulnerability, *related)),
        aliases=aliases,
        type=purl_type(purl) or text(artifact, "type"),
        purl=purl,
        fix_state=_FIX_STATES.get(text(inner(vulnerability, "fix"), "state"), FixState.UNKNOWN),
        cvss=_score([vulnerability]) or _score(related),
        link=_first(
            web_link(each) or "" for each in (text(vulnerability, "dataSource"), *texts(vulnerability, "urls"))
        ),
        path=inside(text(place, "path")),
        layer=digest(place, "layerID"),
        known_exploited=any(objects(each, "knownExploited") for each in (vulnerability, *related)),
        scanners=(NAME,),
    )


def _names(name: str, related: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """The CVE where there is just one: an advisory of several keeps its own name, and is told beside each of them."""
    others = dict.fromkeys(each for each in related if each and each != name)
    found = [each for each in others if is_cve(each)]
    if is_cve(name) or len(found) != 1:
        return name, tuple(others)[:NAMES_LIMIT]
    return found[0], (name, *(each for each in others if each != found[0]))[:NAMES_LIMIT]


def _fixed(match: Object, fix: Object) -> str | None:
    """`fix.versions` go upward and may begin below what is installed, so what grype suggests counts; grypes before
    March 2025 suggest nothing, and the last one is surely above."""
    suggested = (text(inner(detail, "fix"), "suggestedVersion") for detail in objects(match, "matchDetails"))
    return _first((*suggested, *reversed(texts(fix, "versions")))) or None


def _score(sources: Iterable[Object]) -> float | None:
    scores = (
        number(inner(each, "metrics"), "baseScore")
        for source in sources
        for each in objects(source, "cvss")
        if text(each, "version")[:1] != "2"
    )
    return max((score for score in scores if score), default=None)


def _first(candidates: Iterable[str]) -> str:
    return next((each for each in candidates if each), "")


def _distribution(document: Object) -> str:
    distro = inner(document, "distro")
    return " ".join(word for word in (text(distro, "name"), text(distro, "version")) if word)


def _without_data(document: Object) -> str:
    """The distribution, where no provider's data are of it: then grype is silent about its packages. Databases that
    name no providers tell nothing."""
    name = text(inner(document, "distro"), "name").lower()
    providers = inner(inner(inner(document, "descriptor"), "db"), "providers")
    if name in _WITHOUT_PACKAGES or not providers or _PROVIDERS.get(name, name) in providers or name in providers:
        return ""
    return _distribution(document)


def _notes(document: Object, packages: int | None) -> Iterator[str]:
    if packages is None:
        yield "grype did not say how many packages it looked at."
    if not _distribution(document):
        yield "grype recognised no distribution."
    if blind := _without_data(document):
        yield f"Not assessed: grype's database has nothing of {blind}; its packages were held against no data."
    ended = [alert for each in objects(document, "alertsByPackage") for alert in objects(each, "alerts")]
    if count := sum(text(alert, "type") == "distro-eol" for alert in ended):
        yield f"{count} packages are of a distribution that is no longer supported: {_distribution(document)}."
