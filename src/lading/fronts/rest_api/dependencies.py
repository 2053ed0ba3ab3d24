"""What routes ask for: the product, who asks, and a Cancel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, cast

from fastapi import Depends, Request

from lading.fronts.rest_api.audit_stream import AuditStream
from lading.fronts.rest_api.cookies import session_of
from lading.fronts.rest_api.job_streams import JobStreams
from lading.fronts.rest_api.product import Product
from lading.services.access import Actor
from lading.services.authentication import Visit
from lading.wire.message import Cancel

ANSWER_SECONDS = 120.0
"""The longest that a request without a job may take: a dead host answers no sooner the longer one waits."""


def product_of(request: Request) -> Product:
    """Put there by `application`; Starlette's state knows no types."""
    return cast("Product", request.app.state.product)


def streams_of(request: Request) -> JobStreams:
    """As `product_of`."""
    return cast("JobStreams", request.app.state.streams)


def visit_of(request: Request) -> Visit:
    """What the doorkeeper found out about it."""
    return Visit(request.state.address, request.state.request)


def secure_of(request: Request) -> bool:
    """Whether the browser speaks TLS with us, or with a proxy that we trust."""
    return bool(request.state.secure)


def audit_stream_of(request: Request) -> AuditStream:
    """As `product_of`."""
    return cast("AuditStream", request.app.state.audit_stream)


ProductNeeded = Annotated[Product, Depends(product_of)]


def actor_of(product: ProductNeeded, request: Request) -> Actor:
    """Who asks, perhaps nobody in particular. Raises LoginFailed, TooManyAttempts."""
    cookie, authorization = session_of(request), request.headers.get("authorization")
    return product.authenticator.authenticate(visit_of(request), cookie, authorization)


def cancel_of(product: ProductNeeded) -> Iterator[Cancel]:
    """Over when the answer is."""
    with product.cancellation(ANSWER_SECONDS) as cancel:
        yield cancel


VisitNeeded = Annotated[Visit, Depends(visit_of)]
SecureNeeded = Annotated[bool, Depends(secure_of)]
AuditStreamNeeded = Annotated[AuditStream, Depends(audit_stream_of)]
StreamsNeeded = Annotated[JobStreams, Depends(streams_of)]
ActorNeeded = Annotated[Actor, Depends(actor_of)]
CancelNeeded = Annotated[Cancel, Depends(cancel_of)]
