"""The audit trail: read, exported, followed and verified."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from lading.fronts.rest_api.answers import Json, verification_json
from lading.fronts.rest_api.dependencies import ActorNeeded, AuditStreamNeeded, ProductNeeded, actor_of
from lading.fronts.rest_api.paging import Filter, Limit, PageNumber, paged, window
from lading.fronts.rest_api.shapes.audit import AuditRecord, Verification
from lading.fronts.rest_api.told import array, either, events, file, listed, one
from lading.services.audit.audit import Result
from lading.services.audit.export import Format, row_json
from lading.services.audit.records import AuditFilter
from lading.services.audit.view import Sight
from lading.wire.event_stream import HEADERS, last_event_id

router = APIRouter(prefix="/api/audit", tags=["audit"])

_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON_LINES: "application/jsonl",
}

Word = Annotated[str | None, Query(max_length=500)]
Instant = Annotated[datetime | None, Query(description="ISO 8601, in UTC where it names no zone.")]


def wanted_of(
    username: Word = None,
    action: Word = None,
    entity_type: Annotated[str | None, Query(alias="entityType", max_length=50)] = None,
    entity_id: Annotated[str | None, Query(alias="entityId", max_length=500)] = None,
    entity_name: Annotated[str | None, Query(alias="entityName", max_length=500)] = None,
    environment: Annotated[int | None, Query(alias="env", ge=1)] = None,
    result: Result | None = None,
    since: Instant = None,
    until: Instant = None,
    filter: Filter = "",  # noqa: A002
) -> AuditFilter:
    """Which records; what is not said leaves that question open."""
    return AuditFilter(
        actor=username,
        action=action,
        entity_type=entity_type,
        entity_id=entity_id,
        entity_name=entity_name,
        environment=environment,
        result=result,
        since=_seconds(since),
        until=_seconds(until),
        text=filter,
    )


def _seconds(instant: datetime | None) -> float | None:
    if instant is None:
        return None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


Wanted = Annotated[AuditFilter, Depends(wanted_of)]


@router.get("", responses=listed(AuditRecord))
def list_records(
    product: ProductNeeded, actor: ActorNeeded, wanted: Wanted, page: PageNumber = None, limit: Limit = None
) -> object:
    """Records, the newest first."""
    found = product.audit.page(actor, wanted, *window(page, limit))
    return paged([row_json(row) for row in found.rows], found.total, page, limit)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=either(array(AuditRecord), file("text/csv", "application/jsonl")),
)
def export_records(
    product: ProductNeeded,
    actor: ActorNeeded,
    wanted: Wanted,
    format: Annotated[Format, Query(description="json, csv or jsonl")] = Format.JSON,  # noqa: A002
) -> StreamingResponse:
    """All records that are wanted, the oldest first."""
    pieces: Iterator[str] = product.audit.export(actor, wanted, format)
    name = f'attachment; filename="audit.{format.value}"'
    return StreamingResponse(pieces, media_type=_TYPES[format], headers={"Content-Disposition": name})


@router.get("/events", response_class=StreamingResponse, responses=events(AuditRecord))
async def follow_records(
    request: Request,
    product: ProductNeeded,
    actor: ActorNeeded,
    stream: AuditStreamNeeded,
    wanted: Wanted,
    last_event: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> StreamingResponse:
    """Records as they come, as server-sent events; with Last-Event-ID from there on."""
    first = last_event_id(last_event) or await run_in_threadpool(product.audit.newest, actor)
    await run_in_threadpool(product.audit.sight, actor, wanted)

    def sight() -> Sight:
        """Asks again who follows: what was taken away while the stream is open is gone as soon as anywhere else."""
        return product.audit.sight(actor_of(product, request), wanted)

    events: AsyncIterator[bytes] = stream.follow(sight, first)
    return StreamingResponse(events, headers=HEADERS)


@router.get("/verify", responses=one(Verification))
def verify_records(product: ProductNeeded, actor: ActorNeeded) -> Json:
    """Whether the chain of seals is whole."""
    return verification_json(product.audit.verify(actor))
