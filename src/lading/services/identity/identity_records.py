"""What is remembered of users who come by single sign-on: IdentityRecords, the protocol that the database fulfils."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lading.services.identity.user_records import UserRow


@dataclass(frozen=True, slots=True)
class Subject:
    """One person at one provider: the `issuer` is its URL, the `subject` what it never gives to another."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class SignedOn:
    """How a user comes who is one of a provider's: its URL, and when last, in seconds since 1970; None where that was
    not written down yet."""

    issuer: str
    last: float | None


class IdentityRecords(Protocol):
    """Durable when a method returns. They go with their user. Every method raises StorageFailed."""

    def user_of(self, subject: Subject) -> int | None:
        """Whose it is; None where nobody came as this one yet."""

    def signed_on(self, user: int | None = None) -> Mapping[int, SignedOn]:
        """By the user's id: of this user, or of all; without those who are ours alone."""

    def came(self, subject: Subject, at: float) -> None:
        """A login of it; nothing where it is nobody any more."""

    def add_identified(self, make: Callable[[int], UserRow], subject: Subject) -> UserRow | None:
        """A new user who is this subject, in one transaction; `make` gets the user's id, and `created` of the row is
        also when it was first known. None where the subject has become somebody's meanwhile. Raises NameTaken."""
