"""A Docker host as an Environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from lading.backends.docker_client import answers
from lading.backends.docker_client.archives import HostArchives
from lading.backends.docker_client.breaks import Back, at_once
from lading.backends.docker_client.daemon import WORK_SECONDS, Daemon
from lading.backends.docker_client.following import image_events
from lading.backends.docker_client.inspecting import details
from lading.backends.docker_client.logins import LentLogin
from lading.backends.docker_client.naming import Names
from lading.backends.docker_client.pulling import Pull
from lading.backends.docker_client.pushing import Prove, Push, one_platform
from lading.backends.docker_client.questions import Questions, check_platform
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.environment_images import Details, Step, Summary
from lading.services.environments.environment import Engine, Events
from lading.services.environments.orders import (
    Access,
    Arrived,
    Distribution,
    ImportOrder,
    Pruned,
    PruneOrder,
    PullOrder,
    PushOrder,
)
from lading.wire import docker_urls as urls
from lading.wire.message import Cancel, Reader, Transport
from lading.wire.progress import Report


class DockerEnvironment:
    """Fulfils services.environments.environment.Environment over the engine API, version 1.24 and later.

    `origin` is scheme://host[:port] as the transport knows it, `name` what people call the host. `names` are those that
    pushes lend to images there, the same for all who speak to it; `back` waits for a host whose connection broke.
    """

    def __init__(
        self, transport: Transport, origin: str, name: str, prove: Prove, names: Names, *, back: Back = at_once
    ) -> None:
        self._daemon = Daemon(transport, origin, name)
        self._back = back
        self._names = names
        self._prove = prove
        self._questions = Questions(self._daemon)
        self._archives = HostArchives(self._daemon, self._questions)

    # ── what there is

    def ping(self, cancel: Cancel) -> None:
        self._daemon.ping(cancel)

    def engine(self, cancel: Cancel) -> Engine:
        return answers.engine(self._questions.members(self._daemon.ask("GET", urls.version, cancel)))

    def images(self, cancel: Cancel) -> Sequence[Summary]:
        found = answers.rows(self._daemon.ask("GET", urls.images, cancel), self._daemon.name)
        summaries = [answers.summary(row, self._daemon.name) for row in found]
        return sorted(summaries, key=lambda each: each.created or 0, reverse=True)

    def image(self, image: str, cancel: Cancel, platform: Platform | None = None) -> Details:
        return details(self._questions.inspect(image, cancel, platform), self._daemon.name)

    def history(self, image: str, cancel: Cancel, platform: Platform | None = None) -> Sequence[Step]:
        if platform is not None and self._daemon.api(cancel) < urls.HISTORY_PLATFORM_FROM:
            self._questions.inspect(image, cancel, platform)
        found = self._questions.of_image(
            "GET", image, lambda api, name: urls.history(api, name, platform), cancel, platform
        )
        return [answers.step(row) for row in answers.rows(found, self._daemon.name)]

    def size(self, cancel: Cancel) -> int:
        """Raises DaemonTooOld besides."""
        self._questions.need(urls.MEASURES_FROM, "to say what its images take", cancel)
        found = self._daemon.ask("GET", urls.measured, cancel, seconds=WORK_SECONDS)
        return answers.size(self._questions.members(found))

    def events(self, since: float | None, until: float | None, cancel: Cancel) -> Events:
        """Raises DaemonUnreachable, LinesBroken and the typed faults of wire.docker_faults."""
        return image_events(self._daemon, since, until, cancel)

    # ── names and removal

    def tag(self, image: str, reference: Reference, cancel: Cancel) -> None:
        self._questions.of_image("POST", image, lambda api, name: urls.tag(api, name, reference.or_latest), cancel)

    def remove(
        self,
        image: str,
        force: bool,
        cancel: Cancel,
        platforms: tuple[Platform, ...] = (),
        keep_parents: bool = False,
    ) -> Pruned:
        """Raises DaemonTooOld besides."""
        if platforms:
            self._questions.need(urls.REMOVES_PLATFORM_FROM, "to remove single platforms", cancel)

        def path(api: urls.ApiVersion, name: str) -> str:
            return urls.remove(api, name, force=force, keep_parents=keep_parents, platforms=platforms)

        found = self._questions.of_image("DELETE", image, path, cancel, platforms[0] if platforms else None)
        return answers.removed(answers.rows(found, self._daemon.name))

    def prune(self, order: PruneOrder, cancel: Cancel) -> Pruned:
        """Raises DaemonTooOld besides."""
        self._questions.need(urls.PRUNES_FROM, "to clean up", cancel)
        filters = prune_filters(order)
        found = self._daemon.ask("POST", lambda api: urls.prune(api, filters), cancel, seconds=WORK_SECONDS)
        return answers.pruned(self._questions.members(found), self._daemon.name)

    # ── transfers

    def pull(self, order: PullOrder, report: Report, cancel: Cancel) -> Arrived:
        """Raises PlatformsRefused, TransferLost, PullUnverified and the typed faults of wire.docker_faults besides;
        DaemonTooOld where somebody is to be asked before the name is given."""
        platform = one_platform(order.wanted, self._daemon)

        def resolve(reference: Reference) -> Digest:
            return self.distribution(reference, order.access, cancel).descriptor.digest

        daemon, questions, names = self._daemon, self._questions, self._names
        pull = Pull(daemon, questions, names, self._prove, order, platform, report, cancel, self._back)
        return pull.run(resolve)

    def push(self, order: PushOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        """Raises PlatformsRefused, PlatformMissing, TransferLost besides."""
        platform = one_platform(order.wanted, self._daemon)
        image = self._questions.inspect(order.image, cancel)
        if not urls.PUSHES_PLATFORM_FROM <= self._daemon.api(cancel) < urls.TELLS_PARTS_FROM:
            check_platform(image, order.image, platform)  # between these a daemon tells of one platform alone
        daemon, names = self._daemon, self._names
        return Push(daemon, names, self._prove, image, order, platform, report, cancel, self._back).run()

    def distribution(self, reference: Reference, access: Access, cancel: Cancel) -> Distribution:
        """Raises DaemonTooOld and the typed faults of wire.docker_faults besides."""
        self._questions.need(urls.DISTRIBUTION_FROM, "to look at a registry", cancel)
        name = reference.or_latest
        headers = LentLogin(access, name.repository.registry).fields()
        found = self._daemon.ask("GET", lambda api: urls.distribution(api, str(name)), cancel, headers=headers)
        return answers.distribution(self._questions.members(found), self._daemon.name)

    def export(
        self, images: Sequence[str], cancel: Cancel, platform: Platform | None = None
    ) -> AbstractContextManager[Reader]:
        return self._archives.export(images, platform, cancel)

    def load(
        self, archive: Reader, report: Report, cancel: Cancel, platform: Platform | None = None
    ) -> Sequence[Arrived]:
        return self._archives.load(archive, platform, report, cancel)

    def import_(
        self,
        archive: Reader,
        order: ImportOrder,
        report: Report,  # noqa: ARG002  a daemon tells nothing of it
        cancel: Cancel,
    ) -> Arrived:
        """Raises DaemonTooOld and the typed faults of wire.docker_faults besides."""
        return self._archives.import_(archive, order, cancel)


def prune_filters(order: PruneOrder) -> Mapping[str, Sequence[str]]:
    """As a daemon takes them; moments as seconds since 1970."""

    def labels(*, without: bool) -> list[str]:
        chosen = [each for each in order.labels if each.without is without]
        return [each.name if each.value is None else f"{each.name}={each.value}" for each in chosen]

    return {
        "dangling": ["true" if order.dangling else "false"],
        "until": [] if order.until is None else [f"{order.until:.6f}"],
        "label": labels(without=False),
        "label!": labels(without=True),
    }
