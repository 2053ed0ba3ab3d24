"""API tokens: made by people for their programs, shown once, kept as a hash. A client certificate is one too.

A token may what its user may, or less: its scopes narrow it. It cannot make further tokens, or who finds one would keep
what it gives for good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lading.errors import InputInvalid
from lading.services.access import Actor, NotLoggedIn, Permission
from lading.services.audit.audit import Deed, Result, Trail, row_deed
from lading.services.audit.trail import admit, refuse
from lading.services.identity.delegation import may_give
from lading.services.identity.login_records import TokenRecords, TokenRow
from lading.services.identity.roles import MORE_THAN_ONES_OWN, PERMISSIONS
from lading.services.identity.user_records import UserRecords, UserRow
from lading.services.named_rows import RowUnknown
from lading.services.row_rules import NAME_RULE, row_name
from lading.services.schedules import Chore
from lading.services.secrets import unguessable

TOKEN_START = "lad_"  # noqa: S105  how all of them begin
TOKEN_BYTES = 32
SHOWN_CHARACTERS = 10
"""Of a token in lists: 36 of its 256 bits."""

MOST_TOKENS = 1000
"""Of one user."""

KEPT_SECONDS = 30 * 24 * 60 * 60.0
"""How long a token that has expired is still listed."""


class TokenInvalid(InputInvalid):
    """A field of a token that cannot be taken as it is."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field, self.rule = field, rule

    def __str__(self) -> str:
        return f"the token's {self.field} {self.rule}"


@dataclass(frozen=True, slots=True)
class TokenForm:
    """What somebody wants. `scopes` None: all that the user may; `expires` None: never; `user` None: for oneself."""

    name: str
    scopes: frozenset[str] | None = None
    expires: float | None = None
    user: int | None = None


@dataclass(frozen=True, slots=True)
class NewToken:
    """The row, and the token itself: the only time that it is told."""

    row: TokenRow
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hashed:
    """What opens: its hash, by which it is found, and how people tell theirs apart in lists."""

    hash: str = field(repr=False)
    shown: str = ""


class Tokens:
    """For every door. One's own need no permission; those of others take `users:view` and `users:edit`."""

    def __init__(
        self,
        records: TokenRecords,
        users: UserRecords,
        trail: Trail,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        """`clock` tells seconds since 1970; `random` gives so many bytes that nobody can guess."""
        self._records, self._users, self._trail = records, users, trail
        self._clock, self._random = clock, random

    def list(self, actor: Actor, *, everybody: bool = False) -> Sequence[TokenRow]:
        """One's own, in order of id; or everybody's."""
        if everybody:
            admit(self._trail, actor, Permission.USERS_VIEW, row_deed("list", "token"))
            return self._records.tokens()
        if actor.user is None:
            raise NotLoggedIn
        return self._records.tokens(actor.user)

    def add(self, actor: Actor, form: TokenForm) -> NewToken:
        """Raises what `keep` does."""
        secret = TOKEN_START + unguessable(self._random, TOKEN_BYTES)
        return NewToken(self.keep(actor, form, lambda _: Hashed(token_hash(secret), secret[:SHOWN_CHARACTERS])), secret)

    def keep(self, actor: Actor, form: TokenForm, make: Callable[[UserRow], Hashed]) -> TokenRow:
        """A row for what is made for its user, once the actor is known to be allowed it. Raises TokenInvalid,
        RowUnknown for a user, Denied for a token that asks, or for a user with more than the actor."""
        user = self._owner(actor, form)
        name = self._checked(form, user.id)
        hashed, created = make(user), self._clock()
        row = self._records.add_token(
            lambda id: TokenRow(  # noqa: A006  a row's own word
                id, user.id, name, hashed.hash, created, form.scopes, form.expires, prefix=hashed.shown
            )
        )
        if row is None:
            raise RowUnknown("user", user.id)
        self._record(actor, "create", row)
        return row

    def remove(self, actor: Actor, id: int) -> None:  # noqa: A002  a row's own word
        """From now on it opens nothing. Raises RowUnknown; Denied for one of a user with more than the actor."""
        row = self._records.token(id)
        own = row is not None and row.user == actor.user and (actor.scopes is None or actor.token == id)
        if not own:
            admit(self._trail, actor, Permission.USERS_EDIT, row_deed("delete", "token", id))
            if row is not None:
                self._check_owner(actor, row.user, row_deed("delete", "token", id, row.name))
        if row is None or not self._records.remove_token(id):
            raise RowUnknown("token", id)
        self._record(actor, "delete", row)

    def chores(self) -> Sequence[Chore]:
        """What is done about them from time to time."""
        drop = self._records.forget_tokens
        return (Chore("token expiry", 24 * 60 * 60.0, lambda: drop(self._clock() - KEPT_SECONDS)),)

    def _owner(self, actor: Actor, form: TokenForm) -> UserRow:
        """Whose it will be; that the actor may make it has been asked then."""
        deed = row_deed("create", "token", name=form.name)
        if actor.token is not None:
            refuse(self._trail, actor, Permission.USERS_EDIT, deed)
        own = form.user is None or form.user == actor.user
        wanted = actor.user if own else form.user
        if wanted is None:
            raise NotLoggedIn
        if not own:
            admit(self._trail, actor, Permission.USERS_EDIT, deed)
        user = self._users.user(wanted)
        if user is None:
            raise RowUnknown("user", wanted)
        if not own:
            self._check_owner(actor, wanted, deed)
        return user

    def _check_owner(self, actor: Actor, user: int, deed: Deed) -> None:
        """Nobody gives or takes what they do not have themselves. Raises Denied."""
        if not may_give(actor, self._users.grants_of(user)):
            refuse(self._trail, actor, Permission.USERS_EDIT, replace(deed, details=MORE_THAN_ONES_OWN))

    def _checked(self, form: TokenForm, user: int) -> str:
        name = row_name(form.name)
        if name is None:
            raise TokenInvalid("name", NAME_RULE)
        unknown = sorted((form.scopes or frozenset()) - PERMISSIONS)
        if unknown:
            raise TokenInvalid("scopes", f"say {unknown[0][:100]!r}, and there is no such permission")
        if form.expires is not None and form.expires <= self._clock():
            raise TokenInvalid("expiry", "is over already")
        if len(self._records.tokens(user)) >= MOST_TOKENS:
            raise TokenInvalid("user", f"has {MOST_TOKENS} tokens already")
        return name

    def _record(self, actor: Actor, action: str, row: TokenRow) -> None:
        details = {
            "user": row.user,
            "scopes": None if row.scopes is None else sorted(row.scopes),
            "expires": row.expires,
        }
        self._trail.record(actor, row_deed(action, "token", row.id, row.name, details), Result.DONE)


def token_hash(secret: str) -> str:
    """What a token is found by. Its 256 random bits need no slow hash: there is nothing to guess from."""
    return hashlib.sha256(b"lading token\0" + secret.encode("utf-8", "replace")).hexdigest()


def certificate_hash(certificate: bytes) -> str:
    """What a client certificate, in DER, is found by: its SHA-256 fingerprint, in a way that no token's hash can be."""
    return hashlib.sha256(b"lading certificate\0" + hashlib.sha256(certificate).digest()).hexdigest()
