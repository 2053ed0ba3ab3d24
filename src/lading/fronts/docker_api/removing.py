"""`docker rmi` and `docker image prune`."""

from __future__ import annotations

from collections.abc import Sequence

from lading.errors import InputInvalid, Refused
from lading.fronts.docker_api.answers import json_answer
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.inspecting import asked_for
from lading.fronts.docker_api.narrowing import PRUNE_FILTERS, labels
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.refusals import familiar
from lading.fronts.http.exchange import Answer
from lading.services.environments.orders import Pruned, PruneOrder
from lading.wire.docker_urls import REMOVES_PLATFORM_FROM


class NameBlank(InputInvalid):
    """Nothing was named."""

    def __str__(self) -> str:
        return "image name cannot be blank"


class PlatformsForced(Refused):
    """One platform of an image goes from all images that have it, so it must be meant."""

    def __str__(self) -> str:
        return (
            "Content will be removed from all images referencing this variant. Use force (--force) to remove it all "
            "the same."
        )


def remove(product: DockerProduct, request: DockerRequest) -> Answer:
    """Raises ImageUnknown, ImageHasNames, PlatformMissing, NameBlank, PlatformsForced."""
    if not request.name.strip():
        raise NameBlank
    query, force = request.query, request.query.flag("force")
    platforms = query.platforms("platforms") if request.version >= REMOVES_PLATFORM_FROM else ()
    if platforms and not force:
        raise PlatformsForced
    environment = request.open(product)
    with asked_for(request.name):
        removed = environment.remove(request.name, force, request.cancel, platforms, query.flag("noprune"))
    return json_answer(_lines(removed))


def prune(product: DockerProduct, request: DockerRequest) -> Answer:
    """Images without a name, unless the filter `dangling` says no: then all."""
    filters = request.form.filters(*PRUNE_FILTERS)
    dangling, until = filters.truth("dangling"), filters.moment("until", product.clock())
    order = PruneOrder(dangling is not False, until, labels(filters))
    pruned = request.open(product).prune(order, request.cancel)
    return json_answer({"ImagesDeleted": _lines(pruned) or None, "SpaceReclaimed": pruned.reclaimed})


def _lines(pruned: Pruned) -> Sequence[dict[str, str]]:
    """Names first, then what went with them."""
    untagged = [{"Untagged": familiar(name)} for name in pruned.untagged]
    return [*untagged, *({"Deleted": each} for each in (*pruned.deleted, *pruned.layers))]
