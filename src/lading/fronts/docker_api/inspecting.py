"""`docker image inspect` and `docker history`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lading.errors import InputInvalid
from lading.fronts.docker_api.answers import json_answer
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.shapes_inspect import details_json, history_json
from lading.fronts.docker_api.shapes_list import disk_size
from lading.fronts.http.exchange import Answer
from lading.oci.platform import Platform, choose
from lading.services.environment_images import Details, PartKind, Summary
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.platforms import PlatformMissing
from lading.wire.docker_urls import HISTORY_PLATFORM_FROM, TELLS_PARTS_FROM, TELLS_PLATFORM_FROM


class OneOfTwo(InputInvalid):
    """All manifests and one platform's image, at once."""

    def __str__(self) -> str:
        return "conflicting options: manifests and platform options cannot both be set"


def image(product: DockerProduct, request: DockerRequest) -> Answer:
    """Raises ImageUnknown, PlatformMissing, OneOfTwo."""
    query, version = request.query, request.version
    manifests = query.flag("manifests") and version >= TELLS_PARTS_FROM
    platform = query.platform() if version >= TELLS_PLATFORM_FROM else None
    if manifests and platform is not None:
        raise OneOfTwo
    details = _looked_at(request.open(product), request, platform)
    size = _size(details.summary, platform)
    return json_answer(details_json(details, version, size=size, manifests=manifests))


def history(product: DockerProduct, request: DockerRequest) -> Answer:
    """Raises ImageUnknown, PlatformMissing."""
    platform = request.query.platform() if request.version >= HISTORY_PLATFORM_FROM else None
    environment = request.open(product)
    summary = _looked_at(environment, request, platform).summary
    steps = environment.history(request.name, request.cancel, platform)
    return json_answer(history_json(steps, summary))


def _looked_at(environment: GuardedEnvironment, request: DockerRequest, platform: Platform | None) -> Details:
    """A platform that the image was built for, and of which nothing is here, cannot be looked at either. Raises
    ImageUnknown, PlatformMissing."""
    with asked_for(request.name):
        details = environment.image(request.name, request.cancel, platform)
        if platform is not None and not details.document:
            here = [part.platform for part in details.summary.parts if part.available and part.platform]
            raise PlatformMissing(platform, request.name, here)
    return details


@contextmanager
def asked_for(name: str) -> Iterator[None]:
    """A platform that is missing inside is told of the image as the client called it. Raises PlatformMissing."""
    try:
        yield
    except PlatformMissing as error:
        raise PlatformMissing(error.wanted, name, error.offered) from error


def _size(summary: Summary, platform: Platform | None) -> int:
    """Of the one platform that was asked for, else of all that is here."""
    if platform is None:
        return disk_size(summary)
    images = {part.descriptor: part for part in summary.parts if part.kind is PartKind.IMAGE}
    chosen = choose(images, platform)
    return disk_size(summary) if chosen is None else images[chosen].content
