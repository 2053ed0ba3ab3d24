"""The Docker host of this machine's user, as docker's own command finds it.

    DOCKER_HOST, with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH
    DOCKER_CONTEXT, else the current context of docker's config.json
    the usual socket

A context is a folder: contexts/meta/<sha256 of its name>/meta.json, and contexts/tls/<the same>/docker/*.pem.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lading.backends.machine.looks import DEFAULT_SOCKET
from lading.errors import InputInvalid
from lading.wire.docker_address import DockerAddress


class DockerHostInvalid(InputInvalid):
    """What should say where the Docker host is, and cannot be followed."""

    hint = "Set DOCKER_HOST to unix:///var/run/docker.sock or tcp://HOST:2375."

    def __init__(self, text: str, source: str, rule: str) -> None:
        super().__init__(text, source, rule)
        self.text, self.source, self.rule = text, source, rule

    def __str__(self) -> str:
        return f"{self.text!r} ({self.source}) {self.rule}"


@dataclass(frozen=True, slots=True)
class DockerHost:
    """Where it listens: at `socket`, else at `origin`, scheme://host:port. The others are paths of PEM files; `verify`
    False takes whatever certificate it shows."""

    name: str
    socket: str | None = None
    origin: str = "http://docker"
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    verify: bool = True


def docker_host(environment: Mapping[str, str], address: str | None = None) -> DockerHost:
    """The one at an address, with docker's own certificates; else the one that docker would speak to.

    Raises DockerHostInvalid.
    """
    if address is not None:
        return _host(address, "the place", *_variables(environment))
    said = environment.get("DOCKER_HOST")
    if said:
        return _host(said, "DOCKER_HOST", *_variables(environment))
    folder = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME", "/")) / ".docker")
    context = environment.get("DOCKER_CONTEXT") or _current(folder)
    if context in {None, "", "default"}:
        return DockerHost(DEFAULT_SOCKET, DEFAULT_SOCKET)
    return _of_context(folder, str(context))


def _variables(environment: Mapping[str, str]) -> tuple[Path | None, bool | None]:
    """Where the certificates are, and whether TLS is wanted and checked; None: it is not."""
    home = Path(environment.get("HOME", "/")) / ".docker"
    certificates = Path(environment.get("DOCKER_CERT_PATH") or home)
    if environment.get("DOCKER_TLS_VERIFY"):
        return certificates, True
    return (certificates, False) if environment.get("DOCKER_TLS") else (None, None)


def _host(text: str, source: str, certificates: Path | None, verify: bool | None) -> DockerHost:
    address = DockerAddress.parse(text)
    if address is None:
        rule = "is reached over SSH by docker alone" if text.startswith("ssh://") else "is no address of a Docker host"
        raise DockerHostInvalid(text, source, rule)
    if address.socket is not None:
        path = address.socket or DEFAULT_SOCKET
        return DockerHost(path, path)
    scheme = "https" if verify is not None or address.protocol == "https" else "http"
    origin = address.origin(scheme)
    files = {name: _file(certificates, f"{name}.pem") for name in ("ca", "cert", "key")}
    if scheme == "http":
        return DockerHost(text, None, origin)
    return DockerHost(text, None, origin, files["ca"], files["cert"], files["key"], verify=verify is not False)


def _file(folder: Path | None, name: str) -> str | None:
    return str(folder / name) if folder is not None and (folder / name).is_file() else None


def _current(folder: Path) -> str | None:
    """The context that `docker context use` chose; none where the file cannot be read: docker has a default too."""
    try:
        found = json.loads((folder / "config.json").read_text()).get("currentContext")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def _of_context(folder: Path, name: str) -> DockerHost:
    encoded = hashlib.sha256(name.encode()).hexdigest()
    source = f"docker's context {name}"
    try:
        endpoint = json.loads((folder / "contexts/meta" / encoded / "meta.json").read_text())["Endpoints"]["docker"]
        host, skips = endpoint["Host"], endpoint.get("SkipTLSVerify") is True
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DockerHostInvalid(name, "the name of docker's context", "cannot be read") from error
    certificates = folder / "contexts/tls" / encoded / "docker"
    found = certificates.is_dir()
    return _host(str(host), source, certificates if found else None, not skips if found or skips else None)
