"""Who somebody is, or still is: by the API token that is shown, by a name beside a password that was found right, by a
registry token, which names a user and perhaps an API token.

The rows say; they are looked up once, and then remembered for as long as nobody commits anything. Nobody is not
remembered: anybody can make up names and tokens.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from lading.services.access import Actor, Grant
from lading.services.changes import Changes, Remembered
from lading.services.identity.login_records import TokenRecords, TokenRow
from lading.services.identity.user_records import UserRecords, UserRow

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Known:
    """An active user with the grants of this moment; `token` is the API token, where one stands for the user; `actor`
    comes from nowhere yet."""

    user: UserRow
    grants: tuple[Grant, ...] = field(repr=False)
    token: TokenRow | None = None
    proof: str = field(default="", repr=False)
    actor: Actor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        actor = Actor(self.user.name, self.grants, self.user.id, proof=self.proof)
        if self.token is not None:
            actor = replace(actor, token=self.token.id, scopes=self.token.scopes)
        object.__setattr__(self, "actor", actor)


def proof_of(user: UserRow, token: TokenRow | None = None) -> str:
    """Of what a login was made with: another one after a new password, or for another API token. A stored hash has a
    random salt, or is of something random, so nothing can be guessed from this."""
    shown = user.password_hash if token is None else token.hash
    digest = hmac.digest((shown or "").encode(), b"lading login proof", "sha256")
    return base64.urlsafe_b64encode(digest[:15]).decode("ascii")


class _Nobody(Exception):
    """What is asked for stands for nobody: what a look raises is not remembered."""


class Standing:
    """For any number of threads. Every method raises StorageFailed."""

    def __init__(self, users: UserRecords, tokens: TokenRecords, changes: Changes, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since 1970."""
        self._users, self._tokens, self._clock = users, tokens, clock
        self._known = Remembered(changes, self._look)
        self._named = Remembered(changes, self._look_for_name)
        self._shown = Remembered(changes, self._look_for_hash)

    def of(self, user: int, token: int | None) -> Known | None:
        """None where the user is gone or inactive, or the API token is gone or has expired."""
        return self._standing(self._known, (user, token))

    def named(self, name: str) -> Known | None:
        """None where the user is gone or inactive."""
        return self._standing(self._named, name)

    def shown(self, hashed: str) -> Known | None:
        """By an API token's stored hash; None as `of`."""
        return self._standing(self._shown, hashed)

    def is_over(self, known: Known) -> bool:
        """Whether its API token has expired: nobody commits anything for that."""
        expires = None if known.token is None else known.token.expires
        return expires is not None and self._clock() >= expires

    def _standing(self, remembered: Remembered[K, Known], key: K) -> Known | None:
        try:
            known = remembered.of(key)
        except _Nobody:
            return None
        return None if self.is_over(known) else known

    def _look(self, key: tuple[int, int | None]) -> Known:
        user, token = key
        row = None if token is None else self._tokens.token(token)
        if token is not None and (row is None or row.user != user):
            raise _Nobody
        return self._of(self._users.user(user), row)

    def _look_for_name(self, name: str) -> Known:
        return self._of(self._users.user_named(name))

    def _look_for_hash(self, hashed: str) -> Known:
        row = self._tokens.token_hashed(hashed)
        if row is None:
            raise _Nobody
        return self._of(self._users.user(row.user), row)

    def _of(self, user: UserRow | None, token: TokenRow | None = None) -> Known:
        if user is None or not user.active:
            raise _Nobody
        return Known(user, tuple(self._users.grants_of(user.id)), token, proof_of(user, token))
