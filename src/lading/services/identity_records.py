"""What is remembered of users who come by single sign-on: IdentityRecords, the protocol that the database fulfils."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lading.services.user_records import UserRow


@dataclass(frozen=True, slots=True)
class Subject:
    """One person at one provider: the `issuer` is its URL, the `subject` what it never gives to another."""

    issuer: str
    subject: str


class IdentityRecords(Protocol):
    """Durable when a method returns. They go with their user. Every method raises StorageFailed."""

    def user_of(self, subject: Subject) -> int | None:
        """Whose it is; None where nobody came as this one yet."""

    def subject_of(self, user: int) -> Subject | None:
        """Who this user is at a provider; None where that is a user of ours alone."""

    def add_identified(self, make: Callable[[int], UserRow], subject: Subject) -> UserRow | None:
        """A new user who is this subject, in one transaction; `make` gets the user's id, and `created` of the row is
        also when it was first known. None where the subject has become somebody's meanwhile. Raises NameTaken."""
