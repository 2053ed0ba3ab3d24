"""Logins that a client brings along with one push or pull, as docker does: kept in memory alone, while they are used.

    client ── keep ──▶ vault ── a handle ──▶ the job's field `login`        a row never holds a secret
                         └──── look up ────▶ the job's work, in this process

A job that is gone on with after a restart, or by another server, finds no login under its handle, and ends: it would
otherwise do as nobody what was asked in somebody's name. Nobody's login needs no handle.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from lading.errors import LadingError, Side
from lading.services.environments.orders import Access
from lading.services.jobs.fields import JobFields
from lading.services.jobs.job import JsonObject, Telling
from lading.wire.authorize import Credential
from lading.wire.docker_auth import GivenLogin

LOGIN = "login"
"""The job's field; without it, the login of the configured registry is used."""

WARNING = "loginWarning"
"""The job's field that says why a login could not be read."""

NOBODY = "nobody"
"""What stands there where the client wants nobody logged in."""

MOST_KEPT = 10_000
"""Logins at a time; each belongs to a connection that waits for its job."""

_BYTES = 16


class LoginGone(LadingError):
    """The login that came with a request is not known any more: it is never written down."""

    side = Side.CALLER
    code = "interrupted"
    hint = "Ask for it again from where you are logged in."

    def __str__(self) -> str:
        return "The login that came with the request is gone: it was only kept while Lading ran and the client waited"


class LoginVault:
    """For any number of threads. `random` gives so many bytes that nobody can guess."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random, self._key = random, random(32)
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Credential, int | None]] = OrderedDict()

    @contextmanager
    def kept(self, login: GivenLogin | None, owner: int | None) -> Iterator[JsonObject]:
        """The fields of a job of this user's that is made inside, and uses this login; None: that of the configured
        registry. It is kept until it is dropped, or thousands came after it; where no job is made, no longer than
        this."""
        if login is None:
            yield {}
            return
        fields: dict[str, object] = {LOGIN: self._keep(login.credential, owner)}
        if login.warning:
            fields[WARNING] = login.warning
        try:
            yield fields
        except BaseException:
            self.drop(fields)
            raise

    def drop(self, fields: JsonObject) -> None:
        """Nobody waits for the job any more that has these fields; harmless twice."""
        with self._lock:
            self._kept.pop(str(fields.get(LOGIN)), None)

    def likeness(self, login: GivenLogin | None) -> str | None:
        """Equal for equal logins, and of no use to anybody else: by this, equal transfers share one run."""
        if login is None:
            return None
        credential = login.credential
        if credential is None:
            return NOBODY
        parts = [credential.username, credential.secret, credential.identity_token, credential.registry_token]
        return hmac.new(self._key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()

    def access(self, access: Access, asked: JobFields, telling: Telling, owner: int | None) -> Access:
        """How a job reaches its registry: with the login that came along, where one did; it serves nobody but the user
        it came from, whoever runs the job again. Tells of one that could not be read. Raises LoginGone,
        JobFieldsUnreadable."""
        handle, warning = asked.text_or_none(LOGIN), asked.text_or_none(WARNING)
        if warning is not None:
            telling.line({"status": "note", "message": warning})
        return access if handle is None else under(access, self._find(handle, owner))

    def _keep(self, credential: Credential | None, owner: int | None) -> str:
        """A handle to find it by."""
        if credential is None:
            return NOBODY
        handle = self._random(_BYTES).hex()
        with self._lock:
            self._kept[handle] = (credential, owner)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return handle

    def _find(self, handle: str, owner: int | None) -> Credential | None:
        """Whose it is. Raises LoginGone."""
        if handle == NOBODY:
            return None
        with self._lock:
            credential, whose = self._kept.get(handle, (None, None))
        if credential is None or whose != owner:
            raise LoginGone
        return credential


def under(access: Access, credential: Credential | None) -> Access:
    """The same way to the registry, as somebody else. It is not the configured registry's login any more, so what is
    learned under it is not kept with that."""
    return replace(access, credential=credential, registry=None)
