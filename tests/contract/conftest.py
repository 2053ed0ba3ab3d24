"""What several contract suites are run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from lading.backends.content_store.objects.content import ObjectContent
from lading.backends.content_store.objects.local_turns import FileTurns
from tests.fakes.counted_bucket import CountedBucket
from tests.fakes.records import MemoryLeases
from tests.peers.s3_server import RunningS3


@pytest.fixture
def address(s3: RunningS3, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of an empty place in a bucket. Only in a test marked `peer("weed")`."""
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    return s3.address()


@pytest.fixture
def bucket(address: str, tmp_path: Path) -> Iterator[Callable[[MemoryLeases], ObjectContent]]:
    """Opens the same content again and again, with leases of one's own: each stands for a process. Only in a test
    marked `peer("weed")`."""
    with ExitStack() as stack:

        def opened(leases: MemoryLeases) -> ObjectContent:
            content = ObjectContent(CountedBucket.at(address), leases, FileTurns(tmp_path / "turns"))
            return stack.enter_context(closing(content))

        yield opened
