"""Bytes a piece at a time: how large one is, and a buffer filled."""

from __future__ import annotations

from lading.wire.message import Reader

PIECE = 256 * 1024
"""Bytes read at a time."""


def fill(reader: Reader, buffer: memoryview) -> int:
    """Reads until the buffer is full or nothing comes any more; answers how many bytes came."""
    filled = 0
    while filled < len(buffer) and (count := reader.readinto(buffer[filled:])):
        filled += count
    return filled
