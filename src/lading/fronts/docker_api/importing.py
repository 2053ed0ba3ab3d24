"""POST /images/create with fromSrc: docker import. The tar comes as the body, and only so."""

from __future__ import annotations

from collections.abc import Sequence

from lading.errors import ContentCorrupt, InputInvalid
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.refusals import of_archive
from lading.fronts.docker_api.streams import lines_answer
from lading.fronts.http.exchange import Answer
from lading.oci.config_changes import INSTRUCTIONS
from lading.oci.reference import Reference, check_tag
from lading.services.environments.orders import ImportOrder
from lading.wire.docker_lines import message_line
from lading.wire.docker_query import read_platform_words
from lading.wire.docker_urls import IMPORTS_PLATFORM_FROM
from lading.wire.progress import Event

BODY = "-"
"""The body is the source."""


class SourceRefused(InputInvalid):
    """A URL to fetch an archive from: whoever asks could have us ask anybody."""

    def __str__(self) -> str:
        return "Lading imports what it is sent, and fetches no URL: download it, then docker import FILE"


class DigestImported(InputInvalid):
    """A name with a digest, which nobody can choose."""

    def __str__(self) -> str:
        return "cannot import digest reference"


class InstructionRefused(InputInvalid):
    """A line of a Dockerfile that no import takes."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"{self.name.lower()[:40]} is not a valid change command"


def import_(product: DockerProduct, request: DockerRequest) -> Answer:
    """Raises SourceRefused, DigestImported, InstructionRefused, ReferenceInvalid, PlatformInvalid, ChangeInvalid,
    ContentCorrupt, Denied."""
    query = request.query
    source = query.one("fromSrc")
    if source != BODY:
        raise SourceRefused
    words = query.one("platform") if request.version >= IMPORTS_PLATFORM_FROM else ""
    order = ImportOrder(
        _reference(query.one("repo"), query.one("tag")),
        query.one("message") or f"Imported from {source}",
        query.all("changes"),
        read_platform_words(words, product.facts.native) if words else None,
    )
    _check(order.changes)
    try:
        arrived = request.open(product).import_now(request.body, order, _unheard, request.cancel)
    except ContentCorrupt as error:
        raise of_archive(error) from error
    if arrived.error is not None:
        raise of_archive(arrived.error)
    return lines_answer((message_line(arrived.id),))


def _check(changes: Sequence[str]) -> None:
    """Raises InstructionRefused; what follows an instruction is for the import to read."""
    for line in changes:
        name = line.split(maxsplit=1)[0] if line.split() else ""
        if name.upper() not in INSTRUCTIONS:
            raise InstructionRefused(name)


def _reference(name: str, tag: str) -> Reference | None:
    if not name:
        return None
    reference = Reference.parse(name)
    if reference.digest is not None:
        raise DigestImported
    if not tag:
        return reference.or_latest
    check_tag(f"{name}:{tag}", tag)
    return Reference(reference.repository, tag)


def _unheard(_event: Event) -> None:
    """The answer is one line, at the end."""
