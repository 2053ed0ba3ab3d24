"""Where our own registry is: what a client is told that sends it content before it asks for work on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lading.wire.guard import is_loopback


@dataclass(slots=True)
class RegistryAddress:
    """`public` is the URL by which others reach it, None where nobody said; where it listens is known once it does."""

    public: str | None
    _port: int | None = field(default=None, init=False)
    _tls: bool = field(default=False, init=False)

    def listens(self, port: int, *, tls: bool) -> None:
        """From now on."""
        self._port, self._tls = port, tls

    def may_be(self, host: str) -> bool:
        """Whether names of images that begin with this host are names in our registry, as far as we know what we are
        called: by the public URL, and on this machine by every name of its own."""
        if self.public is not None and host.lower() == urlsplit(self.public).netloc.lower():
            return True
        name, _, port = host.rpartition(":")
        return port == str(self._port) and is_loopback(host) and bool(name)

    @property
    def json(self) -> dict[str, object]:
        """Who is told no `url` reaches it at the host that the API has, on `port`."""
        return {"url": self.public, "port": self._port, "tls": self._tls}
