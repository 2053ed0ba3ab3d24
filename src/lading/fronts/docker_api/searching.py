"""GET /images/search: docker search, at Docker Hub or, where the term begins with a host, in that registry's list."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from lading.errors import InputInvalid
from lading.fronts.docker_api.answers import json_answer, warned
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.http.exchange import Answer
from lading.oci.reference import Repository, canonical_registry, check_registry, split_registry
from lading.services.registries.search import RepositoryFound
from lading.wire.docker_auth import FIELD, read_registry_auth
from lading.wire.docker_query import FilterInvalid, Filters

MOST, USUAL = 100, 25


class LimitInvalid(InputInvalid):
    """More or fewer results than are given at a time."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"invalid limit {self.text[:20]}: must be between 1 and {MOST}"


class TermMissing(InputInvalid):
    """Nothing to search for."""

    def __str__(self) -> str:
        return "invalid search term: it is empty"


def search(product: DockerProduct, request: DockerRequest) -> Answer:
    """Raises TermMissing, LimitInvalid, FilterInvalid, ReferenceInvalid, AccessDenied, NetworkFailed, Denied."""
    query = request.query
    registry, term = _place(query.one("term"))
    limit, filters = _limit(query.one("limit")), query.filters("is-official", "is-automated", "stars")
    wanted, login = _Wanted(filters), read_registry_auth(request.header(FIELD))
    environment = request.open(product).id
    found = product.errands.search(request.actor, environment, registry, term, login=login, cancel=request.cancel)
    rows = islice((_row(registry, each) for each in found if wanted.has(each)), limit)
    return json_answer(list(rows), fields=warned(login.warning))


def _place(text: str) -> tuple[str, str]:
    """The registry, and what to look for there. Raises TermMissing, ReferenceInvalid."""
    written, term = split_registry(text.strip())
    registry = canonical_registry(written)
    check_registry(text, registry)
    if not term:
        raise TermMissing
    return registry, term


def _limit(text: str) -> int:
    if not text or text == "0":
        return USUAL
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST:
        raise LimitInvalid(text)
    return int(text)


class _Wanted:
    """What the filters leave. Nothing is built automatically any more, so nobody finds any of it."""

    def __init__(self, filters: Filters) -> None:
        """Raises FilterInvalid."""
        self._official, self._automated = filters.truth("is-official"), filters.truth("is-automated")
        stars = filters.all("stars")
        if not all(each.isascii() and each.isdigit() for each in stars):
            raise FilterInvalid("stars", stars)
        self._stars = max((int(each[:9]) for each in stars), default=0)

    def has(self, found: RepositoryFound) -> bool:
        """Whether it passes all of them."""
        official = self._official is None or bool(found.official) is self._official
        return official and not self._automated and (found.stars or 0) >= self._stars


def _row(registry: str, found: RepositoryFound) -> Mapping[str, object]:
    return {
        "star_count": found.stars or 0,
        "is_official": bool(found.official),
        "name": Repository(registry, found.path).familiar,
        "is_automated": False,
        "description": found.description or "",
    }
