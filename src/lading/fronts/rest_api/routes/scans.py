"""Scans: asked for, listed and compared; findings over all images; and which scanner looks (interfaces §2)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.dependencies import ActorNeeded, CancelNeeded, ProductNeeded, StreamsNeeded
from lading.fronts.rest_api.paging import Filter, Limit, PageNumber, paged, window
from lading.fronts.rest_api.routes.transfers import EnvironmentId, KeyNeeded
from lading.fronts.rest_api.scan_bodies import ScanBody, ScannerBody
from lading.fronts.rest_api.shapes.gates import OpenVex
from lading.fronts.rest_api.shapes.jobs import RematchDone, RoundDone, ScanDone
from lading.fronts.rest_api.shapes.scans import (
    FoundIn,
    Scan,
    ScanComparison,
    ScannerSetting,
    ScanSummary,
    SeverityCounts,
)
from lading.fronts.rest_api.threads import HostRoomNeeded
from lading.fronts.rest_api.told import array, choice, either, file, listed, one, started
from lading.fronts.rest_api.waiting import JSON, answered
from lading.inventory.severity import Severity
from lading.services.findings.rows import FindingQuery, ScanQuery
from lading.services.findings.scanner import ScanStatus
from lading.services.jobs.job import Job
from lading.services.scans.exports import ENDINGS, MEDIA_TYPES, ScanFormat
from lading.services.scans.jobs import ScanForm
from lading.services.scans.json import (
    compared_json,
    found_json,
    listed_json,
    scan_json,
    scanner_json,
    summary_json,
)
from lading.services.scans.scanner_settings import scanner_named

router = APIRouter(prefix="/api", tags=["scans"])

_FILES = tuple(kind for kind in MEDIA_TYPES.values() if kind != JSON)

Word = Annotated[str | None, Query(max_length=500)]
Environment = Annotated[int | None, Query(alias="env", ge=1, description="Only of this environment.")]


@router.post("/images/scan", responses=started(ScanDone))
async def scan_image(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    room: HostRoomNeeded,
    actor: ActorNeeded,
    key: KeyNeeded,
    environment: EnvironmentId = None,
    body: ScanBody = ScanBody(),  # noqa: B008  it is frozen
) -> JSONResponse:
    """Scan an image of an environment: by the scanner that is named, else the one that is set, else the best there is.
    What equal content came to over the same data is not looked for again."""
    form = ScanForm(body.image, body.scanner, body.platform)

    def start() -> Job:
        with product.cancellation() as cancel:
            return product.scan_jobs.start(actor, environment, form, key, cancel)

    return await answered(request, product, streams, actor, await room.run(start))


@router.get("/images/scan", responses=array(Scan))
def latest_scans(
    product: ProductNeeded,
    actor: ActorNeeded,
    image: Annotated[str | None, Query(max_length=4096, description="An image's name or id.")] = None,
    environment: EnvironmentId = None,
) -> list[Json]:
    """The newest scan of an image by each scanner; none where nobody looked."""
    return [scan_json(row) for row in product.scans.of_image(actor, environment, image)]


@router.get("/scans", responses=listed(ScanSummary))
def list_scans(
    product: ProductNeeded,
    actor: ActorNeeded,
    environment: Environment = None,
    image: Annotated[str | None, Query(max_length=4096, description="An image's name or id, whole.")] = None,
    scanner: Word = None,
    status: ScanStatus | None = None,
    filter: Filter = "",  # noqa: A002  the API's word
    page: PageNumber = None,
    limit: Limit = None,
) -> object:
    """Scans without their vulnerabilities, the newest first."""
    wanted = ScanQuery(_only(environment), text=filter, image=image, scanner=scanner, status=status)
    found = product.scans.scans(actor, wanted, *window(page, limit))
    return paged([listed_json(row) for row in found.rows], found.total, page, limit)


@router.post("/scans/rounds", responses=started(RoundDone))
async def scan_round(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    actor: ActorNeeded,
    key: KeyNeeded,
    environment: Environment = None,
) -> JSONResponse:
    """Scan all images, of one environment or of all, each by its environment's scanner."""
    job = await run_in_threadpool(product.scan_rounds.start, actor, environment, key)
    return await answered(request, product, streams, actor, job)


