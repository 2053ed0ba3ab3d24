"""What several contract suites are run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from lading.backends.content_store.objects.bucket import Bucket
from lading.backends.content_store.objects.content import ObjectContent
from lading.backends.content_store.objects.local_turns import FileTurns
from tests.fakes.records import MemoryLeases
from tests.peers.s3_server import RunningS3


@pytest.fixture
def bucket(
    s3: RunningS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[MemoryLeases], ObjectContent]]:
    """Opens the same content again and again, with leases of one's own: each stands for a process. Only in a test
    marked `peer("weed")`."""
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    address = s3.address()
    with ExitStack() as stack:

        def opened(leases: MemoryLeases) -> ObjectContent:
            content = ObjectContent(Bucket.at(address), leases, FileTurns(tmp_path / "turns"))
            return stack.enter_context(closing(content))

        yield opened
