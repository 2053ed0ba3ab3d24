"""A hub on a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.edge_bench import EdgeBench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[EdgeBench]:
    with closing(EdgeBench(tmp_path)) as made:
        yield made
