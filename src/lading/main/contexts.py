"""Servers by name, in the user's settings folder; and which one a call speaks to.

{"version": 1, "current": "corp", "contexts": {"corp": {"server": "https://lading.corp"}}}

--server, --context       what stands on the line
LADING_SERVER, settings   what stands around it
LADING_CONTEXT, settings
lading context use        what was chosen for good
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lading import setting_readers as readers
from lading.backends.credentials import private_file
from lading.errors import InputInvalid, NotFound, Refused, StorageFailed
from lading.main.configuration import CONTEXTS
from lading.settings import Settings

VERSION = 1
HERE = "default"
"""The name for no server at all, as docker calls its own."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class ContextUnknown(NotFound):
    """No server is called so here."""

    command = "lading context ls"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"there is no context {self.name!r}"


class ContextExists(Refused):
    """Another server is called so."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name
        self.command = f"lading context rm {name}"

    def __str__(self) -> str:
        return f"the context {self.name} is there already"


class ContextInvalid(InputInvalid):
    """A name that no context can have, or an address that is no server's."""

    def __init__(self, what: str, rule: str) -> None:
        super().__init__(what, rule)
        self.what, self.why = what, rule

    def __str__(self) -> str:
        return f"{self.what!r} cannot be taken"


class ContextsUnreadable(StorageFailed):
    """The file of contexts is not what Lading wrote, or there is no folder for it."""

    hint = "Correct the file, or remove it: it holds names and addresses, and no secret."

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.why = path, reason

    def __str__(self) -> str:
        return f"cannot use the contexts in {self.path}"


@dataclass(frozen=True, slots=True)
class NamedServer:
    """A context."""

    name: str
    server: str


@dataclass(frozen=True, slots=True)
class _Content:
    current: str | None
    servers: Mapping[str, str]


class ContextFile:
    """Fulfils fronts.cli.servers.Contexts; `folder` is the user's settings folder, None for who has none."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / CONTEXTS if folder else None

    @property
    def current(self) -> str | None:
        return self._read().current

    def all(self) -> Sequence[NamedServer]:
        return [NamedServer(name, server) for name, server in sorted(self._read().servers.items())]

    def server(self, name: str) -> str | None:
        """Its address, None for this machine. Raises ContextUnknown, ContextsUnreadable."""
        if name == HERE:
            return None
        found = self._read().servers.get(name)
        if found is None:
            raise ContextUnknown(name)
        return found

    def create(self, name: str, server: str) -> NamedServer:
        if not _NAME.fullmatch(name) or name == HERE:
            raise ContextInvalid(name, f"A name is letters, digits, . _ and -, and not {HERE}.")
        address = server_url(server)
        with private_file.changing(self._file):
            kept = self._read()
            if name in kept.servers:
                raise ContextExists(name)
            self._write(_Content(kept.current, {**kept.servers, name: address}))
        return NamedServer(name, address)

    def use(self, name: str | None) -> None:
        with private_file.changing(self._file):
            kept = self._read()
            chosen = None if name == HERE else name
            if chosen is not None and chosen not in kept.servers:
                raise ContextUnknown(chosen)
            self._write(_Content(chosen, kept.servers))

    def remove(self, name: str) -> None:
        with private_file.changing(self._file):
            kept = self._read()
            if name not in kept.servers:
                raise ContextUnknown(name)
            servers = {each: server for each, server in kept.servers.items() if each != name}
            self._write(_Content(None if kept.current == name else kept.current, servers))

    @property
    def _file(self) -> Path:
        if self._path is None:
            raise ContextsUnreadable(CONTEXTS, "this user has no home folder")
        return self._path

    def _read(self) -> _Content:
        raw = private_file.read(self._path) if self._path else None
        if raw is None:
            return _Content(None, {})
        try:
            document = json.loads(raw)
            servers = {str(name): server_url(str(row["server"])) for name, row in document["contexts"].items()}
            current, version = document["current"], document["version"]
        except (ValueError, TypeError, KeyError, AttributeError, ContextInvalid) as error:
            raise ContextsUnreadable(str(self._path), "it is not what Lading wrote") from error
        if version != VERSION:
            raise ContextsUnreadable(str(self._path), "another version of Lading wrote it")
        return _Content(current if current in servers else None, servers)

    def _write(self, content: _Content) -> None:
        document = {
            "version": VERSION,
            "current": content.current,
            "contexts": {name: {"server": server} for name, server in content.servers.items()},
        }
        private_file.replace(self._file, json.dumps(document, indent=1, sort_keys=True).encode() + b"\n")


def server_url(text: str) -> str:
    """As requests are sent to it. Raises ContextInvalid, which does not show a login that somebody wrote into it."""
    try:
        address = readers.server_address(text)
    except ValueError as error:
        raise ContextInvalid(re.sub("//[^/]*@", "//…@", text), f"A server's address {error}.") from error
    return re.sub("^ws", "http", address)


def chosen_server(settings: Settings, flags: Mapping[str, object], contexts: ContextFile) -> str | None:
    """The URL of the server that a call speaks to; None: it works on this machine. Raises ContextUnknown,
    ContextsUnreadable."""
    if flags.get("server") is None and flags.get("context") is not None and settings.context is not None:
        return contexts.server(settings.context)
    if settings.server is not None:
        return server_url(settings.server)
    named = settings.context or contexts.current
    return contexts.server(named) if named else None
