"""Who somebody still is, who was known a while ago: by a registry token, which names a user and perhaps an API token.

The rows say; they are looked up once, and then remembered for as long as nobody commits anything.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lading.services.access import Actor, Grant
from lading.services.changes import Changes, Remembered
from lading.services.identity.login_records import TokenRecords, TokenRow
from lading.services.identity.user_records import UserRecords, UserRow


@dataclass(frozen=True, slots=True)
class Known:
    """An active user with the grants of this moment; `token` is the API token, where one stands for the user."""

    user: UserRow
    grants: tuple[Grant, ...] = field(repr=False)
    token: TokenRow | None = None
    proof: str = field(default="", repr=False)

    @property
    def actor(self) -> Actor:
        """From nowhere yet."""
        actor = Actor(self.user.name, self.grants, self.user.id, proof=self.proof)
        return actor if self.token is None else replace(actor, token=self.token.id, scopes=self.token.scopes)


def proof_of(user: UserRow, token: TokenRow | None = None) -> str:
    """Of what a login was made with: another one after a new password, or for another API token. A stored hash has a
    random salt, or is of something random, so nothing can be guessed from this."""
    shown = user.password_hash if token is None else token.hash
    digest = hmac.digest((shown or "").encode(), b"lading login proof", "sha256")
    return base64.urlsafe_b64encode(digest[:15]).decode("ascii")


class Standing:
    """For any number of threads."""

    def __init__(self, users: UserRecords, tokens: TokenRecords, changes: Changes, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since 1970."""
        self._users, self._tokens, self._clock = users, tokens, clock
        self._known: Remembered[tuple[int, int | None], Known | None] = Remembered(changes, self._look)

    def of(self, user: int, token: int | None) -> Known | None:
        """None where the user is gone or inactive, or the API token is gone or has expired. Raises StorageFailed."""
        known = self._known.of((user, token))
        return None if known is None or self.is_over(known) else known

    def is_over(self, known: Known) -> bool:
        """Whether its API token has expired: nobody commits anything for that."""
        expires = None if known.token is None else known.token.expires
        return expires is not None and self._clock() >= expires

    def _look(self, key: tuple[int, int | None]) -> Known | None:
        user_id, token_id = key
        user = self._users.user(user_id)
        if user is None or not user.active:
            return None
        token = None if token_id is None else self._tokens.token(token_id)
        if token_id is not None and (token is None or token.user != user_id):
            return None
        return Known(user, tuple(self._users.grants_of(user_id)), token, proof_of(user, token))
