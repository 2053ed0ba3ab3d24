"""POST /images/{name}/push: docker push. Each tag is a job like any other, followed to its end.

    {"status":"The push refers to repository [docker.io/library/x]"}     at once: what fails later is a line
    … layers …
    {"status":"latest: digest: sha256:… size: 524"}
    {"progressDetail":{},"aux":{"Tag":"latest","Digest":"sha256:…","Size":524}}

`tag` says what is pushed, whatever tag the name has; without it the name's own; with neither, every tag of that name.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from lading.errors import InputInvalid, NotFound
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.following import Transfer
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.refusals import Failure
from lading.fronts.docker_api.shapes_list import descriptor_json
from lading.fronts.docker_api.streams import Layers, Transfers
from lading.fronts.docker_api.transfer_refusals import push_told
from lading.fronts.http.exchange import Answer
from lading.oci.digest import Digest
from lading.oci.media_types import is_index
from lading.oci.platform import Platform
from lading.oci.reference import Reference, check_tag
from lading.services.access import Denied
from lading.services.environment_images import Summary
from lading.services.jobs.job import JsonObject
from lading.services.platforms import PlatformsIncomplete
from lading.services.transfers.failures import TransferFailed
from lading.services.work.push_forms import PushForm
from lading.wire.docker_auth import FIELD, GivenLogin, read_registry_auth
from lading.wire.docker_lines import aux_line, error_line, message_line, pushed_lines
from lading.wire.docker_urls import PUSHES_PLATFORM_FROM
from lading.wire.docker_words import Verb


class DigestPushed(InputInvalid):
    """A name with a digest, which nobody can choose."""

    def __str__(self) -> str:
        return "cannot push a digest reference"


def push(product: DockerProduct, request: DockerRequest) -> Answer:
    """Raises ReferenceInvalid, DigestPushed, PlatformUnreadable, Denied."""
    form = request.form
    reference = Reference.parse(request.name)
    if reference.digest is not None:
        raise DigestPushed
    tag = form.one("tag")
    if tag:
        check_tag(f"{reference.repository.familiar}:{tag}", tag)
        reference = Reference(reference.repository, tag)
    platform = form.platform() if request.version >= PUSHES_PLATFORM_FROM else None
    login = read_registry_auth(request.header(FIELD))
    return _Push(product, request, reference, platform, login).answer()


class _Push:
    """One request: a job for each tag."""

    def __init__(
        self,
        product: DockerProduct,
        request: DockerRequest,
        reference: Reference,
        platform: Platform | None,
        login: GivenLogin,
    ) -> None:
        self._product, self._request, self._platform, self._login = product, request, platform, login
        self._repository, self._asked = reference.repository, reference
        self._environment = request.open(product)
        self._transfers = Transfers()

    def answer(self) -> Answer:
        """The first job is made before anything is told: who may not, or asks for what cannot be, is told by a status;
        what is not there is told as Docker tells it, in a line."""
        self._environment.admit_push(self._repository)
        references = (self._asked,) if self._asked.tag else self._tags()
        try:
            first = self._begun(references[0]) if references else None
        except TransferFailed as error:
            if not isinstance(error.cause, NotFound):
                raise
            first = None
        return self._transfers.answer(self._told(references, first))

    def _told(self, references: Sequence[Reference], first: Transfer | None) -> Generator[bytes, None, None]:
        yield message_line(f"The push refers to repository [{self._repository}]")
        if self._login.warning:
            yield message_line(self._login.warning)
        if first is None:
            yield error_line(self._missing())
            return
        for number, reference in enumerate(references):
            transfer = self._begun(reference) if number else first
            image = self._environment.find(str(reference), self._request.cancel)
            yield from Layers(Verb.PUSH).lines(transfer)
            ending = transfer.ending or {}
            yield self._ended(reference, image, ending)
            if ending.get("status") != "complete":
                return

    def _tags(self) -> Sequence[Reference]:
        """Of everything here that has this name."""
        names = {name for image in self._environment.images(self._request.cancel) for name in image.names}
        references = (Reference.parse(name) for name in names)
        own = [each for each in references if each.repository == self._repository and each.tag]
        return sorted(own, key=str)

    def _missing(self) -> str:
        """Docker tells a name without that tag from a name that nothing has; who may not look is told of the tag."""
        try:
            has_others = bool(self._tags())
        except Denied:
            has_others = True
        if self._asked.tag and has_others:
            return f"tag does not exist: {self._asked.familiar}"
        return f"An image does not exist locally with the tag: {self._repository.familiar}"

    def _begun(self, reference: Reference) -> Transfer:
        product, request = self._product, self._request
        platform = str(self._platform) if self._platform else None
        form = PushForm(str(reference), target=str(reference), name=reference.familiar, platform=platform)
        job = product.pushes.start(request.actor, product.environment, form, None, request.cancel, login=self._login)
        return self._transfers.follow(
            Transfer(product.jobs, product.news, request.actor, job, request.cancel, left=product.pushes.left)
        )

    def _ended(self, reference: Reference, image: Summary, ending: JsonObject) -> bytes:
        if ending.get("status") != "complete":
            note = _missing_content(image) if ending.get("code") == PlatformsIncomplete.code else b""
            return note + error_line(push_told(reference, self._platform, Failure.of_line(ending)).message)
        digest, size = ending.get("digest"), ending.get("size")
        if not isinstance(digest, str) or not reference.tag:
            return b""
        note = b"" if self._platform else _pushed_instead(image, Digest.parse(digest))
        return note + pushed_lines(reference.tag, Digest.parse(digest), size if isinstance(size, int) else 0)


def _pushed_instead(image: Summary, digest: Digest) -> bytes:
    """What the command line explains to people: of an index, one manifest went out as an image of its own."""
    root = image.root
    pushed = next((part.descriptor for part in image.parts if part.descriptor.digest == digest), None)
    if root is None or pushed is None or root.digest == digest or not is_index(root.media_type):
        return b""
    members = {
        "manifestPushedInsteadOfIndex": True,
        "originalIndex": descriptor_json(root),
        "selectedManifest": descriptor_json(pushed),
    }
    return aux_line(members)


def _missing_content(image: Summary) -> bytes:
    """What the command line explains to people: not all of an index is here."""
    absent = next((part.descriptor for part in image.parts if not part.available), image.root)
    return aux_line({"contentMissing": True, "desc": descriptor_json(absent)}) if absent is not None else b""
