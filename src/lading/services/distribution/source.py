"""The image of a distribution in our own registry, from where hosts fetch it.

An image that is there stays where it is. One of an environment passes through a repository of its own under a tag of
this job: our own engine's as rows, as both share one content store; a Docker host's is pushed by that host, under a
login that ends with the push. Afterwards the tag goes and with it the manifest, unless another distribution of the same
image uses it; layers stay for a while, so of the next version only what is new moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from lading.engine.arrival import Destination
from lading.engine.copy import copy
from lading.engine.holders import NoLocations
from lading.engine.records import ImageNames
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.image_config import ConfigInvalid
from lading.oci.manifest import Index
from lading.oci.media_types import is_image_config
from lading.oci.platform import Platform
from lading.oci.reference import Reference, Repository
from lading.services.content.stores import OwnStore
from lading.services.distribution.forms import DISTRIBUTED, STAGING_START, Order
from lading.services.distribution.logins import FETCHING, SENDING
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.host_pushes import push_and_unname
from lading.services.environments.orders import Access, PushOrder
from lading.services.lookup import Lookup
from lading.services.platforms import UNSAID, Wanted, images_of
from lading.services.reading import read_config, read_manifest
from lading.services.repositories.logins import RepositoryLogins
from lading.services.repositories.own_repository import OwnRepository
from lading.services.repositories.passing_tags import PassingTags
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.repositories import Repositories
from lading.services.transfers.distribution_results import host_failed
from lading.services.transfers.selection import choose_to_send, whole
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel
from lading.wire.progress import Event, Report

LANES = 5
"""Rows that are written at a time where no bytes move."""


@dataclass(frozen=True, slots=True)
class OwnRegistry:
    """Our own registry, as its hosts know it: `endpoint` is its public address. `lending` and `sending` lend logins to
    pull from one repository, and to push to one; None: nobody logs in."""

    endpoint: Endpoint
    repositories: Repositories
    lending: RepositoryLogins | None
    sending: RepositoryLogins | None

    @property
    def host(self) -> str:
        """host[:port]."""
        return self.endpoint.host

    def access(self, credential: Credential | None) -> Access:
        """For a host, with the login that it is lent."""
        return Access(self.host, self.endpoint, credential)

    def lent(self, path: str) -> AbstractContextManager[Credential | None]:
        """A login to pull from this repository, good while inside."""
        return nullcontext() if self.lending is None else self.lending.lent(path)

    def lent_to_push(self, path: str) -> AbstractContextManager[Credential | None]:
        """A login to push to this repository, good while inside."""
        return nullcontext() if self.sending is None else self.sending.lent(path)

    def forget(self, path: str) -> None:
        """No host needs a login of this repository any more. Raises StorageFailed."""
        for logins in filter(None, (self.lending, self.sending)):
            logins.forget(path)

    def forget_unused(self) -> None:
        """The users that a process left behind which was killed. Raises StorageFailed."""
        for logins, start in ((self.lending, FETCHING), (self.sending, SENDING)):
            if logins is not None:
                logins.forget_unused(f"{start}-")


@dataclass(frozen=True, slots=True)
class Engine:
    """Our own engine, as far as its images go to the registry beside it."""

    own: Callable[[], OwnStore]
    names: Callable[[], ImageNames]


@dataclass(frozen=True, slots=True)
class SourceHost:
    """A Docker host that has the image, as people call it."""

    environment: Environment
    name: str
    connection: ConnectionType


@dataclass(frozen=True, slots=True)
class Ready:
    """What hosts fetch: `reference` is its name at the registry, `root` what that stands for. `passing`: the name is
    this job's, and goes with it. `platforms` are those that it was built for, as far as that is known."""

    reference: Reference
    root: Descriptor
    passing: bool
    platforms: Sequence[Platform]


