"""The images of an environment: lists, names, removal, archives out and in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from functools import partial
from hashlib import sha256
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from lading.fronts.rest_api.answers import Json, details_json, history_json, marked_json, pruned_json, summary_json
from lading.fronts.rest_api.bodies import PruneBody, TagBody
from lading.fronts.rest_api.dependencies import (
    ActorNeeded,
    CancelNeeded,
    ImageName,
    ProductNeeded,
    StreamsNeeded,
    actor_of,
)
from lading.fronts.rest_api.paging import ListNeeded, ordered_by
from lading.fronts.rest_api.routes.transfers import EnvironmentId, IdempotencyKey, KeyNeeded, keyed
from lading.fronts.rest_api.shapes.images import Arriving, HistoryStep, Image, ImageDetails, Pruned, Tagged
from lading.fronts.rest_api.shapes.jobs import ImportDone
from lading.fronts.rest_api.shapes.signatures import ImageSignatures
from lading.fronts.rest_api.streamed import StreamedAnswer
from lading.fronts.rest_api.told import array, file, listed, one, started
from lading.fronts.rest_api.waiting import answered
from lading.services.browsing.image_lists import ImageOrder, ImageQuery
from lading.services.environments.environment import ConnectionType
from lading.services.environments.new_names import new_name
from lading.services.environments.orders import PruneOrder
from lading.services.work.imports import LONGEST_PIECE, ImportBusy, ImportCommitted, ImportUnknown, PieceTooLong
from lading.wire.message import Reader

router = APIRouter(prefix="/api", tags=["images"])

PIECE = 1024 * 1024

ImageSort = Literal[
    "name",
    "-name",
    "created",
    "-created",
    "size",
    "-size",
    "severity",
    "-severity",
    "uniqueSize",
    "-uniqueSize",
]


@router.get("/images", responses=listed(Image))
def list_images(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    wanted: ListNeeded,
    environment: EnvironmentId = None,
    sort: Annotated[ImageSort | None, Query(description="With - the greatest first; unsaid, the newest.")] = None,
) -> object:
    """The images of an environment."""
    first, count = (0, None) if wanted.page is None else wanted.window
    order, descending = ordered_by(sort)
    query = ImageQuery(wanted.text, ImageOrder(order) if order else None, descending, first, count)
    page = product.image_lists.page(actor, environment, query, cancel)
    shown = [marked_json(summary_json(image), marks) for image, marks in page.images[: wanted.limit]]
    return wanted.answer(shown, page.total)


@router.post("/images/import", responses=started(ImportDone))
async def import_archive(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    actor: ActorNeeded,
    environment: EnvironmentId = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Load an image archive, docker's or OCI's, that is the body; the images keep the names in it."""
    arriving = await run_in_threadpool(product.imports.begin, actor, environment)
    hashed = sha256()

    def append(offset: int, piece: bytes) -> int:
        hashed.update(piece)
        return product.imports.append(actor_of(product, request), arriving, offset, piece)  # as it may now

    try:
        offset, piece = 0, bytearray()
        async for chunk in request.stream():
            piece += chunk
            if len(piece) >= PIECE:
                offset = await run_in_threadpool(append, offset, bytes(piece))
                piece.clear()
        if piece:
            await run_in_threadpool(append, offset, bytes(piece))
        key = keyed(request, idempotency_key, hashed.hexdigest()) if idempotency_key else None
        commit = partial(product.imports.commit, once=True)
        actor = await run_in_threadpool(actor_of, product, request)
        job = await run_in_threadpool(commit, actor, environment, arriving, key)
    except BaseException:
        with suppress(ImportBusy, ImportCommitted, ImportUnknown):  # who hung up may have committed it all the same
            await run_in_threadpool(product.imports.discard, actor, arriving)
        raise
    return await answered(request, product, streams, actor, job)


@router.post("/images/imports", status_code=201, responses=one(Arriving, 201))
def begin_import(product: ProductNeeded, actor: ActorNeeded, environment: EnvironmentId = None) -> Json:
    """Begin an archive that comes by pieces."""
    return {"id": product.imports.begin(actor, environment), "offset": 0}


@router.get("/images/imports/{id}", responses=one(Arriving))
def import_offset(product: ProductNeeded, actor: ActorNeeded, id: str) -> Json:  # noqa: A002  a row's own word
    """How many bytes have arrived: go on there."""
    return {"id": id, "offset": product.imports.size(actor, id)}


@router.patch("/images/imports/{id}", responses=one(Arriving))
async def append_import(
    request: Request,
    product: ProductNeeded,
    actor: ActorNeeded,
    id: str,  # noqa: A002  a row's own word
    offset: Annotated[int, Query(ge=0, description="Where this piece begins: where the archive ends so far.")],
) -> Json:
    """A piece of the archive, of at most 16 MiB."""
    piece = bytearray()
    async for chunk in request.stream():
        piece += chunk
        if len(piece) > LONGEST_PIECE:
            raise PieceTooLong
    arrived = await run_in_threadpool(product.imports.append, actor, id, offset, bytes(piece))
    return {"id": id, "offset": arrived}


