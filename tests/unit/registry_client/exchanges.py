"""One layer at a registry, and the two ways in which an exchange gets no answer."""

from __future__ import annotations

from lading.wire.message import (
    ConnectFailed,
    ConnectionLost,
)
from tests.fakes.registry_client import HOST, layer

CONTENT = bytes(range(200))
LAYER = layer(CONTENT)
LOST = ConnectionLost(HOST, "reset")
UNREACHED = ConnectFailed(HOST, "refused")
