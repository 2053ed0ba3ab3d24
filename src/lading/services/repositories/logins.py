"""Logins that Docker hosts are lent: each opens one repository of our own registry, and ends with its use.

A host is told a user name and a password, so a login is a token of a user that nobody is, whose one role allows one
repository. Users of repositories that come and go are forgotten again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from lading.services.access import Grant, Permission
from lading.services.identity.login_records import TokenRecords, TokenRow
from lading.services.identity.tokens import SHOWN_CHARACTERS, TOKEN_BYTES, TOKEN_START, token_hash
from lading.services.identity.user_records import RoleRow, UserRecords, UserRow
from lading.services.named_rows import NameTaken
from lading.services.secrets import unguessable
from lading.wire.authorize import Credential


@dataclass(frozen=True, slots=True)
class Purpose:
    """What logins are lent for: `name` is what the token is called, `user` makes the name of a repository's user and
    role, which no other repository has. One that nobody took back, because the process was killed, ends by itself after
    so many `seconds`."""

    name: str
    permissions: frozenset[Permission]
    user: Callable[[str], str]
    seconds: float


class RepositoryLogins:
    """For any number of threads."""

    def __init__(
        self,
        users: UserRecords,
        tokens: TokenRecords,
        purpose: Purpose,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        """`clock` tells seconds since 1970; `random` gives so many bytes that nobody can guess."""
        self._users, self._tokens, self._purpose = users, tokens, purpose
        self._clock, self._random = clock, random

    @contextmanager
    def lent(self, repository: str) -> Iterator[Credential]:
        """Good while inside. Raises StorageFailed."""
        secret = TOKEN_START + unguessable(self._random, TOKEN_BYTES)
        user, row = self._token(repository, secret)
        try:
            yield Credential(user.name, secret, source=f"a login for {self._purpose.name}")
        finally:
            self._tokens.remove_token(row.id)

    def forget(self, repository: str) -> None:
        """Its user and role go, unless somebody is lent a login of it. Raises StorageFailed."""
        user = self._users.user_named(self._purpose.user(repository))
        if user is not None:
            self._forget(user)

    def forget_unused(self, start: str) -> None:
        """All users go whose names begin so, unless somebody is lent a login of theirs. Raises StorageFailed."""
        for user in self._users.users():
            if user.name.startswith(start):
                self._forget(user)

    def _forget(self, user: UserRow) -> None:
        """Not where somebody else is only called so: ours has no password, and the role of its name alone."""
        role = self._found(user.name)
        if role is None or user.password_hash is not None or user.roles != (role.id,) or self._tokens.tokens(user.id):
            return
        self._users.remove_user(user.id)
        self._users.remove_role(role.id)

    def _token(self, repository: str, secret: str) -> tuple[UserRow, TokenRow]:
        """Again where the user was just forgotten."""
        while True:
            user = self._user(repository)
            row = self._tokens.add_token(partial(self._row, user, secret))
            if row is not None:
                return user, row

    def _row(self, user: UserRow, secret: str, id: int) -> TokenRow:  # noqa: A002  a row's own word
        now, purpose = self._clock(), self._purpose
        return TokenRow(
            id,
            user.id,
            purpose.name,
            token_hash(secret),
            now,
            self._permissions,
            now + purpose.seconds,
            prefix=secret[:SHOWN_CHARACTERS],
        )

    @property
    def _permissions(self) -> frozenset[str]:
        return frozenset(each.value for each in self._purpose.permissions)

    def _user(self, repository: str) -> UserRow:
        name = self._purpose.user(repository)
        found = self._users.user_named(name)
        if found is not None:
            return found
        role, created = self._role(name, repository), self._clock()
        try:
            return self._users.add_user(
                lambda id: UserRow(id, name, created=created, roles=(role.id,))  # noqa: A006  a row's own word
            )
        except NameTaken:  # another thread was faster
            found = self._users.user_named(name)
            if found is None:
                raise
            return found

    def _role(self, name: str, repository: str) -> RoleRow:
        found = self._found(name)
        if found is not None:
            return found
        grant = Grant(self._permissions, repositories=(repository,))
        try:
            return self._users.add_role(lambda id: RoleRow(id, name, (grant,)))  # noqa: A006  a row's own word
        except NameTaken:
            found = self._found(name)
            if found is None:
                raise
            return found

    def _found(self, name: str) -> RoleRow | None:
        return next((role for role in self._users.roles() if role.name == name), None)
