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
