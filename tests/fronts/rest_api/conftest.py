"""One running product for the tests of a module: each makes rows of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fronts.rest_api import caller


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[caller.House]:
    """With an admin."""
    with caller.house(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture(scope="module")
def registry(house: caller.House) -> int:
    """The product's own, as a configured one."""
    return house.own_registry()


@pytest.fixture(scope="module")
def image(house: caller.House) -> str:
    """The id of team/app:1."""
    return house.load("team/app:1", label="pushed")
