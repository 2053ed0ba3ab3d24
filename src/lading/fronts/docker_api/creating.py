"""POST /images/create: a pull, or with fromSrc the import of a root file system."""

from __future__ import annotations

from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.importing import import_
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.pulling import pull
from lading.fronts.http.exchange import Answer


def create(product: DockerProduct, request: DockerRequest) -> Answer:
    """Raises as both do. The query decides: the body of an import is its archive."""
    if request.query.one("fromSrc") and not request.query.one("fromImage"):
        return import_(product, request)
    return pull(product, request)
