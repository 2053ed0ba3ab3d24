"""What is remembered of sessions and API tokens: SessionRecords, TokenRecords, and their rows.

Neither keeps what a client shows: only a hash of it, by which it is found. Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One person's login. `hash` is of the cookie's value; `seen` is when it was last used, `address` from where it was
    made."""

    hash: str = field(repr=False)
    user: int
    created: float
    seen: float
    expires: float
    address: str = ""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One API token. `scopes` None: all that its user may; `expires` None: never; `used` None: not yet. `prefix` is how
    the token begins, by which people tell theirs apart."""

    id: int
    user: int
    name: str
    hash: str = field(repr=False)
    created: float
    scopes: frozenset[str] | None = None
    expires: float | None = None
    used: float | None = None
    prefix: str = ""


class SessionRecords(Protocol):
    """Rows by hash. They go with their user. Every method raises StorageFailed."""

    def add_session(self, session: SessionRow) -> bool:
        """False where its user is gone meanwhile."""

    def session(self, hash: str) -> SessionRow | None:  # noqa: A002  the row's own word
        """None where there is none. Whether it has expired is the caller's question."""

    def sessions_of(self, user: int) -> Sequence[SessionRow]:
        """The most recently seen first."""

    def touch_session(self, hash: str, seen: float, expires: float) -> bool:  # noqa: A002  the row's own word
        """It was used. False where it is gone."""

    def remove_session(self, hash: str) -> bool:  # noqa: A002  the row's own word
        """Whether there was one."""

    def remove_sessions(self, user: int, but: str | None = None) -> int:
        """All of this user's, but the one with this hash. Returns how many."""

    def forget_sessions(self, before: float) -> int:
        """Drop those that expired before then. Returns how many."""


class TokenRecords(Protocol):
    """Rows by id, and by hash. They go with their user. Every method raises StorageFailed."""

    def tokens(self, user: int | None = None) -> Sequence[TokenRow]:
        """This user's, or everybody's, in order of id."""

    def token(self, id: int) -> TokenRow | None:  # noqa: A002  the row's own word
        """None where there is none."""

    def token_hashed(self, hash: str) -> TokenRow | None:  # noqa: A002  the row's own word
        """None where there is none. Whether it has expired is the caller's question."""

    def add_token(self, make: Callable[[int], TokenRow]) -> TokenRow | None:
        """A new row; `make` gets its id. None where its user is gone meanwhile."""

    def use_token(self, id: int, used: float) -> None:  # noqa: A002  the row's own word
        """It was used then; an earlier time than the one kept changes nothing."""

    def remove_token(self, id: int) -> bool:  # noqa: A002  the row's own word
        """Whether there was one."""

    def forget_tokens(self, before: float) -> int:
        """Drop those that expired before then. Returns how many."""
