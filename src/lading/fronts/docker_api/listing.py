"""`docker images`: GET /images/json."""

from __future__ import annotations

from lading.fronts.docker_api.answers import json_answer
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.narrowing import LIST_FILTERS, narrowed
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.shapes_list import shared_sizes, summary_json
from lading.fronts.http.exchange import Answer
from lading.wire.docker_query import Filters
from lading.wire.docker_urls import ApiVersion

NAME_FILTER_BEFORE = ApiVersion(1, 25)
"""Until then `filter=` was a name of its own."""

SHARED_SIZE_FROM = ApiVersion(1, 42)


def images(product: DockerProduct, request: DockerRequest) -> Answer:
    """The newest first. Nothing is between an image and the one it was built on here, so `all` shows no more."""
    query, version, cancel = request.query, request.version, request.cancel
    filters = _filters(request)
    environment = request.open(product)
    found = environment.images(cancel)
    shown = narrowed(
        found, filters, lambda name: environment.image(name, cancel).summary.created or 0.0, product.clock()
    )
    asked = query.flag("shared-size") and version >= SHARED_SIZE_FROM
    shared = shared_sizes(found) if asked else {}
    manifests = query.flag("manifests")
    return json_answer(
        [summary_json(each, version, shared=shared.get(each.id, -1), manifests=manifests) for each in shown]
    )


def _filters(request: DockerRequest) -> Filters:
    """Raises FiltersUnreadable, FilterInvalid."""
    filters, name = request.query.filters(*LIST_FILTERS), request.query.one("filter")
    if not name or request.version >= NAME_FILTER_BEFORE:
        return filters
    return Filters({**filters.values, "reference": (*filters.all("reference"), name)})
