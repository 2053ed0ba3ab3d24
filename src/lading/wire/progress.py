"""What is told while work runs: one vocabulary for the terminal, JSON lines, server-sent events and Docker's lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lading.oci.digest import Digest


class State(StrEnum):
    """Where one piece stands. The last four end it."""

    WAITING = "waiting"
    CHECKING = "checking"
    MOVING = "moving"
    RETRYING = "retrying"
    COMMITTING = "committing"
    UNPACKING = "unpacking"
    EXISTS = "exists"
    MOUNTED = "mounted"
    DONE = "done"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of this piece."""
        return self in {State.EXISTS, State.MOUNTED, State.DONE, State.FAILED}


class Kind(StrEnum):
    """What a piece is to people."""

    LAYER = "layer"
    CONFIG = "config"
    MANIFEST = "manifest"
    INDEX = "index"


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing to move.

    `id` is its digest, or a daemon's short id where the content is never seen. `size` is in bytes, None while unknown.
    `label` is the history line that made it.
    """

    id: str
    kind: Kind = Kind.LAYER
    size: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """These pieces belong to the work for `target`. May come again as more is learned, never twice for one piece."""

    target: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Advanced:
    """A piece is in this state with `current` bytes held by the target, `kept` of them from an earlier attempt.

    `detail` says mounted from where, or retried because of what; `seconds` is the time to the next attempt.
    """

    target: str
    id: str
    state: State
    current: int = 0
    total: int | None = None
    kept: int = 0
    detail: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing moves to or from `host` before `until`, seconds since 1970 (None: not said): its rate limit."""

    host: str
    reason: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Tagged:
    """`tag` at `target` was read back and is `digest`, a manifest of `size` bytes: only this means success."""

    target: str
    tag: str
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Noted:
    """Something a person should read beside the bars: the login used, `1 of 9 platforms`, what is left out. A `warning`
    is to be read even by who wants no bars."""

    target: str
    text: str
    warning: bool = False


Event = Planned | Advanced | Held | Tagged | Noted
Report = Callable[[Event], None]
"""Takes the next event: called by one thread at a time, in order; returns at once and never raises."""
