"""Which entry of a file of logins is for which repository.

A key is a registry or, as podman writes it, a part of one, in many spellings (oci.prefix).
"""

from __future__ import annotations

from collections.abc import Iterable

from lading.oci.prefix import Prefix
from lading.oci.reference import HUB, Repository

HUB_KEY = "https://index.docker.io/v1/"
"""What docker and its helpers call Docker Hub."""


def best(keys: Iterable[str], repository: Repository) -> str | None:
    """The key that fits the repository most closely."""
    fitting = [key for key in keys if Prefix.read(key).holds(repository)]
    return max(fitting, key=lambda key: len(Prefix.read(key).path), default=None)


def helper_key(registry: str) -> str:
    """How a helper is asked for a registry."""
    return HUB_KEY if registry == HUB else registry
