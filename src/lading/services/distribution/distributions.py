"""Distribution: one image to many hosts, each of which fetches it from our own registry, moving only what it lacks.

    source settled ─> (passes into the registry) ─> each host, some at a time: hosts ─> passing tag removed

One host that fails stops no other: each is told of by itself, in lines that bear its name and in the job's results.
Asked again, the job goes to those alone that have not got it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from lading.engine.cancel import Cancellation
from lading.engine.together import each
from lading.errors import LadingError, NotFound
from lading.oci.digest import Digest
from lading.oci.reference import Reference, ReferenceInvalid, Repository
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit, admit_somewhere
from lading.services.distribution.forms import (
    DISTRIBUTE,
    STAGING_START,
    DistributionForm,
    DistributionUnset,
    InRegistry,
    Order,
    name_at_hosts,
    passing_path,
)
from lading.services.distribution.hosts import Errand, Hosts
from lading.services.distribution.progress import HostTelling, staged_line
from lading.services.distribution.source import SourceHost, Sources
from lading.services.distribution.trust import DistributionTrust
from lading.services.environments.environment import ConnectionType
from lading.services.environments.environments import Environments
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JsonObject, Telling
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.rows import Visibility
from lading.services.running.jobs import Jobs
from lading.services.schedules import Chore
from lading.services.secrets import unguessable
from lading.services.transfers.distribution_results import HostResult, raise_failures
from lading.services.transfers.failures import push_failed
from lading.wire.message import Cancel

HOSTS_AT_ONCE = 8
"""They all fetch from one server, whose line they share."""

STAGING_BYTES = 12

HOUR = 60 * 60.0

OUR_REGISTRY = "registry"
"""What bears the lines of an image on its way into the registry."""


class DistributionRequests:
    """Makes distribution jobs. What does their work is `Distributions`, in a server alone."""

    def __init__(
        self,
        environments: Environments,
        repositories: Repositories,
        records: RepositoryRecords,
        jobs: Jobs,
        trail: Trail,
        *,
        host: Callable[[], str | None],
        random: Callable[[int], bytes],
    ) -> None:
        """`host` is our registry's public host[:port], None where it is not set; `random` gives so many bytes that
        nobody can guess."""
        self._environments, self._repositories, self._records = environments, repositories, records
        self._jobs, self._trail, self._host, self._random = jobs, trail, host, random

    def start(self, actor: Actor, form: DistributionForm, key: RequestKey | None, cancel: Cancel) -> Job:
        """Raises Denied, DistributionUnset, ImageOrHostsMissing, PlatformInvalid, ReferenceInvalid, NameMissing,
        RowUnknown, ImageUnknown, ManifestUnknown, Unreachable."""
        admit_somewhere(self._trail, actor, Permission.IMAGES_PULL, self._deed(form.image or ""))
        host = self._host()
        if host is None:
            raise DistributionUnset
        form.check()
        made = self._jobs.repeated(actor, key)
        if made is not None:
            return made
        order = self._order(actor, form, host, cancel)
        names = self.admit_hosts(actor, order)
        return self._jobs.start(actor, self._request(order, names), key)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied, RowUnknown."""
        order = Order.of(fields)
        self.admit_source(actor, order)
        self.admit_hosts(actor, order)

    def admit_source(self, actor: Actor, order: Order) -> None:
        """Raises Denied, RowUnknown, ImageUnknown."""
        if order.digest is not None:
            self._admit_repository(actor, order.path)
        elif order.source is not None:
            self._environments.open(actor, order.source)

    def admit_hosts(self, actor: Actor, order: Order) -> Sequence[str]:
        """Their names. Raises Denied, RowUnknown."""
        repository = None if order.name is None else order.name.repository
        opened = [self._environments.open(actor, number) for number in order.environments]
        for environment in opened:
            environment.admit_pull(repository or Repository(self._host() or "", order.path))
        return [environment.name for environment in opened]

    def _order(self, actor: Actor, form: DistributionForm, host: str, cancel: Cancel) -> Order:
        hosts = tuple(dict.fromkeys(form.environments))
        asked = form.image or ""
        here = self._in_registry(actor, form, host)
        if here is not None:
            path, name, digest = here
            return Order(asked, name, hosts, path, form.platform, form.scan_after, digest=digest)
        environment = self._environments.open(
            actor, self._environments.ensure_embedded().id if form.source is None else form.source
        )
        image = environment.find(asked, cancel)
        environment.admit_export(asked, cancel)
        name = name_at_hosts(form, image)
        staging = f"{STAGING_START}{unguessable(self._random, STAGING_BYTES)}"
        path = passing_path(name.repository)
        return Order(
            asked,
            name,
            hosts,
            path,
            form.platform,
            form.scan_after,
            source=environment.id,
            image=image.id,
            staging=staging,
        )

    def _in_registry(
        self, actor: Actor, form: DistributionForm, host: str
    ) -> tuple[str, Reference | None, Digest] | None:
        """None where it is not there, or not for this actor: then our own engine is asked, unless the name begins with
        our registry's host. Raises Denied, ManifestUnknown, RepositoryUnknown."""
        if form.source is not None:
            return None
        try:
            meant = InRegistry.parse(form.image or "", host)
        except ReferenceInvalid:
            return None
        if meant is None:
            return None
        sure = (form.image or "").startswith(f"{host}/")
        if sure:
            self._admit_repository(actor, meant.path)
        elif not self._may_pull(actor, meant.path):
            return None
        try:
            digest = self._repositories.manifest(meant.path, meant.name).digest
        except NotFound:
            if sure:
                raise
            return None
        own = None if isinstance(meant.name, Digest) else Reference(Repository(host, meant.path), meant.name)
        return meant.path, Reference.parse(form.name).or_latest if form.name else own, digest

    def _admit_repository(self, actor: Actor, path: str) -> None:
        if not self._may_pull(actor, path):
            admit(self._trail, actor, Permission.REPOSITORIES_PULL, self._deed(path), path)

    def _may_pull(self, actor: Actor, path: str) -> bool:
        public = self._records.view(path).visibility() is Visibility.PUBLIC
        return public or actor.may(Permission.REPOSITORIES_PULL, None, path)

    def _deed(self, image: str) -> Deed:
        return Deed(DISTRIBUTE, "image", image, image)

    def _request(self, order: Order, names: Sequence[str]) -> JobRequest:
        details = {"as": order.shown, "environments": list(names)}
        entity = order.image or (str(order.digest) if order.digest else "")
        deed = Deed(DISTRIBUTE, "image", entity, order.asked, order.source, details)
        return JobRequest(DISTRIBUTE, order.fields, None, order.sharing, deed)


