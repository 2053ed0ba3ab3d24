"""Looking for repositories in a registry. Docker Hub searches by itself; of another the list is read; and where it has
none for us, the one that is called so is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Protocol

from lading.errors import AccessDenied, NotFound, Refused
from lading.oci.reference import HUB, ReferenceInvalid, Repository
from lading.services.environments.orders import Access
from lading.wire.hub_search import Hit
from lading.wire.message import Cancel

MOST_NAMES = 10_000
"""Repositories or tags read from a registry for one answer: a search for more of the name finds what is beyond."""


@dataclass(frozen=True, slots=True)
class RepositoryFound:
    """A repository's path; what Docker Hub says of it, where it is there."""

    path: str
    description: str | None = None
    stars: int | None = None
    official: bool | None = None


class SearchedRegistry(Protocol):
    """Every method raises AccessDenied, NetworkFailed and their like."""

    def repositories(self, access: Access, cancel: Cancel) -> Iterator[str]:
        """The catalog. Raises NotFound, Refused or AccessDenied where there is none for us."""

    def search_hub(self, access: Access, term: str, cancel: Cancel) -> Sequence[Hit]:
        """Public repositories of Docker Hub, the best first."""

    def tags(self, access: Access, repository: Repository, cancel: Cancel) -> Iterator[str]:
        """Raises NotFound."""


def search(
    registry: SearchedRegistry, access: Access, term: str, called: Callable[[str], Repository], cancel: Cancel
) -> Iterator[RepositoryFound]:
    """Repositories whose path holds `term`; `called` makes the one of that name, and raises ReferenceInvalid where
    none can be called so. Raises NetworkFailed, AccessDenied."""
    if access.endpoint.host == HUB:
        hits = registry.search_hub(access, term, cancel)
        yield from (RepositoryFound(hit.repository.path, hit.description, hit.stars, hit.official) for hit in hits)
        return
    names = listed(registry, access, cancel)
    if names is None:
        yield from _called(registry, access, term, called, cancel)
        return
    named = term.lower()
    yield from (RepositoryFound(path) for path in names if named in path)


def listed(registry: SearchedRegistry, access: Access, cancel: Cancel) -> Iterator[str] | None:
    """The catalog; None where there is none for us. Raises NetworkFailed, also when it breaks off, and AccessDenied and
    the like only then."""
    names = registry.repositories(access, cancel)
    try:
        first = list(islice(names, 1))
    except (NotFound, Refused, AccessDenied):
        return None
    return chain(first, names)


def _called(
    registry: SearchedRegistry, access: Access, term: str, called: Callable[[str], Repository], cancel: Cancel
) -> Iterator[RepositoryFound]:
    try:
        repository = called(term)
        next(registry.tags(access, repository, cancel), None)
    except (ReferenceInvalid, NotFound):
        return
    yield RepositoryFound(repository.path)
