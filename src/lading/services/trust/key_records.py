"""Accepted public keys as rows: TrustKeyRecords, the protocol that the database fulfils."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lading.errors import Refused


@dataclass(frozen=True, slots=True)
class TrustKeyRow:
    """A key that rules of repositories may name. `public` is a PEM text, `key_id` its name in signatures; `created` is
    in seconds since 1970, `created_by` who accepted it."""

    id: int
    name: str
    public: str = field(repr=False)
    key_id: str
    created: float
    created_by: str


class TrustKeyInUse(Refused):
    """Rules of repositories name the key: without it they would be about nobody."""

    hint = "Take the key out of the rules first."

    def __init__(self, name: str, repositories: Sequence[str]) -> None:
        super().__init__(name, repositories)
        self.name, self.repositories = name, tuple(repositories)

    def __str__(self) -> str:
        first, more = self.repositories[:5], len(self.repositories) - 5
        named = ", ".join(first) + (f" and {more} more" if more > 0 else "")
        return f"the key {self.name!r} is named by the trust rule of {named}"


class TrustKeyRecords(Protocol):
    """For any number of threads and processes. Raises StorageFailed."""

    def all_keys(self) -> Sequence[TrustKeyRow]:
        """In order of id."""

    def key(self, id: int) -> TrustKeyRow | None:  # noqa: A002  a row's own word
        """None where there is none."""

    def add_key(self, make: Callable[[int], TrustKeyRow]) -> TrustKeyRow:
        """Raises NameTaken."""

    def remove_key(self, id: int) -> bool:  # noqa: A002  a row's own word
        """Whether there was one. No rule comes to name it meanwhile. Raises TrustKeyInUse."""
