"""The audit trail: what was tried, by whom, and how it ended.

An attempt that is admitted is recorded as `started` (or at once as `done`, where it is over in the same breath), one
that is not as `denied`; its end is a second record. Records are appended and never changed; a sealer chains them
afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from lading.services.access import Actor


class Result(StrEnum):
    """How an attempt stands."""

    STARTED = "started"
    DENIED = "denied"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Deed:
    """What was tried: `action` on an entity (interfaces §2, Audit). `details` are JSON values and hold no secret."""

    action: str
    entity_type: str
    entity_id: str
    entity_name: str
    environment: int | None = None
    details: Mapping[str, object] = field(default_factory=dict)


def row_deed(
    action: str,
    entity_type: str,
    id: int | None = None,  # noqa: A002  a row's own word
    name: str = "",
    details: Mapping[str, object] | None = None,
) -> Deed:
    """What is tried with a row, or, where `id` is None, with all of its kind, or one that is yet to come."""
    return Deed(action, entity_type, "" if id is None else str(id), name, details=details or {})


class Trail(Protocol):
    """Takes records. They are durable when this returns."""

    def record(self, actor: Actor, deed: Deed, result: Result) -> None:
        """Raises StorageFailed: what cannot be recorded is not done."""
