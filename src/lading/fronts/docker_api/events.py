"""`docker events`: what is done to images, as it happens: one object a line."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from itertools import takewhile

from lading.errors import LadingError
from lading.fronts.docker_api.answers import JSON
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.shapes_events import FILTERS, event_json, passes
from lading.fronts.docker_api.streams import Streamed
from lading.fronts.http.exchange import Answer
from lading.services.environment_images import ImageEvent
from lading.wire.docker_query import Filters, read_moment
from lading.wire.message import Cancel

log = logging.getLogger("lading.docker")

_SEQUENCE, _LINES = "application/json-seq", "application/x-ndjson"


def events(product: DockerProduct, request: DockerRequest) -> Answer:
    """For as long as the client listens and may see what it saw when it came, or until the moment it names."""
    query, now = request.query, product.clock()
    filters = query.filters(*FILTERS)
    since = read_moment(query.one("since"), now) if query.one("since") else None
    until = read_moment(query.one("until"), now) if query.one("until") else None
    environment = request.open(product)
    found = product.events.follow(request.actor, environment, since, until, request.cancel)
    media_type = _media_type(request.header("accept"))
    start = "\x1e" if media_type == _SEQUENCE else ""
    still = takewhile(lambda event: event is None or _may_still(product, request), found)

    def labels(event: ImageEvent) -> Mapping[str, str]:
        if not event.image:
            return {}
        return environment.labels(event.image, request.cancel, partial(product.events.once, environment.id, event))

    written = _written(still, labels, filters, start, request.cancel)
    return Answer(200, (("Content-Type", media_type),), Streamed(written, found.close), ends_with_input=True)


def _may_still(product: DockerProduct, request: DockerRequest) -> bool:
    """Whether it is let in as it was: somebody may have been switched off meanwhile, or given other roles. Who comes
    again is told why."""
    try:
        return product.doorkeeper(request.incoming).grants == request.actor.grants
    except LadingError as error:
        log.info("a follower of events was sent away: %s", error)
        return False


def _written(
    found: Iterator[ImageEvent | None],
    labels: Callable[[ImageEvent], Mapping[str, str]],
    filters: Filters,
    start: str,
    cancel: Cancel,
) -> Generator[bytes, None, None]:
    """The head goes out at once: clients wait for it before they listen. Labels are looked up as an event is told: the
    trail keeps none, and of an image that is gone nobody knows them."""
    yield b""
    for event in found:
        cancel.check()
        if event is None:
            continue
        written = event_json(event, labels(event))
        if passes(written, filters):
            yield f"{start}{json.dumps(written, separators=(',', ':'))}\n".encode()


def _media_type(accept: str) -> str:
    """JSON, unless the client asks for one of the forms that say where an object ends."""
    taken = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    return next((each for each in taken if each in {_SEQUENCE, _LINES}), JSON)
