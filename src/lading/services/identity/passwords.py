"""Passwords: the rules for a new one, and the protocol of what keeps them unreadable."""

from __future__ import annotations

import unicodedata
from enum import Enum
from typing import Protocol

from lading.errors import InputInvalid, Refused

SHORTEST_PASSWORD = 12
"""Characters. Length is what counts (NIST SP 800-63B, 3.1.1.2); no rule asks for kinds of characters."""

LONGEST_PASSWORD = 1000
"""Characters: more is no login but an attempt to keep us busy."""


class PasswordInvalid(InputInvalid):
    """A new password that cannot be taken."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule

    def __str__(self) -> str:
        return f"the password {self.rule}"


class PasswordsBusy(Refused):
    """More logins are being checked than fit into memory at once."""

    code = "busy"
    hint = "Try again in a few seconds."

    def __str__(self) -> str:
        return "too many logins are being checked right now"


class Checked(Enum):
    """What came of a password. STALE is right, and its hash should be made anew: it was made with older parameters."""

    WRONG = "wrong"
    RIGHT = "right"
    STALE = "stale"


class Passwords(Protocol):
    """Slow by design, and for any number of threads: a few at a time. Raises PasswordsBusy."""

    def hash(self, password: str) -> str:
        """Text that `check` knows it by, different each time."""

    def check(self, hash: str | None, password: str) -> Checked:  # noqa: A002  it is one
        """WRONG for no hash at all, after the same work: the time tells nobody which users there are."""


def new_password(password: str, user: str) -> str:
    """As it is hashed. Raises PasswordInvalid."""
    text = as_typed(password)
    if text is None:
        raise PasswordInvalid("must be text")
    if len(text) < SHORTEST_PASSWORD:
        raise PasswordInvalid(f"must have {SHORTEST_PASSWORD} characters or more")
    if len(text) > LONGEST_PASSWORD:
        raise PasswordInvalid(f"must have at most {LONGEST_PASSWORD} characters")
    if text.casefold() == user.casefold() or len(set(text)) == 1:
        raise PasswordInvalid("is one of the first that anybody would try")
    return text


def as_typed(password: str) -> str | None:
    """In the one spelling that every keyboard's letters have (RFC 8265, 4.2.1); None for what nobody can type."""
    if len(password) > LONGEST_PASSWORD * 4:
        return None
    text = unicodedata.normalize("NFC", password)
    return None if any("\ud800" <= character <= "\udfff" for character in text) else text
