"""Looks at the machine: disk, clock, ports, certificates, Docker's socket and credential helpers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from lading.errors import StorageFailed
from lading.services.server.diagnosis import Helper

DEFAULT_SOCKET = "/var/run/docker.sock"


class FolderUnusable(StorageFailed):
    """A folder that cannot be written, or whose disk cannot be asked."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(folder, reason)
        self.folder, self.reason = folder, reason
        self.hint = f'sudo chown -R "$USER" {folder}'

    def __str__(self) -> str:
        return f"{self.folder} cannot be used: {self.reason}"


class ConfigurationUnreadable(StorageFailed):
    """Docker's configuration file cannot be read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason
        self.hint = f"python3 -m json.tool {path}"

    def __str__(self) -> str:
        return f"{self.path} cannot be read: {self.reason}"


class ThisMachine:
    """Fulfils services.server.diagnosis.Machine. `count_authorities` asks those who open connections whom they trust,
    and `server_name` a web server on a port of loopback how it calls itself."""

    def __init__(
        self,
        environment: Mapping[str, str],
        count_authorities: Callable[[], int],
        server_name: Callable[[int], str],
    ) -> None:
        self._environment, self._count_authorities, self._server_name = environment, count_authorities, server_name

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def free(self, folder: str) -> int:
        """Bytes free where `folder` is or will be. Raises FolderUnusable."""
        place = Path(folder)
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            raise FolderUnusable(str(place), "it is a file")
        if not os.access(place, os.W_OK):
            raise FolderUnusable(str(place), "it is not writable for this user")
        try:
            return shutil.disk_usage(place).free
        except OSError as error:
            raise FolderUnusable(str(place), error.strerror or str(error)) from error

    def port_free(self, port: int) -> bool:
        """Whether nobody listens on this port of the loopback address."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
        return True

    def server_name(self, port: int) -> str:
        """What a web server on this port of the loopback address calls itself; empty where it does not say."""
        return self._server_name(port)

    def authorities(self) -> tuple[str, int]:
        """Where trusted certificates come from, and how many there are. Raises TlsRefused leaves."""
        return self._environment.get("SSL_CERT_FILE") or "the system", self._count_authorities()

    def docker_sockets(self) -> Sequence[tuple[str, bool]]:
        """See the function of this name."""
        return docker_sockets(self._environment)

    def helpers(self) -> Sequence[Helper]:
        """Those that docker's config.json names. Raises ConfigurationUnreadable."""
        home = self._environment.get("HOME", "")
        folder = self._environment.get("DOCKER_CONFIG") or str(Path(home) / ".docker")
        path = Path(folder) / "config.json"
        try:
            content = json.loads(path.read_text()) if path.exists() else {}
        except (OSError, ValueError) as error:
            raise ConfigurationUnreadable(str(path), str(error)) from error
        programs = dict.fromkeys(f"docker-credential-{name}" for name in _named(content))
        search = self._environment.get("PATH")
        return [Helper(program, str(path), shutil.which(program, path=search) is None) for program in programs]


def _named(content: object) -> Iterator[str]:
    """The helpers' short names; what is no object names none."""
    if not isinstance(content, Mapping):
        return
    if isinstance(store := content.get("credsStore"), str):
        yield store
    helpers = content.get("credHelpers")
    if isinstance(helpers, Mapping):
        yield from (name for name in helpers.values() if isinstance(name, str))


def docker_sockets(environment: Mapping[str, str]) -> Sequence[tuple[str, bool]]:
    """The socket that DOCKER_HOST names, else Docker's usual one, where it is there; and whether we may use it."""
    host = environment.get("DOCKER_HOST", "")
    path = host.removeprefix("unix://") if host.startswith("unix://") else DEFAULT_SOCKET
    return [(path, os.access(path, os.R_OK | os.W_OK))] if Path(path).exists() else []