class Distributions:
    """Does the work of distribution jobs. For any number of threads."""

    def __init__(
        self,
        requests: DistributionRequests,
        environments: Environments,
        sources: Sources | None,
        hosts: Hosts | None,
        trust: DistributionTrust | None,
    ) -> None:
        """`sources`, `hosts` and `trust` None: our registry has no public address."""
        self.requests = requests
        self._environments, self._sources, self._hosts, self._trust = environments, sources, hosts, trust

    def chores(self) -> Sequence[Chore]:
        """What is done from time to time."""
        return () if self._sources is None else (Chore("distribution leftovers", HOUR, self._sources.forget_left),)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Raises Denied, RowUnknown."""
        self.requests.admit(actor, fields)

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """Raises DistributionIncomplete, DistributionFailed, and what bringing the image to the registry does."""
        if self._sources is None or self._hosts is None or self._trust is None:
            raise DistributionUnset
        order = Order.of(fields)
        source = self._source(actor, order, telling, cancel)
        staging = HostTelling(OUR_REGISTRY, telling)
        try:
            self._trust.check(order, telling, cancel)
            with self._sources.ready(order, source, staging.event, cancel) as ready:
                telling.line(staged_line(order.shown, ready.root.digest))
                errand = Errand(actor, order, ready, telling, cancel)
                results = self._everywhere(self._hosts, errand)
        except LadingError as error:
            raise push_failed(error, ConnectionType.EMBEDDED) from error
        raise_failures(order.shown, results)
        return _result(order, results)

    def _everywhere(self, hosts: Hosts, errand: Errand) -> Sequence[HostResult]:
        with Cancellation.within(errand.cancel) as cancel:
            inner = Errand(errand.actor, errand.order, errand.ready, errand.telling, cancel)
            return each(errand.order.environments, partial(hosts.deliver, inner), HOSTS_AT_ONCE, cancel.cancel)

    def _source(self, actor: Actor, order: Order, telling: Telling, cancel: Cancel) -> SourceHost | None:
        """The Docker host that has the image; None: our own engine, or the registry. Raises Denied, RowUnknown,
        ImageUnknown."""
        self.requests.admit_source(actor, order)
        if order.source is None:
            return None
        environment = self._environments.open(actor, order.source)
        self._environments.expect(environment, cancel, taken_up=telling.taken_up)
        environment.find(order.image, cancel)
        environment.admit_export(order.asked, cancel)
        if environment.connection_type is ConnectionType.EMBEDDED:
            return None
        host = self._environments.unguarded(order.source)
        return SourceHost(host, environment.name, environment.connection_type)


def _result(order: Order, results: Sequence[HostResult]) -> JsonObject:
    count = len(results)
    return {
        "message": f"Image {order.shown} is at {count} {'host' if count == 1 else 'hosts'}",
        "image": order.shown,
        "digest": str(results[0].digest),
        "results": [result.json for result in results],
    }
