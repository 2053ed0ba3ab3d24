"""Images of Docker hosts pushed into our own registry on their way to another: so hosts move only the layers that we do
not have, and compress them themselves.

Each host has a repository of its own there, `lading-relays/<environment>`, to which a login lets it push that ends with
the push. The tag it pushes to is taken back at once, as our own store leases what is sent on; layers stay in the
repository for as long as it keeps uploads.

    lent a login ─> pushed by the host ─> name taken back at the host ─> login ended ─> leased ─> tag dropped ─> sent on

A host that cannot reach us is not asked to push for a while, and hands images out as archives.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from lading.errors import Cancelled, LadingError, NetworkFailed, TimedOut
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index
from lading.oci.reference import Reference, Repository
from lading.services.access import Permission
from lading.services.content.stores import OwnStore
from lading.services.environments.host_pushes import push_and_unname
from lading.services.environments.orders import Access, PushOrder
from lading.services.inventories.host_views import AtHost
from lading.services.reading import read_manifest
from lading.services.relays.packing import layers_of
from lading.services.relays.records import LayerRecords, place_of
from lading.services.relays.relays import Bring, Brought
from lading.services.repositories.logins import Purpose, RepositoryLogins
from lading.services.repositories.passing_tags import PassingTags
from lading.services.repositories.repositories import Repositories
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel
from lading.wire.progress import Report

log = logging.getLogger("lading.relays")

RELAYS = "lading-relays"
"""The first part of the names of hosts' repositories."""

TAG_START = "relay-"

TAG_DIGITS = 32

LOGIN_SECONDS = 24 * 60 * 60.0
"""A login that nobody took back, because the process was killed, ends by itself; a slow line takes long."""

AGAIN_SECONDS = 10 * 60.0
"""How long a host is not asked to push to us that could not."""


def _user_of(repository: str) -> str:
    """The repository's name, in letters that a user's may have; all of them are ours, so no two are spelled alike."""
    return repository.replace("/", "-")


FOR_RELAYS = Purpose(
    "one relay", frozenset({Permission.REPOSITORIES_PUSH, Permission.REPOSITORIES_PULL}), _user_of, LOGIN_SECONDS
)
"""Each login may push to the repository of one host, and nothing else."""


@dataclass(frozen=True, slots=True)
class StagingRegistry:
    """Our own registry: `endpoint` is what hosts call it, `logins` lends logins to push (None: nobody logs in), `tags`
    are those that pass through the repositories of hosts, and `own` is the store that it shares with our engine."""

    endpoint: Endpoint
    repositories: Repositories
    logins: RepositoryLogins | None
    tags: PassingTags
    own: Callable[[], OwnStore]


class Staged:
    """Fulfils services.relays.relays.Bring, for any number of threads."""

    def __init__(
        self,
        registry: StagingRegistry,
        layers: LayerRecords,
        otherwise: Bring,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """`otherwise` brings what cannot be pushed. `clock` tells seconds since 1970, `monotonic` seconds that only go
        forward."""
        self._registry, self._layers, self._otherwise = registry, layers, otherwise
        self._clock, self._monotonic = clock, monotonic
        self._unable: dict[int, float] = {}

    @contextmanager
    def __call__(self, host: AtHost, order: PushOrder, report: Report, cancel: Cancel) -> Iterator[Brought]:
        path, tag = f"{RELAYS}/{host.number}", _tag_of(host, order)
        root = self._pushed(host, order, Reference(Repository(self._registry.endpoint.host, path), tag), report, cancel)
        if root is None:
            with self._otherwise(host, order, report, cancel) as brought:
                yield brought
            return
        own = self._registry.own()
        with own.keeping((root.digest,)):
            self._registry.tags.drop(path, tag)
            self._learn(host.number, own, root)
            yield Brought(own, root)

    def _pushed(
        self, host: AtHost, order: PushOrder, reference: Reference, report: Report, cancel: Cancel
    ) -> Descriptor | None:
        """None where it cannot be pushed. An image without a name would go with the one that a push lends it."""
        summary = host.environment.image(host.image, cancel, host.platform).summary
        if not summary.names or self._monotonic() < self._unable.get(host.number, 0.0):
            return None
        try:
            return self._push(host, order, reference, report, cancel)
        except LadingError as error:
            self._registry.tags.drop(reference.repository.path, reference.tag or "")
            if isinstance(error, Cancelled | TimedOut):
                raise
            if isinstance(error, NetworkFailed):
                self._unable[host.number] = self._monotonic() + AGAIN_SECONDS
            log.info(
                "the Docker host of environment %d cannot push to us, and is asked for archives: %s", host.number, error
            )
            return None

    def _push(self, host: AtHost, order: PushOrder, reference: Reference, report: Report, cancel: Cancel) -> Descriptor:
        registry, path = self._registry, reference.repository.path
        with nullcontext() if registry.logins is None else registry.logins.lent(path) as credential:
            access = Access(registry.endpoint.host, registry.endpoint, credential)
            push = PushOrder(host.image, (reference,), access, order.wanted)
            digest = push_and_unname(host.environment, push, report, cancel)
        return registry.repositories.manifest(path, digest or reference.tag or "")

    def _learn(self, number: int, own: OwnStore, root: Descriptor) -> None:
        """Under which digests the host's layers are here: it packed them itself."""
        learned: dict[Digest, Descriptor] = {}
        waiting = [root]
        while waiting:
            document = read_manifest(own, waiting.pop())
            if isinstance(document, Index):
                waiting += [child for child in document.manifests if own.present(child.digest)]
            else:
                learned |= layers_of(own, document, document.layers)
        self._layers.learn(place_of(number), learned, self._clock())


def _tag_of(host: AtHost, order: PushOrder) -> str:
    """The same for the same push: one that is taken up again, after a kill, finds at the host the name that it was lent
    before, and takes it back."""
    what = "\n".join((host.image, str(host.platform or ""), *map(str, order.targets)))
    return TAG_START + Digest.of(what.encode()).encoded[:TAG_DIGITS]
