"""`docker tag`."""

from __future__ import annotations

from lading.errors import InputInvalid
from lading.fronts.docker_api.answers import answer
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.http.exchange import Answer
from lading.oci.digest import Algorithm
from lading.oci.reference import Reference, check_tag


class TagAmbiguous(InputInvalid):
    """A name that reads like the beginning of a digest."""

    def __str__(self) -> str:
        return "refusing to create an ambiguous tag using digest algorithm as name"


class DigestAsName(InputInvalid):
    """A digest follows from the content: nobody gives it."""

    def __str__(self) -> str:
        return "refusing to create a tag with a digest reference"


def tag(product: DockerProduct, request: DockerRequest) -> Answer:
    """Raises ImageUnknown, ReferenceInvalid, TagAmbiguous, DigestAsName."""
    target = new_name(request.form.one("repo"), request.form.one("tag"))
    request.open(product).tag(request.name, target, request.cancel)
    return answer(201)


def new_name(repository: str, tag_name: str) -> Reference:
    """The name that an image shall have; `tag_name` comes before a tag in the repository's name. Raises as `tag`."""
    given = Reference.parse(repository)
    if given.digest is not None:
        raise DigestAsName
    if given.repository.familiar in set(Algorithm):
        raise TagAmbiguous
    if tag_name:
        check_tag(f"{repository}:{tag_name}", tag_name)
    return Reference(given.repository, tag_name or given.tag).or_latest
