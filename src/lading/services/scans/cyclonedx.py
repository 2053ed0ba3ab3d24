"""CycloneDX 1.6, as JSON: what is installed in an image, and what is known to be wrong with it.

    metadata.component    the image
    components            its packages, one for each place in which one was found, and its distribution
    vulnerabilities       findings, each with the packages it is about; with what somebody answers for, `analysis` (VEX)

The serial number follows from what the document says of the image: the same twice has the same. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lading import __version__
from lading.inventory.layer import ImageInventory, Installed
from lading.inventory.package import OsRelease
from lading.inventory.package_urls import image_url, package_url
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.oci.instants import instant, moment_text
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.findings.scanner import Finding
from lading.services.gates.records import ExceptionRow
from lading.services.gates.statements import Justification, Status
from lading.services.web_links import web_link

Json = dict[str, object]

Answering = Callable[[Finding], ExceptionRow | None]
"""The exception that a finding is under, if there is one."""


@dataclass(frozen=True, slots=True)
class BillSubject:
    """The image that a document is about: `name` as people call it, `digest` of its manifest or, where only a daemon
    knows it, its config; `platform` in words."""

    name: str
    digest: Digest
    platform: str


def nobody_answers(finding: Finding) -> ExceptionRow | None:  # noqa: ARG001  Answering's
    """An Answering where there are no exceptions."""
    return None


def bill_of_materials(
    subject: BillSubject,
    inventory: ImageInventory | None,
    now: float,
    findings: Sequence[Finding] = (),
    answering: Answering = nobody_answers,
) -> Json:
    """`inventory` None: nobody read the image, and only packages with findings are known. `now` is seconds since
    1970."""
    components = _Components(inventory)
    vulnerabilities = [
        {"bom-ref": f"vulnerability-{place}", **_vulnerability(each, components.ref(each), answering(each))}
        for place, each in enumerate(findings, 1)
    ]
    image: Json = {
        "type": "container",
        "bom-ref": "image",
        "name": subject.name,
        "version": str(subject.digest),
        "purl": _image_url(subject),
        "properties": [_property("platform", subject.platform)],
    }
    listed = [*_distribution(inventory), *components.listed]
    body: Json = {"components": listed}
    if vulnerabilities:
        body["vulnerabilities"] = vulnerabilities
    body["dependencies"] = [{"ref": "image", "dependsOn": [each["bom-ref"] for each in listed]}]
    if components.incomplete:
        body["compositions"] = [{"aggregate": "incomplete", "assemblies": ["image"]}]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": _serial(Digest.of(json.dumps({"image": image, **body}).encode())),
        "version": 1,
        "metadata": {
            "timestamp": instant(now),
            "tools": {"components": [{"type": "application", "name": "lading", "version": __version__}]},
            "component": image,
        },
        **body,
    }


class _Components:
    """The packages of one document, each under a ref of its own."""

    def __init__(self, inventory: ImageInventory | None) -> None:
        self.incomplete = inventory is None or bool(inventory.notes)
        self.listed: list[Json] = []
        self._refs: dict[tuple[str, ...], str] = {}
        release = inventory.release if inventory is not None else None
        for installed in inventory.packages if inventory is not None else ():
            self._add(installed, release)

    def ref(self, finding: Finding) -> str:
        """Of the package that a finding is about; one that the inventory does not know is added."""
        found = (self._refs[key] for key in _keys_of(finding) if key in self._refs)
        ref = next(found, None)
        return ref if ref is not None else self._add_unknown(finding)

    def _add(self, installed: Installed, release: OsRelease | None) -> None:
        package, url = installed.package, package_url(installed.package, release)
        ref = f"package-{len(self.listed) + 1}"
        component: Json = {"type": "library", "bom-ref": ref, "name": package.name, "version": package.version}
        if package.namespace:
            component["group"] = package.namespace
        component["purl"] = url
        if package.licenses:
            component["licenses"] = [{"license": {"name": each}} for each in dict.fromkeys(package.licenses) if each]
        told = {"path": package.evidence, "layer": str(installed.layer), "ownedBy": installed.owned_by}
        component["properties"] = [_property(name, value) for name, value in told.items() if value]
        self.listed.append({name: value for name, value in component.items() if value})
        for key in ((url, package.evidence), (url,), (package.name, package.version)):
            self._refs.setdefault(key, ref)

    def _add_unknown(self, finding: Finding) -> str:
        ref = f"package-{len(self.listed) + 1}"
        component: Json = {"type": "library", "bom-ref": ref, "name": finding.package, "version": finding.version}
        if finding.purl:
            component["purl"] = finding.purl
        if finding.path:
            component["properties"] = [_property("path", finding.path)]
        self.listed.append(component)
        for key in _keys_of(finding):
            self._refs.setdefault(key, ref)
        return ref


def _keys_of(finding: Finding) -> Sequence[tuple[str, ...]]:
    """From the narrowest down."""
    by_url: list[tuple[str, ...]] = [(finding.purl, finding.path), (finding.purl,)] if finding.purl else []
    return [*by_url, (finding.package, finding.version)]


def _distribution(inventory: ImageInventory | None) -> Iterable[Json]:
    release = inventory.release if inventory is not None else None
    if release is not None and release.id:
        component = {"type": "operating-system", "bom-ref": "distribution", "name": release.id}
        yield {**component, **({"version": release.version_id} if release.version_id else {})}


# ── what is wrong

_SEVERITIES = {severity: severity.value for severity in Severity} | {Severity.NEGLIGIBLE: "info"}

_STATES = {
    Status.NOT_AFFECTED: "not_affected",
    Status.FIXED: "resolved",
    Status.ACCEPTED: "exploitable",
    Status.UNDER_INVESTIGATION: "in_triage",
    Status.AFFECTED: "exploitable",
}

_JUSTIFICATIONS = {
    Justification.COMPONENT_NOT_PRESENT: "code_not_present",
    Justification.VULNERABLE_CODE_NOT_PRESENT: "code_not_present",
    Justification.VULNERABLE_CODE_NOT_IN_EXECUTE_PATH: "code_not_reachable",
    Justification.VULNERABLE_CODE_CANNOT_BE_CONTROLLED_BY_ADVERSARY: "requires_environment",
    Justification.INLINE_MITIGATIONS_ALREADY_EXIST: "protected_by_mitigating_control",
}


def _vulnerability(finding: Finding, ref: str, answer: ExceptionRow | None) -> Json:
    rating: Json = {"severity": _SEVERITIES[finding.severity]}
    if finding.cvss is not None:
        rating["score"] = finding.cvss
    told: Json = {"id": finding.id}
    link = web_link(finding.link)
    if link is not None:
        told["source"] = {"url": link}
    if finding.aliases:
        told["references"] = [{"id": alias, "source": {"name": "alias"}} for alias in dict.fromkeys(finding.aliases)]
    told["ratings"] = [rating]
    if finding.description:
        told["description"] = finding.description
    if finding.fixed_version is not None:
        told["recommendation"] = f"Update {finding.package} to {finding.fixed_version}."
    told["published"] = moment_text(finding.published)
    if answer is not None:
        told["analysis"] = _analysis(answer)
    told["affects"] = [{"ref": ref, "versions": [{"version": finding.version, "status": "affected"}]}]
    told["properties"] = [_property("knownExploited", "true")] if finding.known_exploited else []
    return {name: value for name, value in told.items() if value}


def _analysis(answer: ExceptionRow) -> Mapping[str, object]:
    told: Json = {"state": _STATES[answer.status], "detail": answer.reason}
    if answer.justification is not None:
        told["justification"] = _JUSTIFICATIONS[answer.justification]
    return told


# ── names


def _property(name: str, value: str) -> Json:
    return {"name": f"lading:{name}", "value": value}


def _image_url(subject: BillSubject) -> str:
    """By its digest alone where its name is none of a repository."""
    try:
        repository = Reference.parse(subject.name).repository
    except ReferenceInvalid:
        return image_url(None, subject.digest)
    return image_url(repository, subject.digest)


def _serial(said: Digest) -> str:
    """A UUID whose digits follow from content: RFC 9562, version 8."""
    digits = said.encoded
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"
