"""The URLs of a trust server (Notary v1, server/server.go): built by its clients, matched by the server.

    /v2/<gun>/_trust/tuf/                          Collection     POST publishes, DELETE removes
    /v2/<gun>/_trust/tuf/<role>.json               FileAt         the newest
    /v2/<gun>/_trust/tuf/<version>.<role>.json     FileAt
    /v2/<gun>/_trust/tuf/<role>.<sha256>.json      FileAt
    /v2/<gun>/_trust/tuf/<role>.key                KeyAt          GET gives the server's key, POST makes another
    /v2/<gun>/_trust/changefeed                    Changefeed
    /v2/_trust/changefeed                          Changefeed     of all collections
    /_notary_server/health                         Health

A GUN is a repository with its registry, `registry.example:5000/team/app`. No part of a repository's path begins with an
underscore, so none of these paths is one of the registry's, and `my_trust/tuf` stays a repository.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from lading.wire.registry_urls import PREFIX

HEALTH = "/_notary_server/health"
_MARK = "/_trust/"
_ALL = f"{PREFIX.rstrip('/')}{_MARK}"

_ROLE = r"(?P<role>root|snapshot|timestamp|targets(?:/[-a-z0-9_]+)*)"
_FILE = re.compile(rf"(?:(?P<version>[1-9][0-9]{{0,15}})\.)?{_ROLE}(?:\.(?P<sha256>[0-9a-fA-F]{{64}}))?\.json")
_KEY = re.compile(rf"{_ROLE}\.key")


@dataclass(frozen=True, slots=True)
class Collection:
    """All metadata of a repository."""

    gun: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.gun}{_MARK}tuf/"


@dataclass(frozen=True, slots=True)
class FileAt:
    """A file of a role: of this version or with this checksum, in lower case, or, where both are None, the newest."""

    gun: str
    role: str
    version: int | None = None
    sha256: str | None = None

    def __str__(self) -> str:
        version = "" if self.version is None else f"{self.version}."
        checksum = "" if self.sha256 is None else f".{self.sha256}"
        return f"{Collection(self.gun)}{version}{self.role}{checksum}.json"


@dataclass(frozen=True, slots=True)
class KeyAt:
    """The key that the server signs a role with."""

    gun: str
    role: str

    def __str__(self) -> str:
        return f"{Collection(self.gun)}{self.role}.key"


@dataclass(frozen=True, slots=True)
class Changefeed:
    """What was published and removed; `gun` None: everywhere."""

    gun: str | None = None

    def __str__(self) -> str:
        return f"{_ALL}changefeed" if self.gun is None else f"{PREFIX}{self.gun}{_MARK}changefeed"


@dataclass(frozen=True, slots=True)
class Health:
    """Whether it answers."""

    def __str__(self) -> str:
        return HEALTH


Route = Collection | FileAt | KeyAt | Changefeed | Health


def is_trust(path: str) -> bool:
    """Whether a request's path, still percent-encoded, is a trust server's and no registry's."""
    return path == HEALTH or (path.startswith(PREFIX) and _MARK in path)


def match(path: str) -> Route | None:
    """The route of a request's path, still percent-encoded and without its query; None where there is none."""
    if path == HEALTH:
        return Health()
    if path == f"{_ALL}changefeed":
        return Changefeed()
    gun, mark, rest = path.removeprefix(PREFIX).rpartition(_MARK)
    if not path.startswith(PREFIX) or not mark or not gun:
        return None
    gun, rest = unquote(gun), unquote(rest)
    if rest == "changefeed":
        return Changefeed(gun)
    name = rest.removeprefix("tuf/")
    return _in_collection(gun, name) if rest.startswith("tuf/") else None


def _in_collection(gun: str, name: str) -> Route | None:
    if not name:
        return Collection(gun)
    if found := _KEY.fullmatch(name):
        return KeyAt(gun, found["role"])
    found = _FILE.fullmatch(name)
    if found is None or (found["version"] and found["sha256"]):
        return None
    version = int(found["version"]) if found["version"] else None
    return FileAt(gun, found["role"], version, found["sha256"] and found["sha256"].lower())
