"""Where a Docker host listens, as docker's own command and people write it: unix:///PATH, tcp://HOST[:PORT], and the
same with http:// or https://."""

from __future__ import annotations

import re
from dataclasses import dataclass

PORTS = {"http": 2375, "https": 2376}
"""Where the engine API usually is, without and with TLS (IANA: docker, docker-s)."""

_TCP = re.compile(r"(tcp|https?)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?/?")


@dataclass(frozen=True, slots=True)
class DockerAddress:
    """`socket` is the path of a unix socket, empty for the usual one; else `host`, an IPv6 address without its
    brackets. `protocol` None: the one of `tcp`, which only the certificates beside it tell."""

    socket: str | None = None
    host: str = ""
    port: int | None = None
    protocol: str | None = None

    @classmethod
    def parse(cls, text: str) -> DockerAddress | None:
        """None where it is no such address."""
        if text.startswith("unix://"):
            return cls(text.removeprefix("unix://"))
        match = _TCP.fullmatch(text)
        if match is None:
            return None
        port = int(match[3]) if match[3] else None
        return cls(None, match[2].strip("[]"), port, None if match[1] == "tcp" else match[1])

    def origin(self, protocol: str) -> str:
        """scheme://host:port under this protocol."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{protocol}://{host}:{self.port or PORTS[protocol]}"