@router.delete("/images/imports/{id}", status_code=204)
def discard_import(product: ProductNeeded, actor: ActorNeeded, id: str) -> Response:  # noqa: A002  a row's own word
    """Give the archive up."""
    product.imports.discard(actor, id)
    return Response(status_code=204)


@router.post("/images/imports/{id}/commit", responses=started(ImportDone))
async def commit_import(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    actor: ActorNeeded,
    id: str,  # noqa: A002  a row's own word
    key: KeyNeeded,
    environment: EnvironmentId = None,
) -> JSONResponse:
    """It is whole: load it."""
    job = await run_in_threadpool(product.imports.commit, actor, environment, id, key)
    return await answered(request, product, streams, actor, job)


@router.post("/prune/images", responses=one(Pruned))
def prune_images(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    environment: EnvironmentId = None,
    body: PruneBody = PruneBody(),  # noqa: B008  it is frozen
) -> Json:
    """Remove images that nobody needs: those without a name, or at a Docker host all that no container uses."""
    opened = product.environments.open(actor, environment)
    ours = opened.connection_type is ConnectionType.EMBEDDED  # where nothing runs, and a name is what says it is needed
    return pruned_json(opened.prune(PruneOrder(body.dangling or ours), cancel))


@router.post("/images/{image:path}/tag", status_code=201, responses=one(Tagged, 201))
def tag_image(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    image: ImageName,
    body: TagBody,
    environment: EnvironmentId = None,
) -> Json:
    """Give an image a further name; whatever had it loses it."""
    reference = new_name(body.repo, body.tag)
    product.environments.open(actor, environment).tag(image, reference, cancel)
    return {"tag": reference.familiar}


@router.get("/images/{image:path}/history", responses=array(HistoryStep))
def image_history(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    image: ImageName,
    environment: EnvironmentId = None,
) -> object:
    """The steps that made an image, newest first."""
    with product.removals.told(actor, environment):
        return history_json(product.environments.open(actor, environment).history(image, cancel))


@router.get("/images/{image:path}/signatures", responses=one(ImageSignatures))
def image_signatures(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    image: ImageName,
    environment: EnvironmentId = None,
) -> Json:
    """The signatures of an image under each of its names that a registry knows, asked for now, and what the server's
    trust policy makes of them. Nobody is waited for longer than 20 seconds."""
    with product.removals.told(actor, environment):
        return {"items": list(product.image_signatures.of(actor, environment, image, cancel))}


@router.get("/images/{image:path}/export", response_class=StreamingResponse, responses=file("application/x-tar"))
def export_image(
    product: ProductNeeded,
    actor: ActorNeeded,
    image: ImageName,
    environment: EnvironmentId = None,
    further: Annotated[
        list[str] | None, Query(alias="image", max_length=100, description="Further images for the same archive.")
    ] = None,
) -> StreamedAnswer:
    """A docker archive of an image, as a stream; one that breaks off ends the connection, so that it is seen."""
    with ExitStack() as opening:
        cancel = opening.enter_context(product.cancellation())
        opened = product.environments.open(actor, environment)
        reader = opening.enter_context(opened.export([image, *(further or ())], cancel))
        open_until_sent = opening.pop_all()
    name = image.rpartition("/")[2].translate({ord(each): "_" for each in '":@\\'})
    return StreamedAnswer(
        _sent(reader),
        open_until_sent.close,
        media_type="application/x-tar",
        headers={"Content-Disposition": f'attachment; filename="{name}.tar"'},
    )


@router.get("/images/{image:path}", responses=one(ImageDetails))
def get_image(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    image: ImageName,
    environment: EnvironmentId = None,
) -> Json:
    """One image, and what it is made of."""
    with product.removals.told(actor, environment):
        details, marks = product.image_lists.one(actor, environment, image, cancel)
    return marked_json(details_json(details), marks)


@router.delete("/images/{image:path}", responses=one(Pruned))
def remove_local_image(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    image: ImageName,
    environment: EnvironmentId = None,
    force: Annotated[bool, Query(description="Also an id that has several names.")] = False,
) -> Json:
    """Take a name away, or an image by its id; what only it held goes too."""
    return pruned_json(product.environments.open(actor, environment).remove(image, force, cancel))


async def _sent(reader: Reader) -> AsyncIterator[bytes]:
    """Piece by piece. What fails in between cuts the connection."""
    buffer = memoryview(bytearray(PIECE))
    while count := await run_in_threadpool(reader.readinto, buffer):
        yield bytes(buffer[:count])
