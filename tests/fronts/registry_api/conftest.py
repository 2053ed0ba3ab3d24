"""The /v2/ door over a real content folder and rows in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.fronts.registry_api.serving import registry_application
from tests.fakes.records import MemoryLeases
from tests.fakes.repository_records import MemoryRecords
from tests.fronts.registry_api.asking import Asker


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asker]:
    """An empty registry to be asked."""
    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        yield Asker(registry_application(MemoryRecords(), content))
