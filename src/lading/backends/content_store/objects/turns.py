"""How processes that share a bucket keep out of each other's way. An object store has no locks: their database has."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from lading.wire.message import Cancel

COLLECTING, CHECKING = "collecting", "checking"
"""Locks of whoever collects garbage, or compares blobs with their names."""


class Lock(Protocol):
    """Something that is ours alone, until it is let go of or its process is silent for long."""

    @property
    def owner(self) -> str:
        """What no other lock has, before or after."""

    @property
    def stands(self) -> bool:
        """Whether it is still ours: a process that was frozen may have lost it."""

    def release(self) -> None:
        """Harmless twice, and where it was lost."""


class Alone(Protocol):
    """The gate, while nobody else is in it."""

    def has(self, lock: Lock) -> bool:
        """Whether we are still alone in it, and the lock is still ours: asked now of who keeps both. Raises
        StorageFailed where that cannot be told."""


class Turns(Protocol):
    """For any thread. Every method raises StorageFailed."""

    def claim(self, name: str) -> Lock | None:
        """None where somebody else has it."""

    def shared(self) -> AbstractContextManager[None]:
        """The gate: inside, which is short, nobody has it exclusively. Waits: exclusive holders are quick."""

    def exclusive(self) -> AbstractContextManager[Alone]:
        """Inside, nobody else is in the gate at all."""


LOOK_AGAIN_SECONDS = 0.25


def claimed(turns: Turns, name: str, cancel: Cancel) -> Lock:
    """The lock, once nobody else has it. Raises Cancelled, StorageFailed."""
    while (lock := turns.claim(name)) is None:
        cancel.wait(LOOK_AGAIN_SECONDS)
    return lock


def claimed_soon(turns: Turns, name: str, cancel: Cancel, patience_seconds: float) -> Lock | None:
    """None where somebody else still has it after so long. Raises Cancelled, StorageFailed."""
    waited = 0.0
    while (lock := turns.claim(name)) is None and waited < patience_seconds:
        cancel.wait(LOOK_AGAIN_SECONDS)
        waited += LOOK_AGAIN_SECONDS
    return lock
