"""Images of Docker hosts brought here through our own registry, to be looked at.

A host that can reach our registry pushes to a repository of its own there, under a login that opens nothing else and
ends with the push. So of the next image only layers move that the last one did not have: the repository keeps blobs as
long as any upload is kept, and lets go of the manifest at once.

    lent a login ─> pushed by the host ─> name taken back at the host ─> login ended ─> read ─> manifest dropped

A host that cannot reach us after all hands the image out as an archive, and is not asked to push for a while.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass

from lading.engine.stores import TagUnknown
from lading.errors import Cancelled, LadingError, NotFound, Refused, TimedOut
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Reference, Repository
from lading.services.access import Permission
from lading.services.content.stores import Readable
from lading.services.environments.host_pushes import push_and_unname
from lading.services.environments.orders import Access, PushOrder
from lading.services.inventories.host_views import AtHost, HostContent
from lading.services.platforms import Wanted
from lading.services.repositories.logins import Purpose, RepositoryLogins
from lading.services.repositories.repositories import Repositories
from lading.services.secrets import unguessable
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Event

log = logging.getLogger("lading.scans")

STAGING = "lading-scans"
"""The user, the role and the first part of the repositories that staging needs."""

LOGIN_SECONDS = 60 * 60.0
"""A login that nobody took back, because the process was killed, ends by itself."""

AGAIN_SECONDS = 10 * 60.0
"""How long a host is not asked to push that could not."""

TAG_BYTES = 12


def _user_of(repository: str) -> str:
    """The repository's name, in letters that a user's may have; all of them are ours, so no two are spelled alike."""
    return repository.replace("/", "-")


FOR_SCANS = Purpose(
    "one scan", frozenset({Permission.REPOSITORIES_PUSH, Permission.REPOSITORIES_PULL}), _user_of, LOGIN_SECONDS
)
"""Each login may push to the staging repository of one environment, and nothing else."""


@dataclass(frozen=True, slots=True)
class _Staged:
    """Fulfils Readable: one image of a repository of ours."""

    repositories: Repositories
    repository: str
    root: Descriptor
    name: str = "the staging repository"
    verified: bool = True

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        return self.repositories.open(descriptor, offset, length)

    def resolve(self, name: str | Digest) -> Descriptor:
        if str(name) == str(self.root.digest):
            return self.root
        raise TagUnknown(str(name), self.name)

    def tags(self, after: str = "") -> Iterator[str]:
        return iter([name for name in [str(self.root.digest)] if name > after])


class Staging:
    """Fulfils HostContent, for any number of threads."""

    def __init__(
        self,
        registry: Endpoint,
        repositories: Repositories,
        logins: RepositoryLogins | None,
        otherwise: HostContent,
        *,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        """`registry` is what others call ours. `logins` None: nobody logs in. `otherwise` brings what cannot be pushed.
        `clock` tells seconds that only go forward."""
        self._registry, self._repositories, self._logins, self._otherwise = registry, repositories, logins, otherwise
        self._clock, self._random = clock, random
        self._unable: dict[int, float] = {}

    @contextmanager
    def __call__(self, wanted: AtHost, known: Collection[Digest], cancel: Cancel) -> Iterator[Readable]:
        repository = f"{STAGING}/{wanted.number}"
        staged = self._pushed(wanted, repository, cancel)
        if staged is None:
            with self._otherwise(wanted, known, cancel) as content:
                yield content
            return
        try:
            yield staged
        finally:
            with suppress(NotFound, Refused):  # somebody was faster, or has locked all there is
                self._repositories.delete_manifest(repository, staged.root.digest)

    def _pushed(self, wanted: AtHost, repository: str, cancel: Cancel) -> _Staged | None:
        """None where it cannot be pushed. An image without a name would go with the one that a push lends it."""
        summary = wanted.environment.image(wanted.image, cancel, wanted.platform).summary
        if not summary.names or self._clock() < self._unable.get(wanted.number, 0.0):
            return None
        tag = f"s{unguessable(self._random, TAG_BYTES)}"
        reference = Reference(Repository(self._registry.host, repository), tag)
        try:
            root = self._push(wanted, summary.id, reference, cancel)
        except (Cancelled, TimedOut):
            raise
        except LadingError as error:
            self._unable[wanted.number] = self._clock() + AGAIN_SECONDS
            log.info(
                "the Docker host of environment %d cannot push to us, and is asked for archives: %s",
                wanted.number,
                error,
            )
            return None
        return _Staged(self._repositories, repository, root)

    def _push(self, wanted: AtHost, image: str, reference: Reference, cancel: Cancel) -> Descriptor:
        repository = reference.repository.path
        with nullcontext() if self._logins is None else self._logins.lent(repository) as credential:
            access = Access(self._registry.host, self._registry, credential)
            platform = None if wanted.platform is None else Wanted(platforms=(wanted.platform,))
            push_and_unname(wanted.environment, PushOrder(image, (reference,), access, platform), _untold, cancel)
        return self._repositories.manifest(repository, reference.tag or "")


def _untold(_event: Event) -> None:
    """What is staged is the first part of a scan's own progress."""
