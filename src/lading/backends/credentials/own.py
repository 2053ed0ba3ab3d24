"""Our own logins, by host[/path], each sealed under the key.

    {"version": 1, "logins": {"ghcr.io/acme": {"key": "1f2e3d4c", "sealed": "…base64…"}}}

The encryption library is loaded only where there is something to open: most commands find this file empty.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lading.backends.credentials import private_file
from lading.backends.credentials.failures import CredentialFileUnusable, SealBroken
from lading.backends.credentials.places import best
from lading.oci.reference import Repository
from lading.services.registries.registries import Found, Login
from lading.wire.authorize import IDENTITY_USER, Credential

if TYPE_CHECKING:
    from lading.backends.credentials.sealing import KeyRing

VERSION = 1
_Rows = Mapping[str, Mapping[str, str]]


class OwnCredentials:
    """The file `path`; its key is `key_text` where given (LADING_SECRET_KEY), else the file `key_path`, made when the
    first login is kept."""

    def __init__(self, path: Path, key_path: Path, key_text: str | None = None, *, shown_as: str | None = None) -> None:
        self._path, self._key_path, self._key_text = path, key_path, key_text
        self._shown_as = shown_as or str(path)

    def find(self, repository: Repository) -> Found | None:
        """The login whose place fits the repository most closely. Raises CredentialFileUnusable, SealBroken."""
        rows = self._rows()
        place = best(rows, repository)
        if place is None:
            return None
        source = f"Lading's own logins ({place})"
        username, secret = self._opened(rows, place)
        if username == IDENTITY_USER:
            return Found(Credential(identity_token=secret, source=source), source)
        return Found(Credential(username, secret, source=source), source)

    def set(self, place: str, username: str, secret: str) -> None:
        """Replaces the login of that place. Raises StorageFailed."""
        with private_file.changing(self._path):
            rows = dict(self._rows())
            rows[place] = _sealed(self._keys(making=not rows), place, username, secret)
            self._write(rows)

    def kept(self, place: str) -> Credential | None:
        """The login of exactly this place. Raises CredentialFileUnusable, SealBroken."""
        rows = self._rows()
        if place not in rows:
            return None
        return Credential(*self._opened(rows, place), source=f"Lading's own logins ({place})")

    def remove(self, place: str) -> bool:
        """Whether there was one. Needs no key."""
        with private_file.changing(self._path):
            rows = dict(self._rows())
            if rows.pop(place, None) is None:
                return False
            self._write(rows)
            return True

    def logins(self) -> Sequence[Login]:
        """In order of place. Raises CredentialFileUnusable, SealBroken."""
        rows = self._rows()
        return [Login(place, self._opened(rows, place)[0]) for place in sorted(rows)]

    def reseal(self) -> int:
        """All of them with the first key. Returns how many. Raises StorageFailed."""
        with private_file.changing(self._path):
            rows = self._rows()
            if rows:
                keys = self._keys(making=False)
                self._write({place: _sealed(keys, place, *self._opened(rows, place)) for place in rows})
            return len(rows)

    def _write(self, rows: _Rows) -> None:
        content = json.dumps({"version": VERSION, "logins": rows}, indent=1, sort_keys=True)
        private_file.replace(self._path, content.encode() + b"\n")

    def _rows(self) -> _Rows:
        content = private_file.read(self._path)
        if content is None:
            return {}
        try:
            document = json.loads(content)
            if document["version"] > VERSION:
                raise CredentialFileUnusable(self._shown_as, "a newer Lading wrote it")
            return {place: {"key": row["key"], "sealed": row["sealed"]} for place, row in document["logins"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CredentialFileUnusable(self._shown_as, "it is not what Lading wrote") from error

    def _opened(self, rows: _Rows, place: str) -> tuple[str, str]:
        from lading.backends.credentials.sealing import NotOurs  # noqa: PLC0415 - see the module's text

        row, keys = rows[place], self._keys(making=False)
        key = keys.named(row["key"])
        if key is None:
            ours = " and ".join(keys.ids)
            raise SealBroken(self._shown_as, place, f"it was stored under the key {row['key']}, ours is {ours}")
        try:
            login = json.loads(key.open(place, base64.b64decode(row["sealed"])))
            return str(login["username"]), str(login["secret"])
        except (NotOurs, binascii.Error, ValueError, TypeError, KeyError) as error:
            raise SealBroken(self._shown_as, place, "it was changed since it was stored") from error

    def _keys(self, *, making: bool) -> KeyRing:
        from lading.backends.credentials import sealing  # noqa: PLC0415 - see the module's text

        if self._key_text is not None:
            return sealing.KeyRing.parse(self._key_text, "LADING_SECRET_KEY")
        return sealing.read_or_make_keys(self._key_path) if making else sealing.read_keys(self._key_path)


def _sealed(keys: KeyRing, place: str, username: str, secret: str) -> Mapping[str, str]:
    plain = json.dumps({"username": username, "secret": secret}).encode()
    return {"key": keys.first.id, "sealed": base64.b64encode(keys.first.seal(place, plain)).decode()}
