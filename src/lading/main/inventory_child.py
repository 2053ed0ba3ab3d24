"""The program that reads hostile layers in a process of its own: `python -P -m lading.main.inventory_child`.

Its standard input is a socket on which layers are handed to it (backends.inventories.messages). It stands here because
layers are unpacked as the content store unpacks archives, and backends do not know each other.
"""

from __future__ import annotations

import socket
import sys

from lading.backends.content_store.compression import look_ahead, unpacked
from lading.backends.inventories.child import serve
from lading.wire.message import Reader

COMMAND = (sys.executable, "-P", "-m", "lading.main.inventory_child")
"""Starts one, of this very installation, be it in the user's own folders; nothing comes from the working directory."""


def plain(layer: Reader) -> Reader:
    """The tar, however the layer is compressed, which its first bytes say better than its media type."""
    packing, whole = look_ahead(layer)
    return unpacked(whole, packing, "it")


if __name__ == "__main__":
    serve(socket.socket(fileno=sys.stdin.fileno()), plain)
