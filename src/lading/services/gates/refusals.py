"""What is said where an enforcing policy does not let an image through, and verdicts as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lading.errors import Refused
from lading.services.findings.scanner import Finding
from lading.services.gates.policy import Action, Handling
from lading.services.gates.scans import Examined
from lading.services.gates.verdicts import Verdict
from lading.services.jobs.job import JsonObject

MOST_NAMED = 5
"""Findings in a sentence; the verdict has the others."""

MOST_TOLD = 100
"""Findings in one verdict as it is kept and told; it says how many there are."""

_DONE: Mapping[Action, str] = {Action.PULL: "pulled", Action.PUSH: "pushed", Action.PROMOTE: "promoted"}

_HOW_TO_SCAN: Mapping[Action, str] = {
    Action.PULL: "Choose a scanner for the environment in its settings, and pull again.",
    Action.PUSH: "Scan it first, in the service: POST /api/images/scan.",
    Action.PROMOTE: "Scan it first: pull it into an environment that has a scanner.",
}

_HOW_TO_JUDGE = (
    "Give the scan what it lacked, as newer advisories or another scanner, and try again. "
    "A policy may also only warn of it."
)


@dataclass(frozen=True, slots=True)
class Given:
    """A verdict, and of which image."""

    verdict: Verdict
    image: Examined

    @property
    def json(self) -> JsonObject:
        """For a job's result."""
        return verdict_json(self.verdict, self.image.name, self.image.platform)


class GateRefused(Refused):
    """An enforcing policy does not allow it. `given` are all verdicts, those of other policies and platforms too; the
    first that stops it is the reason."""

    def __init__(self, action: Action, image: str, given: Sequence[Given]) -> None:
        super().__init__(action, image, given)
        self.action, self.image, self.given = action, image, tuple(given)
        self.verdict = next(each.verdict for each in given if each.verdict.stops)
        self.hint = (
            "Move to a version without these, or have somebody make an exception with a reason and an end."
            if self.verdict.blocking
            else _HOW_TO_JUDGE
            if all(doubt.scanned for doubt in self.verdict.doubts if doubt.handling is Handling.BLOCK)
            else _HOW_TO_SCAN[action]
        )

    def __str__(self) -> str:
        reasons = [doubt.text for doubt in self.verdict.doubts if doubt.handling is Handling.BLOCK]
        if self.verdict.blocking:
            count = len(self.verdict.blocking)
            found = f"{count} findings, {_named(self.verdict.blocking)}" if count > 1 else _named(self.verdict.blocking)
            reasons.insert(0, found)
        return f"the policy {self.verdict.policy.name} does not let {self.image} be {_DONE[self.action]}: " + "; ".join(
            reasons
        )


def _named(blocking: Sequence[Finding]) -> str:
    named = ", ".join(_name(finding) for finding in blocking[:MOST_NAMED])
    more = len(blocking) - MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _name(finding: Finding) -> str:
    fixed = f", fixed in {finding.fixed_version}" if finding.fixed_version else ""
    return f"{finding.id} ({finding.severity} in {finding.package} {finding.version}{fixed})"


# ── as JSON


def verdict_json(verdict: Verdict, image: str, platform: str = "") -> dict[str, object]:
    """For a job's result and its terminal line. `doubts` are all that could not be judged, `warnings` those of them
    that the policy wants people to be warned of."""
    policy = verdict.policy
    told: dict[str, object] = {
        "policy": policy.name,
        "policyId": policy.id,
        "action": policy.action.value,
        "mode": policy.mode.value,
        "image": image,
        "allowed": verdict.allowed,
        "blocking": [blocking_json(finding) for finding in verdict.blocking[:MOST_TOLD]],
        "blocked": len(verdict.blocking),
        "suppressed": verdict.suppressed,
        "doubts": [doubt.text for doubt in verdict.doubts],
        "warnings": [doubt.text for doubt in verdict.doubts if doubt.handling is Handling.WARN],
    }
    return told | ({"platform": platform} if platform else {})


def blocking_json(finding: Finding) -> dict[str, object]:
    """What names a finding, as interfaces §2 spells it."""
    told: dict[str, object] = {
        "id": finding.id,
        "package": finding.package,
        "version": finding.version,
        "severity": finding.severity.value,
    }
    if finding.fixed_version is not None:
        told["fixedVersion"] = finding.fixed_version
    return told
