"""What doors write down of requests that failed: what somebody has to look after, and nothing twice."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from lading.backends.content_store.storage import BytesLost, SpaceLow
from lading.backends.database.failures import DatabaseAway
from lading.errors import LadingError, NotFound
from lading.fronts.http.exchange import IncomingRequest, Peer
from lading.fronts.http.failures import log_failure
from tests.fakes.places import NEVER
from tests.fronts.registry_api.asking import GivenBody

log = logging.getLogger("lading.door")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BytesLost(Path("/data/blobs/ab"), "input/output error"), [("PUT /v2/: input/output error", True)]),
        (SpaceLow(Path("/data"), 1, 2), [("PUT /v2/: /data takes nothing new: 1 bytes are free, and 2", False)]),
        (DatabaseAway("postgresql://db/lading", "connection refused"), []),
        (NotFound("x"), []),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, LadingError) else "",
)
def test_only_what_failed_for_good_is_told_with_its_place(
    error: LadingError, told: list[tuple[str, bool]], caplog: pytest.LogCaptureFixture
) -> None:
    request = IncomingRequest("PUT", "/v2/", "", {}, GivenBody(b"", length=0), Peer.local(0, 1), NEVER)

    try:
        raise error
    except LadingError as caught:
        log_failure(log, request, caught)

    lines = [(record.getMessage(), record.exc_info is not None) for record in caplog.records]
    assert len(lines) == len(told)
    for (said, traced), (begins, place) in zip(lines, told, strict=True):
        assert (said.startswith(begins), traced) == (True, place)
