"""A transport that is closed again, and a cancel nobody uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from lading.backends.http.transport import HttpTransport
from lading.engine.cancel import Cancellation
from lading.wire.endpoint import Endpoint

Opens = Callable[..., HttpTransport]


@pytest.fixture
def opens() -> Iterator[Opens]:
    """Makes transports: `opens(endpoint=…, environment=…)`; the endpoint counts for every host."""
    opened: list[HttpTransport] = []

    def make(endpoint: Endpoint | None = None, environment: Mapping[str, str] | None = None) -> HttpTransport:
        transport = HttpTransport(lambda host: endpoint or Endpoint(host), environment or {}, "lading/test")
        opened.append(transport)
        return transport

    yield make
    for transport in opened:
        transport.close()


@pytest.fixture
def transport(opens: Opens) -> HttpTransport:
    """One with nothing special."""
    return opens()


@pytest.fixture
def cancel() -> Cancellation:
    """One that nobody uses."""
    return Cancellation()
