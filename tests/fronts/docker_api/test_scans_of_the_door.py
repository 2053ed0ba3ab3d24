"""A pull at the door is scanned like any other, and says so in lines that every client of Docker's prints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fronts.docker_api.door import Door
from tests.fronts.docker_api.transfers import lines, pull, pulled, statuses

BEGUN = "Starting vulnerability scan..."


@pytest.fixture
def chosen(door: Door) -> Iterator[None]:
    """Our own scanner, which has no advisories here."""
    door.product.database.settings.put_setting("scanner", "osv")
    yield
    door.product.database.settings.remove_setting("scanner")


@pytest.mark.usefixtures("chosen")
def test_a_pull_tells_of_its_scan_before_its_end(door: Door, app: str) -> None:
    pulled(door, app)

    told = lines(pull(door, app, tag="1"))
    said = statuses(told)
    begun = said.index(BEGUN)
    assert said[begun + 1].startswith("Scan skipped - Not assessed")
    assert [text.partition(":")[0] for text in said[begun + 2 :]] == ["Digest", "Status"]
    assert all(set(line) == {"status"} for line in told[begun : begun + 2])
    assert "Pull complete" in said[:begun]


@pytest.mark.usefixtures("chosen")
def test_what_is_here_already_is_scanned_too(door: Door, app: str) -> None:
    pulled(door, app)
    pull(door, app, tag="1")

    said = statuses(lines(pull(door, app, tag="1")))
    assert BEGUN in said
    assert said[-1] == f"Status: Image is up to date for {app}:1"


def test_without_a_scanner_nothing_is_told(door: Door, app: str) -> None:
    pulled(door, app)

    assert BEGUN not in statuses(lines(pull(door, app, tag="1")))
