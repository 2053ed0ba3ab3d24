"""POST /images/create with fromImage: docker pull. Each tag is a job like any other, followed to its end.

{"status":"Pulling from library/x","id":"latest"}     nothing before the registry has told what there is:
… layers …                                            what is not there, or not for us, is a status
{"status":"Digest: sha256:…"}
{"status":"Status: Downloaded newer image for x:latest"}      once; of all tags with the bare name
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import chain

from lading.errors import LadingError, NotFound
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.following import Heard, Transfer
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.refusals import Failure, JobFailed, NameReserved
from lading.fronts.docker_api.streams import Layers, Transfers
from lading.fronts.docker_api.transfer_refusals import concerns_registry, pull_told
from lading.fronts.http.exchange import Answer
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference, Repository, check_tag
from lading.services.jobs.job import JsonObject
from lading.services.work.pulls import PullForm
from lading.wire.docker_auth import FIELD, GivenLogin, read_registry_auth
from lading.wire.docker_lines import digest_line, error_line, message_line, pulled_line
from lading.wire.docker_query import read_platform_words
from lading.wire.docker_urls import PULLS_PLATFORM_FROM
from lading.wire.docker_words import Verb

_RESERVED = Repository("docker.io", "library/scratch")


class TagsMissing(NotFound):
    """All tags of a repository were asked for, and it has none."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"repository {self.name} not found: it has no tags"


def pull(product: DockerProduct, request: DockerRequest) -> Answer:
    """A tag, a digest, or all tags where neither is said. Raises ReferenceInvalid, PlatformInvalid, NameReserved,
    TagsMissing, Denied, and JobFailed where the first tag's job failed before it told anything."""
    form = request.form
    reference = _reference(form.one("fromImage"), form.one("tag"))
    words = form.one("platform") if request.version >= PULLS_PLATFORM_FROM else ""
    platform = read_platform_words(words, product.facts.native) if words else None
    login = read_registry_auth(request.header(FIELD))
    references: Sequence[Reference] = (reference,)
    if reference.tag is None and reference.digest is None:
        references = _tags(product, request, reference, login)
    return _Pull(product, request, references, platform, login).answer()


def _tags(
    product: DockerProduct, request: DockerRequest, reference: Reference, login: GivenLogin
) -> Sequence[Reference]:
    """All that the registry has. Raises TagsMissing, JobFailed, Denied."""
    request.open(product).admit_pull(reference.repository)
    try:
        tags = product.errands.tags(reference.repository, login, request.cancel)
    except LadingError as error:
        if concerns_registry(error):
            told = pull_told(reference, product.facts.native, Failure.of_error(error))
            raise JobFailed(told) from error
        raise
    if not tags:
        raise TagsMissing(reference.repository.familiar)
    return [Reference(reference.repository, tag) for tag in tags]


def _reference(name: str, tag: str) -> Reference:
    """`tag` is a tag or a digest, and replaces those of the name. Raises ReferenceInvalid, NameReserved."""
    reference = Reference.parse(name.removesuffix(":"))
    if reference.repository == _RESERVED:
        raise NameReserved("scratch")
    if not tag:
        return reference
    digest = Digest.if_valid(tag)
    if digest is not None:
        return Reference(reference.repository, digest=digest)
    check_tag(f"{reference.repository.familiar}:{tag}", tag)
    return Reference(reference.repository, tag)


class _Pull:
    """One request: a job for each tag."""

    def __init__(
        self,
        product: DockerProduct,
        request: DockerRequest,
        references: Sequence[Reference],
        platform: Platform | None,
        login: GivenLogin,
    ) -> None:
        self._product, self._request, self._references = product, request, references
        self._platform, self._login = platform, login
        self._transfers = Transfers()

    def answer(self) -> Answer:
        """Once the first job has told of a layer or its scan, or ended: before, a failure has a status of its own."""
        first, *others = self._references
        try:
            transfer, begun = self._begun(first)
            self._check(first, transfer)
        except BaseException:
            self._transfers.close()
            raise
        return self._transfers.answer(self._all(first, transfer, begun, others))

    def _all(
        self, first: Reference, transfer: Transfer, begun: Sequence[Heard], others: Sequence[Reference]
    ) -> Generator[bytes, None, None]:
        if self._login.warning:
            yield message_line(self._login.warning)
        current = True
        for reference in (first, *others):
            if reference is not first:
                transfer, begun = self._begun(reference)
            yield from self._one(reference, transfer, begun)
            if _failed(transfer.ending):
                return
            current = current and _is_current(transfer.ending)
        yield pulled_line(self._name, current=current)

    def _begun(self, reference: Reference) -> tuple[Transfer, Sequence[Heard]]:
        """A job, as far as its first word about a layer, or that it is scanned: then all is here."""
        product, request = self._product, self._request
        form = PullForm(str(reference), scan_after=True, platform=str(self._platform) if self._platform else None)
        job = product.pulls.start(request.actor, product.environment, form, None, login=self._login)
        transfer = self._transfers.follow(
            Transfer(product.jobs, product.news, request.actor, job, request.cancel, left=product.pulls.left)
        )
        begun = next(([told] for told in transfer if told is not None and _is_telling(told)), [])
        return transfer, begun

    def _one(self, reference: Reference, transfer: Transfer, begun: Sequence[Heard]) -> Generator[bytes, None, None]:
        asked = reference.familiar if reference.digest else str(reference.tag)
        yield message_line(f"Pulling from {reference.repository.path}", asked)
        layers = Layers(Verb.PULL)
        yield from layers.lines(chain(begun, transfer))
        ending = transfer.ending or {}
        if _failed(ending):
            failure = pull_told(reference, self._wanted, Failure.of_line(ending))
            yield layers.rest() + error_line(failure.message)
            return
        found = b"" if _is_current(ending) else layers.rest()
        yield found + digest_line(str(reference.digest or ending.get("digest") or ""))

    def _check(self, reference: Reference, transfer: Transfer) -> None:
        """Raises JobFailed where the job failed already."""
        if transfer.ending is not None and _failed(transfer.ending):
            raise JobFailed(pull_told(reference, self._wanted, Failure.of_line(transfer.ending)))

    @property
    def _name(self) -> str:
        """Of all that is pulled."""
        first, *others = self._references
        return first.repository.familiar if others else first.familiar

    @property
    def _wanted(self) -> Platform:
        return self._platform or self._product.facts.native


def _is_telling(told: JsonObject) -> bool:
    return "id" in told or told.get("status") == "scanning"


def _is_current(ending: JsonObject | None) -> bool:
    return ending is not None and ending.get("current") is True


def _failed(ending: JsonObject | None) -> bool:
    return ending is not None and ending.get("status") != "complete"
