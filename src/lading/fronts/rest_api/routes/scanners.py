"""Scanners: which of them can work here, and bringing their databases up to date."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.dependencies import ActorNeeded, CancelNeeded, ProductNeeded, StreamsNeeded
from lading.fronts.rest_api.routes.transfers import KeyNeeded
from lading.fronts.rest_api.scan_bodies import ScannerBody
from lading.fronts.rest_api.shapes.jobs import UpdateDone
from lading.fronts.rest_api.shapes.scans import Scanner
from lading.fronts.rest_api.told import array, started
from lading.fronts.rest_api.waiting import answered
from lading.services.scans.json import probe_json

router = APIRouter(prefix="/api/scanners", tags=["scans"])


@router.get("", responses=array(Scanner))
def scanners(product: ProductNeeded, actor: ActorNeeded, cancel: CancelNeeded) -> list[Json]:
    """Each scanner: whether it can work now and why not, its version, and of what time its data are."""
    probes = product.scanner_updates.probes(actor, cancel)
    return [probe_json(name, probe) for name, probe in probes.items()]


@router.post("/update", responses=started(UpdateDone))
async def update_scanners(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    actor: ActorNeeded,
    key: KeyNeeded,
    body: ScannerBody = ScannerBody(),  # noqa: B008  it is frozen
) -> JSONResponse:
    """Bring the database of one scanner up to date, or of all that are installed. Scans that run meanwhile go on with
    what they began with."""
    job = await run_in_threadpool(product.scanner_updates.start, actor, body.scanner, key)
    return await answered(request, product, streams, actor, job)
