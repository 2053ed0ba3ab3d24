"""All places where logins stand, in their order. The first that has one is used; the next is only ever named."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from lading.backends.credentials import private_file
from lading.backends.credentials.config_file import ConfigFile
from lading.backends.credentials.failures import HelperFailed, HelperMissing
from lading.backends.credentials.own import OwnCredentials
from lading.errors import LadingError
from lading.oci.reference import Repository
from lading.services.registries.registries import Found
from lading.wire.authorize import Credential

ANONYMOUS = "no login found"


class CredentialSources:
    """Fulfils services.registries.registries.CredentialSearch. `environment` is the process's, `user` its numeric
    id."""

    def __init__(
        self, flags: Credential | None, own: OwnCredentials, environment: Mapping[str, str], user: int
    ) -> None:
        self._flags, self._own, self._environment = flags, own, environment
        self._home = Path(environment.get("HOME") or "/")
        self._user = user

    def find(self, repository: Repository) -> Found:
        """The first source that has a login for this repository, or the anonymous one.

        Raises CredentialFileUnusable, SealBroken, HelperMissing, HelperFailed.
        """
        return next(self.candidates(repository), Found(None, ANONYMOUS))

    def next_after_first(self, repository: Repository) -> str | None:
        """Where another login for this repository stands: what a person is told when the first is refused."""
        found = self.candidates(repository)
        next(found, None)
        other = next(found, None)
        return None if other is None else other.source

    def candidates(self, repository: Repository) -> Iterator[Found]:
        """Every login for this repository, best first; a place is looked at only when it is reached."""
        if self._flags is not None:
            yield Found(self._flags, self._flags.source)
        own = self._own.find(repository)
        if own is not None:
            yield own
        yield from _written(self._files(), repository)

    def _files(self) -> Iterator[ConfigFile]:
        written = self._environment.get("DOCKER_AUTH_CONFIG")
        if written:
            yield ConfigFile.parse(written.encode(), "DOCKER_AUTH_CONFIG", self._environment)
        for path in (docker_config(self._environment), *self._podman()):
            content = private_file.read(path)
            if content is not None:
                yield ConfigFile.parse(content, self._shown(path), self._environment)

    def _podman(self) -> Iterator[Path]:
        """Where podman and skopeo keep theirs (containers-auth.json(5)); a file that is named is the only one."""
        named = self._environment.get("REGISTRY_AUTH_FILE")
        if named:
            yield Path(named)
            return
        running = self._environment.get("XDG_RUNTIME_DIR")
        if sys.platform == "linux":
            folder = Path(running) / "containers" if running else Path(f"/run/containers/{self._user}")
            yield folder / "auth.json"
        settings = self._environment.get("XDG_CONFIG_HOME")
        yield (Path(settings) if settings else self._home / ".config") / "containers" / "auth.json"

    def _shown(self, path: Path) -> str:
        return f"~/{path.relative_to(self._home)}" if path.is_relative_to(self._home) else str(path)


def _written(files: Iterator[ConfigFile], repository: Repository) -> Iterator[Found]:
    """What files of logins have. A helper that cannot be asked ends the search: what comes next is named only."""
    for file in files:
        try:
            found = file.find(repository)
        except (HelperMissing, HelperFailed) as error:
            other = None
            with suppress(LadingError):
                other = next(_written(files, repository), None)
            if other is None:
                raise
            raise error.but(why=f"another login stands in {other.source}; it was not tried") from error
        if found is not None:
            yield found


def docker_config(environment: Mapping[str, str]) -> Path:
    """Where docker's config.json is, whether or not it is there."""
    folder = environment.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path(environment.get("HOME") or "/") / ".docker") / "config.json"
