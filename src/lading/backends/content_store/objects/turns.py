"""How processes that share a bucket keep out of each other's way. An object store has no locks: their database has.

A lock may carry a note, which whoever has it leaves for the next: that one begins where the last one ended, and asks
the object store for nothing. A lock with a note stays when it is let go of; it goes when somebody ends it.
"""

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
    def note(self) -> str | None:
        """What was left for us; None where nobody ever left anything."""

    @property
    def stands(self) -> bool:
        """Whether it is still ours, as far as we know: a process that was frozen may have lost it."""

    def ours(self) -> bool:
        """Whether it is still ours: asked now of who keeps it. Raises StorageFailed."""

    def keep(self, note: str) -> bool:
        """Has this note for the next one, and goes on. False where it was lost or ended: then it is left by nobody.
        It outlives this process when this returns. Raises StorageFailed."""

    def leave(self, note: str) -> bool:
        """Lets go of it, with this note for the next one. False where it was lost or ended: then nothing is left.
        It outlives this process when this returns. Raises StorageFailed."""

    def end(self) -> None:
        """Lets go of it, and its note goes, too. Harmless where it was lost. Raises StorageFailed: then the note stays,
        so nothing that it speaks of may go."""

    def release(self) -> None:
        """Lets go of it; a note stays as it was. Harmless twice, and where it was lost."""


class Alone(Protocol):
    """The gate, while nobody else is in it."""

    def has(self, lock: Lock) -> bool:
        """Whether we are still alone in it, and the lock is still ours: asked now of who keeps both. Raises
        StorageFailed where that cannot be told."""


class Turns(Protocol):
    """For any thread. Every method raises StorageFailed."""

    def claim(self, name: str) -> Lock | None:
        """None where somebody else has it."""

    def begin(self, name: str, note: str) -> bool:
        """A lock with this note, which nobody has yet. False where there is one of this name."""

    def note(self, name: str) -> str | None:
        """What was left there last, whoever has it now."""

    def drop(self, name: str) -> bool:
        """Whether there was such a lock: it is gone with its note, also for who has it."""

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
