"""Where the Docker door listens, as the settings say it, and what its certificate must answer to."""

from __future__ import annotations

import grp
import ipaddress
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from lading.errors import InputInvalid
from lading.fronts.http.listening import Address
from lading.settings import Settings
from lading.wire.guard import is_this_machine

SOCKET = "docker.sock"
"""In the data folder."""

OFF = "off"

_ELSEWHERE = ("192.0.2.1", "2001:db8::1")
"""Addresses of nobody (RFC 5737, RFC 3849): no packet goes there, but the system says which of ours it would leave."""


class GroupUnknown(InputInvalid):
    """The setting docker-api-group names nobody's group."""

    hint = "getent group lists them; a number works as well."

    def __init__(self, group: str) -> None:
        super().__init__(group)
        self.group = group

    def __str__(self) -> str:
        return f"docker-api-group says {self.group!r}, and this machine has no such group"


@dataclass(frozen=True, slots=True)
class Door:
    """One listener. `environment` None: the default one; `usual` is the one that nobody asked for by name."""

    address: Address
    environment: int | None = None
    usual: bool = False

    @property
    def on_loopback(self) -> bool:
        """Whether other machines cannot reach it. No name but localhost is looked up for that: another may lead
        elsewhere tomorrow."""
        return isinstance(self.address, Path) or is_this_machine(self.address[0])

    @property
    def shown(self) -> str:
        """As DOCKER_HOST says it."""
        return f"unix://{self.address}" if isinstance(self.address, Path) else tcp_url(*self.address)

    def at(self, port: int) -> Door:
        """The same, with the port that was chosen where any was wanted."""
        assert isinstance(self.address, tuple)
        return replace(self, address=(self.address[0], port))


def doors(settings: Settings) -> Sequence[Door]:
    """The socket in the data folder, unless it is off or asked for in so many words, and those that were asked for."""
    words = settings.docker_api
    asked = [_door(word) for word in dict.fromkeys(words) if word != OFF]
    usual = Door(settings.data.absolute() / SOCKET, usual=True)
    alone = OFF in words or any(door.address == usual.address for door in asked)
    return asked if alone else [usual, *asked]


def group_of(settings: Settings) -> int | None:
    """The number of the group that may use unix sockets; None: nobody said. Raises GroupUnknown."""
    name = settings.docker_api_group
    if name is None:
        return None
    try:
        return int(name) if name.isdecimal() and name.isascii() else grp.getgrnam(name).gr_gid
    except (KeyError, ValueError) as error:
        raise GroupUnknown(name) from error


def server_names(host: str, settings: Settings) -> Sequence[str]:
    """What others may call a listener at `host`: names and addresses, the likeliest first."""
    public = [urlsplit(url).hostname for url in (settings.public_url, settings.registry_public_url) if url]
    own = [host] if not _is_wildcard(host) else []
    here = [*_own_addresses()] if _is_wildcard(host) else []
    names = [*own, *(name for name in public if name), socket.gethostname(), *here, "localhost", "127.0.0.1", "::1"]
    return [name for name in dict.fromkeys(names) if name and name.isascii()]


def tcp_url(host: str, port: int) -> str:
    """tcp://HOST:PORT."""
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def closed_folder(path: Path, group: int) -> Path | None:
    """The first folder on the way to a socket that the group may not enter; None where there is none."""
    for folder in reversed(path.parents):
        with suppress(OSError):
            seen = folder.stat()
            enters = 0o010 if seen.st_gid == group else 0o001
            if not seen.st_mode & enters:
                return folder
    return None


def _door(word: str) -> Door:
    """Of a word that setting_readers.docker_doors has let pass."""
    place, _, asked = word.partition("?")
    environment = int(asked.removeprefix("env=")) if asked else None
    if place.startswith("unix://"):
        return Door(Path(os.path.normpath(place.removeprefix("unix://"))), environment)
    host, _, port = place.removeprefix("tcp://").rpartition(":")
    return Door((host.strip("[]"), int(port)), environment)


def _is_wildcard(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_unspecified
    return False


def _own_addresses() -> Iterator[str]:
    """From which this machine goes out."""
    for elsewhere in _ELSEWHERE:
        family = socket.AF_INET6 if ":" in elsewhere else socket.AF_INET
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((elsewhere, 9))
            yield str(asking.getsockname()[0])
