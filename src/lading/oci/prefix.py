"""A part of a registry: its host, and perhaps the path that all repositories of the part begin with. Logins and
configured registries are for such parts; the longest path that fits is the one that counts."""

from __future__ import annotations

from dataclasses import dataclass

from lading.oci.reference import HUB, Repository, canonical_registry

_API_ROOTS = frozenset({"v1", "v2"})
"""Behind the host of a URL they are its API's own, and no path."""

_INDEX = "index.docker.io/v1"
"""How docker has always written Docker Hub's own URL (`docker info`, Registry): people leave out its scheme."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """`host` in its one spelling; `path` without slashes at its ends, empty for the whole registry."""

    host: str
    path: str = ""

    @classmethod
    def read(cls, text: str) -> Prefix:
        """As people and files of logins write it: `ghcr.io`, `https://index.docker.io/v1/`, `quay.io/acme/team`. What
        the host and the path may hold is not checked.

        A URL may end with the root of the API, which is no path. Without a scheme there is a host and a path, whatever
        it is called: podman keeps `host/v2` as a key for the repositories below it (containers-auth.json(5)), and drops
        what follows the host of a URL alone. Of a URL, another path is kept: people write it so, and mean it.
        """
        scheme, found, bare = text.partition("://")
        is_url = bool(found) and scheme.lower() in {"http", "https"}
        host, _, path = (bare if is_url else text).partition("/")
        path = path.strip("/")
        root = path in _API_ROOTS if is_url else f"{host.lower()}/{path}" == _INDEX
        return cls(canonical_registry(host), "" if root else path)

    def __str__(self) -> str:
        return f"{self.host}/{self.path}" if self.path else self.host

    @property
    def is_hub(self) -> bool:
        """Docker Hub as a whole, or a part of it."""
        return self.host == HUB

    def holds(self, repository: Repository) -> bool:
        """Whether the repository lies at or below it."""
        return self.host == repository.registry and (not self.path or f"{repository.path}/".startswith(f"{self.path}/"))
