"""GET /distribution/{name}/json: what a registry has under a name, without bringing it."""

from __future__ import annotations

from lading.errors import LadingError
from lading.fronts.docker_api.answers import json_answer, warned
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.refusals import Failure, JobFailed
from lading.fronts.docker_api.shapes_list import descriptor_json
from lading.fronts.docker_api.transfer_refusals import concerns_registry, pull_told
from lading.fronts.http.exchange import Answer
from lading.oci.reference import Reference
from lading.wire.docker_auth import FIELD, read_registry_auth


def distribution(product: DockerProduct, request: DockerRequest) -> Answer:
    """Raises ReferenceInvalid, JobFailed in the registry's words, Denied."""
    reference = Reference.parse(request.name).or_latest
    login = read_registry_auth(request.header(FIELD))
    access = product.errands.access(reference.repository, login)
    try:
        found = request.open(product).distribution(reference, access, request.cancel)
    except LadingError as error:
        if concerns_registry(error):
            raise JobFailed(pull_told(reference, product.facts.native, Failure.of_error(error))) from error
        raise
    document = {
        "Descriptor": descriptor_json(found.descriptor),
        "Platforms": [platform.written() for platform in found.platforms],
    }
    return json_answer(document, fields=warned(login.warning))