@router.post("/scans/rematch", responses=started(RematchDone))
async def rematch(
    request: Request, product: ProductNeeded, streams: StreamsNeeded, actor: ActorNeeded, key: KeyNeeded
) -> JSONResponse:
    """Hold what is installed in images that were scanned against the advisories as they are now: what Lading does by
    itself when they change. No image is read for it."""
    job = await run_in_threadpool(product.rematches.start, actor, key)
    return await answered(request, product, streams, actor, job)


@router.get("/scans/{id}", responses=one(Scan))
def get_scan(product: ProductNeeded, actor: ActorNeeded, id: int) -> Json:  # noqa: A002  a row's own word
    """One scan with its vulnerabilities."""
    return scan_json(product.scans.get(actor, id))


@router.get("/scans/{id}/export", response_class=Response, responses=either(choice(Scan, OpenVex), file(*_FILES)))
def export_scan(
    product: ProductNeeded,
    actor: ActorNeeded,
    id: int,  # noqa: A002  a row's own word
    format: Annotated[  # noqa: A002  the API's word
        ScanFormat, Query(description="json, csv, sarif, cyclonedx (with VEX) or openvex")
    ] = ScanFormat.JSON,
) -> Response:
    """One scan for other programs; what exceptions hide is there too, marked."""
    text = product.scan_exports.export(actor, id, format)
    name = f'attachment; filename="scan-{id}.{ENDINGS[format]}"'
    return Response(text, media_type=MEDIA_TYPES[format], headers={"Content-Disposition": name})


@router.get("/scans/{id}/compare/{other}", responses=one(ScanComparison))
def compare_scans(product: ProductNeeded, actor: ActorNeeded, id: int, other: int) -> Json:  # noqa: A002
    """What came and went from scan `id` to scan `other`, by the same scanner: of one image, or of two."""
    return compared_json(product.scans.compare(actor, id, other))


@router.get("/findings", responses=listed(FoundIn, summary=SeverityCounts))
def list_findings(
    product: ProductNeeded,
    actor: ActorNeeded,
    environment: Environment = None,
    severity: Annotated[list[Severity] | None, Query(description="Only of these severities.")] = None,
    id: Annotated[str | None, Query(max_length=500, description="A CVE, or any other name of it.")] = None,  # noqa: A002
    package: Word = None,
    fixable: Annotated[bool | None, Query(description="Whether a version without it is known.")] = None,
    suppressed: Annotated[bool | None, Query(description="Whether an exception hides it.")] = None,
    scanner: Word = None,
    filter: Filter = "",  # noqa: A002  the API's word
    page: PageNumber = None,
    limit: Limit = None,
) -> object:
    """Vulnerabilities of all images that are there, by their newest scans, the worst first. In a page, `summary` counts
    the whole list by severity."""
    wanted = FindingQuery(
        _only(environment),
        severities=frozenset(severity or ()),
        vulnerability=id,
        package=package,
        fixable=fixable,
        suppressed=suppressed,
        scanner=scanner,
        text=filter,
    )
    found = product.scans.findings(actor, wanted, *window(page, limit))
    answer = paged([found_json(each) for each in found.found], found.total, page, limit)
    return answer | {"summary": summary_json(found.counts)} if isinstance(answer, dict) else answer


@router.get("/settings/scanner", responses=one(ScannerSetting))
def get_scanner(
    product: ProductNeeded, actor: ActorNeeded, cancel: CancelNeeded, environment: Environment = None
) -> Json:
    """Which scanner looks at images of an environment, or of all that choose none; and which of them can."""
    return scanner_json(product.scanner_settings.get(actor, environment, cancel))


@router.put("/settings/scanner", responses=one(ScannerSetting))
def set_scanner(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    environment: Environment = None,
    body: ScannerBody = ScannerBody(),  # noqa: B008  it is frozen
) -> Json:
    """Choose a scanner for all environments, or for one; null there is the one for all."""
    product.scanner_settings.put(actor, environment, scanner_named(body.scanner))
    return scanner_json(product.scanner_settings.get(actor, environment, cancel))


def _only(environment: int | None) -> frozenset[int] | None:
    return None if environment is None else frozenset({environment})
