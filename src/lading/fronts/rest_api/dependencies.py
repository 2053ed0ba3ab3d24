"""What routes ask for: the product, who asks, and a Cancel.

What blocks is a plain function, which gets a thread; the rest runs on the loop, which costs a hundredth of that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, cast
from urllib.parse import unquote

from fastapi import Depends, Path, Request
from pydantic import AfterValidator

from lading.fronts.rest_api.audit_stream import AuditStream
from lading.fronts.rest_api.board_streams import BoardStreams
from lading.fronts.rest_api.cookies import session_of
from lading.fronts.rest_api.job_streams import JobStreams
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.threads import HostRoomNeeded
from lading.services.access import Actor
from lading.services.identity.authentication import Visit
from lading.wire.message import Cancel

ANSWER_SECONDS = 120.0
"""The longest that a request without a job may take: a dead host answers no sooner the longer one waits."""


TRIAL_SECONDS = 15.0
"""The same where somebody waits to learn whether a registry can be worked with."""


async def product_of(request: Request) -> Product:
    """Put there by `application`; Starlette's state knows no types."""
    return cast("Product", request.app.state.product)


async def streams_of(request: Request) -> JobStreams:
    """As `product_of`."""
    return cast("JobStreams", request.app.state.streams)


async def board_streams_of(request: Request) -> BoardStreams:
    """As `product_of`."""
    return cast("BoardStreams", request.app.state.board_streams)


async def visit_of(request: Request) -> Visit:
    """What the doorkeeper found out about it."""
    return _visit(request)


def _visit(request: Request) -> Visit:
    return Visit(request.state.address, request.state.request)


async def server_of(request: Request) -> str:
    """The URL by which others reach us: the configured one, or else how whoever asks does."""
    return cast("str", request.app.state.public_url or request.state.server)


async def audit_stream_of(request: Request) -> AuditStream:
    """As `product_of`."""
    return cast("AuditStream", request.app.state.audit_stream)


ProductNeeded = Annotated[Product, Depends(product_of)]


def actor_of(product: ProductNeeded, request: Request) -> Actor:
    """Who asks, perhaps nobody in particular. Raises LoginFailed, TooManyAttempts."""
    cookie, authorization = session_of(request), request.headers.get("authorization")
    return product.authenticator.authenticate(_visit(request), cookie, authorization)


async def cancel_of(product: ProductNeeded, room: HostRoomNeeded) -> AsyncIterator[Cancel]:
    """For what asks a host: once there is room for it, and over when the answer is."""
    async with room.taken():
        with product.cancellation(ANSWER_SECONDS) as cancel:
            yield cancel


async def trial_cancel_of(product: ProductNeeded, room: HostRoomNeeded) -> AsyncIterator[Cancel]:
    """As `cancel_of`, for a trial."""
    async with room.taken():
        with product.cancellation(TRIAL_SECONDS) as cancel:
            yield cancel


ImageName = Annotated[
    str, Path(description="An id, or a name with its slashes as they are or as %2F."), AfterValidator(unquote)
]
"""What the doorkeeper left encoded in a name is decoded here (`doorkeeper.routed`)."""

VisitNeeded = Annotated[Visit, Depends(visit_of)]
ServerNeeded = Annotated[str, Depends(server_of)]
AuditStreamNeeded = Annotated[AuditStream, Depends(audit_stream_of)]
StreamsNeeded = Annotated[JobStreams, Depends(streams_of)]
BoardStreamsNeeded = Annotated[BoardStreams, Depends(board_streams_of)]
ActorNeeded = Annotated[Actor, Depends(actor_of)]
CancelNeeded = Annotated[Cancel, Depends(cancel_of)]
TrialCancelNeeded = Annotated[Cancel, Depends(trial_cancel_of)]
