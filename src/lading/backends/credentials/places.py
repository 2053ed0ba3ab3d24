"""Which entry of a file of logins is for which repository.

Keys are written in many ways: `ghcr.io`, `https://index.docker.io/v1/`, `quay.io/acme/team`. A key is a host and,
as podman writes it, a path: it serves every repository at or below that path, and the longest one that fits wins.
"""

from __future__ import annotations

from collections.abc import Iterable

from lading.oci.reference import HUB, Repository
from lading.services.registries import split_place

HUB_KEY = "https://index.docker.io/v1/"
"""What docker and its helpers call Docker Hub."""


def best(keys: Iterable[str], repository: Repository) -> str | None:
    """The key that fits the repository most closely."""
    fitting = [key for key in keys if serves(key, repository)]
    return max(fitting, key=lambda key: len(split_place(key)[1]), default=None)


def serves(key: str, repository: Repository) -> bool:
    """Whether the repository lies at or below the key's place."""
    host, path = split_place(key)
    return host == repository.registry and (not path or f"{repository.path}/".startswith(f"{path}/"))


def helper_key(registry: str) -> str:
    """How a helper is asked for a registry."""
    return HUB_KEY if registry == HUB else registry
