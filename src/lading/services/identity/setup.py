"""The first start: how the first admin comes to be, where there is no password that everybody knows.

    no active admin ─▶ a link with a token, printed at the server: whoever opens it makes the admin, once
                    └▶ or LADING_ADMIN_PASSWORD makes the user `admin`

Of the token only a hash is kept. It opens for a day, and until there is an admin; each start makes a new one. Of two
who use it at the same moment one becomes the admin: the database decides.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence

from lading.errors import NotFound
from lading.services.access import LADING, Actor
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.identity.authentication import Visit
from lading.services.identity.passwords import Passwords, new_password
from lading.services.identity.roles import ADMIN
from lading.services.identity.user_records import UserRecords, UserRow
from lading.services.identity.users import admin_role, has_admin, new_name
from lading.services.named_rows import NameTaken
from lading.services.secrets import unguessable
from lading.services.setting_records import SettingRecords

SETTING = "setup"
TOKEN_BYTES = 32
OPEN_SECONDS = 24 * 60 * 60.0


class SetupLinkOver(NotFound):
    """The link was used, has expired, or never was one."""

    code = "setup_over"
    hint = "Where there is no admin yet, restart lading serve: it prints a new link."

    def __str__(self) -> str:
        return "this set-up link does not work, or not any more"


class Setup:
    """Roles.ensure_built_in comes before. Every method raises StorageFailed."""

    def __init__(
        self,
        users: UserRecords,
        settings: SettingRecords,
        passwords: Passwords,
        trail: Trail,
        *,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        """`clock` tells seconds since 1970; `random` gives so many bytes that nobody can guess."""
        self._users, self._settings, self._passwords = users, settings, passwords
        self._trail, self._clock, self._random = trail, clock, random

    def begin(self) -> str | None:
        """A new link's token, in place of any earlier one; None where there is an admin."""
        if self._is_over():
            self._settings.remove_setting(SETTING)
            return None
        token = unguessable(self._random, TOKEN_BYTES)
        self._settings.put_setting(SETTING, {"hash": _hash(token), "expires": self._clock() + OPEN_SECONDS})
        return token

    def opens(self, token: str) -> bool:
        """Whether the link with this token works still."""
        held = self._settings.setting(SETTING)
        if not isinstance(held, dict) or self._is_over():
            return False
        kept, expires = held.get("hash"), held.get("expires")
        return (
            isinstance(kept, str)
            and isinstance(expires, int | float)
            and self._clock() < expires
            and hmac.compare_digest(kept, _hash(token))
        )

    def finish(self, visit: Visit, token: str, name: str, password: str) -> UserRow:
        """The first admin. Raises SetupLinkOver, UserInvalid, PasswordInvalid, NameTaken, PasswordsBusy."""
        if not self.opens(token):
            raise SetupLinkOver
        row = self._added(new_name(name), password)
        self._settings.remove_setting(SETTING)
        by = Actor(row.name, user=row.id, address=visit.address, request=visit.request)
        self._record(by, row, "set-up link")
        return row

    def ensure_admin(self, password: str) -> UserRow | None:
        """The user `admin` with this password, where there is no admin yet; None where there is one.

        Raises PasswordInvalid, and NameTaken where another user has the name.
        """
        if self._is_over():
            return None
        try:
            row = self._added(ADMIN, password)
        except (SetupLinkOver, NameTaken):
            if self._is_over():  # another process was faster
                return None
            raise
        self._settings.remove_setting(SETTING)
        self._record(LADING, row, "LADING_ADMIN_PASSWORD")
        return row

    def _added(self, name: str, password: str) -> UserRow:
        """Raises SetupLinkOver where there is an admin by then."""
        admin = admin_role(self._users.roles())
        hashed, created = self._passwords.hash(new_password(password, name)), self._clock()

        def permit(users: Sequence[UserRow]) -> None:
            if has_admin([user for user in users if user.name != name], admin):
                raise SetupLinkOver

        return self._users.add_user(
            lambda id: UserRow(id, name, hashed, created=created, roles=(admin.id,)),  # noqa: A006  a row's own word
            permit,
        )

    def _is_over(self) -> bool:
        return has_admin(self._users.users(), admin_role(self._users.roles()))

    def _record(self, actor: Actor, row: UserRow, by: str) -> None:
        details = {"roles": [ADMIN], "by": by}
        self._trail.record(actor, Deed("create", "user", str(row.id), row.name, details=details), Result.DONE)


def _hash(token: str) -> str:
    return hashlib.sha256(b"lading setup\0" + token.encode("utf-8", "replace")).hexdigest()
