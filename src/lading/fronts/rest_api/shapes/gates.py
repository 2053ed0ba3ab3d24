"""Policies, what they said, and exceptions."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from lading.inventory.severity import Severity
from lading.services.gates.policy import Action, Handling, Mode
from lading.services.gates.statements import Justification, Status


class Policy(TypedDict):
    """A policy; what is left open is null."""

    id: int
    name: str
    action: Action
    mode: Mode
    environments: list[int] | None
    repositories: list[str] | None
    registries: list[int] | None
    maxSeverity: Severity | None
    counts: Annotated[dict[str, int] | None, "How many of each severity may pass."]
    onlyFixed: bool
    minAgeDays: float | None
    compare: Annotated[str, "`none`, or `not_worse_than:<digest>`."]
    kevBlocks: bool
    unscanned: Handling | None
    scanFailed: Handling | None
    dbMaxAgeH: float | None


class Blocking(TypedDict):
    """A finding that a policy does not let pass."""

    id: str
    package: str
    version: str
    severity: Severity
    fixedVersion: NotRequired[str]


class Verdict(TypedDict):
    """What a policy said of an image that a job moved."""

    policy: str
    policyId: int
    action: Action
    mode: Mode
    image: str
    platform: NotRequired[str]
    allowed: bool
    blocking: Annotated[list[Blocking], "The first of them."]
    blocked: Annotated[int, "How many in all."]
    suppressed: int
    doubts: Annotated[list[str], "What could not be judged."]
    warnings: Annotated[list[str], "Those doubts that the policy wants people to be warned of."]


class VerdictRow(TypedDict):
    """What a policy said of an image that came or went, as it was kept."""

    id: int
    at: str
    policyId: int | None
    policy: str
    action: Action
    mode: Mode
    environmentId: int | None
    image: str
    imageId: str
    config: str | None
    platform: str
    username: str
    allowed: bool
    blocking: list[Blocking]
    blocked: int
    suppressed: int
    doubts: list[str]


class VulnerabilityException(TypedDict):
    """An answer for a vulnerability; what is left open is null."""

    id: int
    vulnerability: str
    packageUrl: str | None
    image: str | None
    status: Status
    justification: Justification | None
    reason: str
    author: str
    createdAt: str
    expires: str | None
    origin: Annotated[str | None, "The id of the OpenVEX document that brought it."]


class ExceptionsImported(TypedDict):
    """What an OpenVEX document brought."""

    id: str
    author: str
    exceptions: list[VulnerabilityException]
    leftOut: list[str]


OpenVex = TypedDict(
    "OpenVex",
    {
        "@context": str,
        "@id": str,
        "author": str,
        "timestamp": str,
        "version": int,
        "statements": list[dict[str, object]],
    },
)
"""An OpenVEX document."""
