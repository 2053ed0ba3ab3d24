"""The audit trail."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from lading.services.audit.audit import Result


class AuditRecord(TypedDict):
    """Who did what, with what, and how it ended."""

    id: int
    createdAt: str
    username: str
    action: str
    entityType: str
    entityId: str
    entityName: str
    environmentId: int | None
    result: Result
    details: dict[str, object]
    ipAddress: str
    requestId: str


class SealedHead(TypedDict):
    """The newest sealed record."""

    id: int
    seal: str


class BrokenSeal(TypedDict):
    """Where the chain of seals breaks."""

    id: int
    reason: str


class UnsealedTail(TypedDict):
    """Records that no seal covers yet."""

    rows: int
    ids: Annotated[list[int] | None, "The first and the last."]


class Verification(TypedDict):
    """What a walk along the chain of seals found."""

    sound: bool
    rows: int
    head: NotRequired[SealedHead]
    broken: NotRequired[BrokenSeal]
    gaps: Annotated[list[list[int]], "Ids that are not there: first and last of each gap."]
    unsealed: UnsealedTail
    endKnownSince: NotRequired[int]
