"""Looking for repositories: in the list where there is one, else by their whole name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import AccessDenied, LadingError, NotFound, Refused
from lading.oci.reference import HUB, Repository, check_path
from lading.services.environments.orders import Access
from lading.services.registries.search import RepositoryFound, search
from lading.wire.endpoint import Endpoint
from lading.wire.hub_search import Hit
from lading.wire.message import Cancel

HOST = "registry.test"


@dataclass
class Registry:
    """Lists what it `lists` until it says no; holds what has tags."""

    lists: Sequence[str] = ()
    says: LadingError | None = None
    tagged: dict[str, Sequence[str]] = field(default_factory=dict)
    hits: Sequence[Hit] = ()

    def repositories(self, access: Access, cancel: Cancel) -> Iterator[str]:
        yield from self.lists
        if self.says is not None:
            raise self.says

    def search_hub(self, access: Access, term: str, cancel: Cancel) -> Sequence[Hit]:
        return self.hits

    def tags(self, access: Access, repository: Repository, cancel: Cancel) -> Iterator[str]:
        if repository.path not in self.tagged:
            raise NotFound
        yield from self.tagged[repository.path]

    def find(self, term: str, host: str = HOST) -> Iterator[RepositoryFound]:
        def called(path: str) -> Repository:
            check_path(path, path)
            return Repository(host, path)

        return search(self, Access(host, Endpoint(host)), term, called, Cancellation())


def paths(found: Iterator[RepositoryFound]) -> list[str]:
    return [each.path for each in found]


def test_of_a_list_those_whose_path_holds_the_term() -> None:
    assert paths(Registry(["team/app", "team/other", "app"]).find("APP")) == ["team/app", "app"]


def test_docker_hub_searches_by_itself() -> None:
    hit = Hit(Repository(HUB, "library/alpine"), "small", 5, True)

    assert list(Registry(hits=[hit]).find("alp", HUB)) == [RepositoryFound("library/alpine", "small", 5, True)]


@pytest.mark.parametrize("no", [NotFound(), Refused(), AccessDenied()])
def test_where_none_is_listed_the_one_called_so(no: LadingError) -> None:
    registry = Registry(says=no, tagged={"team/app": ["1"], "empty": []})

    assert paths(registry.find("team/app")) == ["team/app"]
    assert paths(registry.find("empty")) == ["empty"]
    assert paths(registry.find("app")) == paths(registry.find("No Name")) == paths(registry.find("")) == []


def test_a_list_that_breaks_off_is_no_missing_list() -> None:
    """What came before is not told a second time, nor taken for all there is."""
    found = Registry(["app", "app/more"], AccessDenied(), {"app": ["1"]}).find("app")

    assert [next(found).path, next(found).path] == ["app", "app/more"]
    with pytest.raises(AccessDenied):
        next(found)
