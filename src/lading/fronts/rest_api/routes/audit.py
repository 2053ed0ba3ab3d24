"""The audit trail: read, exported, followed and verified."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from lading.fronts.rest_api.answers import Json, verification_json
from lading.fronts.rest_api.audit_stream import AuditStream
from lading.fronts.rest_api.dependencies import ActorNeeded, AuditStreamNeeded, ProductNeeded
from lading.fronts.rest_api.paging import MOST, Limit, PageNumber, paged
from lading.services.audit import Result
from lading.services.audit_export import Format, row_json
from lading.services.audit_records import AuditFilter
from lading.wire.event_stream import HEADERS, last_event_id

router = APIRouter(prefix="/api/audit", tags=["audit"])

_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON_LINES: "application/jsonl",
}

Word = Annotated[str | None, Query(max_length=500)]
Second = Annotated[float | None, Query(description="Seconds since 1970.")]


def wanted_of(
    username: Word = None,
    action: Word = None,
    entity_type: Annotated[str | None, Query(alias="entityType", max_length=50)] = None,
    entity_id: Annotated[str | None, Query(alias="entityId", max_length=500)] = None,
    entity_name: Annotated[str | None, Query(alias="entityName", max_length=500)] = None,
    environment: Annotated[int | None, Query(alias="env", ge=1)] = None,
    result: Result | None = None,
    since: Second = None,
    until: Second = None,
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
        since=since,
        until=until,
    )


Wanted = Annotated[AuditFilter, Depends(wanted_of)]


@router.get("")
def list_records(
    product: ProductNeeded, actor: ActorNeeded, wanted: Wanted, page: PageNumber = None, limit: Limit = MOST
) -> object:
    """Records, the newest first."""
    found = product.audit.page(actor, wanted, ((page or 1) - 1) * limit, limit)
    items = [row_json(row) for row in found.rows]
    return items if page is None else paged(items, found.total, page, limit)


@router.get("/export", response_class=StreamingResponse)
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


@router.get("/events", response_class=StreamingResponse)
async def follow_records(
    product: ProductNeeded,
    actor: ActorNeeded,
    stream: AuditStreamNeeded,
    wanted: Wanted,
    last_event: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> StreamingResponse:
    """Records as they come, as server-sent events; with Last-Event-ID from there on."""
    first = last_event_id(last_event)
    if not first:
        newest = await run_in_threadpool(product.audit.page, actor, AuditFilter(), 0, 1)
        first = newest.rows[0].id if newest.rows else 0
    await run_in_threadpool(product.audit.after, actor, first, 1, wanted)

    def read(after: int) -> list[tuple[int, Json]]:
        return [(row.id, row_json(row)) for row in product.audit.after(actor, after, AuditStream.READ_AT_ONCE, wanted)]

    events: AsyncIterator[bytes] = stream.follow(read, first)
    return StreamingResponse(events, headers=HEADERS)


@router.get("/verify")
def verify_records(product: ProductNeeded, actor: ActorNeeded) -> Json:
    """Whether the chain of seals is whole."""
    return verification_json(product.audit.verify(actor))