class Sources:
    """For any number of threads."""

    def __init__(
        self, registry: OwnRegistry, records: RepositoryRecords, engine: Engine, clock: Callable[[], float]
    ) -> None:
        """`records` are those of the registry's repositories; `clock` tells seconds since 1970."""
        self._registry, self._engine = registry, engine
        self._tags = PassingTags(registry.repositories, records, DISTRIBUTED, STAGING_START, clock)

    @contextmanager
    def ready(self, order: Order, source: SourceHost | None, report: Report, cancel: Cancel) -> Iterator[Ready]:
        """In the registry while inside. `source` is the Docker host that has the image; None: our own engine does, or
        the registry. Raises ManifestUnknown, ImageUnknown, PlatformsIncomplete, and what a push does."""
        try:
            if order.digest is not None:
                yield self._there(order, order.digest)
            else:
                with self._passing(order, source, report, cancel) as ready:
                    yield ready
        finally:
            self._registry.forget(order.path)

    def _there(self, order: Order, digest: Digest) -> Ready:
        root = self._registry.repositories.manifest(order.path, digest)
        return self._named(Reference(self._repository(order), digest=digest), root, passing=False)

    @contextmanager
    def _passing(self, order: Order, source: SourceHost | None, report: Report, cancel: Cancel) -> Iterator[Ready]:
        reference = Reference(self._repository(order), order.staging)
        try:
            if source is None:
                brought: Digest | None = self._bring(order, cancel)
            else:
                brought = self._have_pushed(order, reference, source, report, cancel)
            root = self._registry.repositories.manifest(order.path, brought or order.staging)
            yield self._named(reference, root, passing=True)
        finally:
            self._tags.drop(order.path, order.staging)

    def _bring(self, order: Order, cancel: Cancel) -> Digest:
        """What it brought. No byte moves, so there is nothing to tell of. Raises what `choose_to_send` does,
        ImageUnknown, IdAmbiguous, and the copy's error."""
        own, image = self._engine.own(), Lookup(self._engine.names()).find(order.image)
        with own.keeping((image.root.digest,)):
            chosen = choose_to_send(own, image.root, Wanted.of(order.platform) or UNSAID, whole(own))
            target = OwnRepository(self._registry.repositories, order.path)
            (arrival,) = copy(
                chosen.source,
                chosen.root,
                [Destination(order.path, target, (order.staging,))],
                referrers=None,
                locations=NoLocations(),
                lanes=LANES,
                report=_untold,
                cancel=cancel,
            )
        if arrival.error is not None:
            raise arrival.error
        return chosen.root.digest

    def _have_pushed(
        self, order: Order, reference: Reference, source: SourceHost, report: Report, cancel: Cancel
    ) -> Digest | None:
        """What the host says that it pushed."""
        with self._registry.lent_to_push(order.path) as credential:
            access = self._registry.access(credential)
            push = PushOrder(order.image, (reference,), access, Wanted.of(order.platform))
            try:
                return push_and_unname(source.environment, push, report, cancel)
            except LadingError as error:
                raise host_failed(error, source.connection, self._registry.host, source.name) from error

    def forget_left(self) -> None:
        """What processes left behind that were killed while they distributed, once it is so old that nobody uses it.
        Raises StorageFailed."""
        self._tags.forget_left()
        self._registry.forget_unused()

    def _repository(self, order: Order) -> Repository:
        return Repository(self._registry.host, order.path)

    def _named(self, reference: Reference, root: Descriptor, *, passing: bool) -> Ready:
        store = OwnRepository(self._registry.repositories, reference.repository.path)
        return Ready(reference, root, passing, _platforms(store, root))


def _untold(_event: Event) -> None:
    """Rows are written in less time than it takes to read of it."""


def _platforms(store: OwnRepository, root: Descriptor) -> Sequence[Platform]:
    """Those that it was built for; none where it does not say: then hosts find out."""
    document = read_manifest(store, root)
    if isinstance(document, Index):
        return [child.platform for child in images_of(document) if child.platform is not None]
    if not is_image_config(document.config.media_type):
        return ()
    try:
        return [read_config(store, document).platform]
    except ConfigInvalid:
        return ()
