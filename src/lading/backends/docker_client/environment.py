"""A Docker host as an Environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from lading.backends.docker_client import answers
from lading.backends.docker_client.answers import Members
from lading.backends.docker_client.daemon import WORK_SECONDS, Daemon
from lading.backends.docker_client.faults import DaemonTooOld
from lading.backends.docker_client.naming import Names
from lading.backends.docker_client.pushing import AUTH_FIELD, Prove, Push, check_platform, one_platform
from lading.errors import NotFound
from lading.oci.reference import Reference
from lading.services.environment import (
    Arrived,
    Details,
    Engine,
    Pruned,
    PullOrder,
    PushOrder,
    Step,
    Summary,
)
from lading.services.lookup import ImageUnknown, may_be_id
from lading.services.places import Named
from lading.wire import docker_urls as urls
from lading.wire.docker_faults import fault
from lading.wire.docker_lines import Line, Story, Verb, registry_auth
from lading.wire.message import Cancel, Reader, Transport
from lading.wire.progress import Report


class DockerEnvironment:
    """Fulfils services.environment.Environment over the engine API, version 1.24 and later.

    `origin` is scheme://host[:port] as the transport knows it, `name` what people call the host. `names` are those that
    pushes lend to images there, the same for all who speak to it.
    """

    def __init__(self, transport: Transport, origin: str, name: str, prove: Prove, names: Names) -> None:
        self._daemon = Daemon(transport, origin, name)
        self._names = names
        self._prove = prove

    # ── what there is

    def ping(self, cancel: Cancel) -> None:
        self._daemon.ping(cancel)

    def engine(self, cancel: Cancel) -> Engine:
        return answers.engine(self._members(self._daemon.ask("GET", urls.version, cancel)))

    def images(self, cancel: Cancel) -> Sequence[Summary]:
        found = answers.rows(self._daemon.ask("GET", urls.images, cancel), self._daemon.name)
        summaries = [answers.summary(row, self._daemon.name) for row in found]
        return sorted(summaries, key=lambda each: each.created or 0, reverse=True)

    def image(self, image: str, cancel: Cancel) -> Details:
        return answers.details(self._inspect(image, cancel), self._daemon.name)

    def history(self, image: str, cancel: Cancel) -> Sequence[Step]:
        found = self._of_image("GET", image, urls.history, cancel)
        return [answers.step(row) for row in answers.rows(found, self._daemon.name)]

    # ── names and removal

    def tag(self, image: str, reference: Reference, cancel: Cancel) -> None:
        self._of_image("POST", image, lambda api, name: urls.tag(api, name, reference.or_latest), cancel)

    def remove(self, image: str, force: bool, cancel: Cancel) -> Pruned:
        found = self._of_image("DELETE", image, lambda api, name: urls.remove(api, name, force=force), cancel)
        return answers.removed(answers.rows(found, self._daemon.name))

    def prune(self, unnamed_only: bool, cancel: Cancel) -> Pruned:
        """Raises DaemonTooOld besides."""
        if self._daemon.api(cancel) < urls.PRUNES_FROM:
            raise DaemonTooOld(self._daemon.name, "to clean up", str(urls.PRUNES_FROM))
        found = self._daemon.ask(
            "POST", lambda api: urls.prune(api, unnamed_only=unnamed_only), cancel, seconds=WORK_SECONDS
        )
        return answers.pruned(self._members(found), self._daemon.name)

    # ── transfers

    def pull(self, order: PullOrder, report: Report, cancel: Cancel) -> Arrived:
        """Raises PlatformsRefused and the typed faults of wire.docker_faults besides."""
        platform = one_platform(order.wanted, self._daemon)
        reference = order.reference.or_latest
        headers = {AUTH_FIELD: registry_auth(order.access.credential, reference.repository.registry)}
        story = Story(Verb.PULL, str(reference))
        lines = self._daemon.lines("POST", lambda api: urls.pull(api, reference, platform), cancel, headers=headers)
        for line in lines:
            for event in story.hear(line):
                report(event)
        _check(story)
        return self._pulled(reference, story, cancel)

    def _pulled(self, reference: Reference, story: Story, cancel: Cancel) -> Arrived:
        """What is there now under the name that was asked for: the stream's word alone is no proof."""
        pinned = Reference(reference.repository, digest=reference.digest) if reference.digest else reference
        image = self._inspect(str(pinned), cancel)
        known = {digest for repository, digest in answers.digests(image) if repository == reference.repository}
        digest = story.digest if story.digest in known else answers.root_digest(image)
        return Arrived(reference, answers.image_id(image, self._daemon.name), digest, None)

    def push(self, order: PushOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        """Raises PlatformsRefused, PlatformMissing besides."""
        platform = one_platform(order.wanted, self._daemon)
        image = self._inspect(order.image, cancel)
        if self._daemon.api(cancel) < urls.PUSHES_PLATFORM_FROM:
            check_platform(image, order.image, platform)
        return Push(self._daemon, self._names, self._prove, image, order, platform, report, cancel).run()

    def export(self, images: Sequence[str], cancel: Cancel) -> AbstractContextManager[Reader]:
        names = [_whole(image) for image in images]
        for image in images:
            self._inspect(image, cancel)  # a daemon that misses one tells it by breaking off
        return self._daemon.stream("GET", lambda api: urls.export(api, names), cancel)

    def load(self, archive: Reader, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        """Raises the typed faults of wire.docker_faults besides."""
        story = Story(Verb.LOAD, "archive")
        for line in self._load_lines(archive, cancel):
            for event in story.hear(line):
                report(event)
        _check(story)
        return [self._loaded(name, cancel) for name in story.loaded]

    def _load_lines(self, archive: Reader, cancel: Cancel) -> Iterator[Line]:
        headers = {"Content-Type": "application/x-tar"}
        return self._daemon.lines("POST", urls.load, cancel, headers=headers, body=archive)

    def _loaded(self, name: str, cancel: Cancel) -> Arrived:
        image = self._inspect(name, cancel)
        reference = None if may_be_id(name) else Named(name).reference
        return Arrived(reference, answers.image_id(image, self._daemon.name), answers.root_digest(image), None)

    # ── one image

    def _inspect(self, image: str, cancel: Cancel) -> Members:
        """Raises ImageUnknown."""
        return self._members(self._of_image("GET", image, urls.image, cancel))

    def _of_image(self, method: str, image: str, path: Callable[[urls.ApiVersion, str], str], cancel: Cancel) -> object:
        """Raises ImageUnknown, ReferenceInvalid."""
        name = _whole(image)
        try:
            return self._daemon.ask(method, lambda api: path(api, name), cancel)
        except NotFound as error:
            raise ImageUnknown(image, [f"the Docker host {self._daemon.name}"]) from error

    def _members(self, answer: object) -> Members:
        return answers.members(answer, self._daemon.name)


def _whole(image: str) -> str:
    """What a path may name: an id as it is, a name normalised; of an id's letters the daemon looks for a name first.
    Raises ReferenceInvalid."""
    return image if may_be_id(image) else str(Named(image).reference)


def _check(story: Story) -> None:
    """Raises the typed faults of wire.docker_faults."""
    if story.fault is not None:
        raise fault(story.fault.error or "", story.fault.code)
