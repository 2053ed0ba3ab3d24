"""Docker's own logins, written as `docker login` writes them: by its helper, else into config.json."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lading.backends.credentials import private_file
from lading.backends.credentials.config_file import ConfigFile
from lading.backends.credentials.failures import CredentialFileUnusable
from lading.backends.credentials.places import helper_key
from lading.oci.prefix import Prefix
from lading.services.registries.registries import Login

if TYPE_CHECKING:
    from lading.backends.credentials.helpers import Helper


class DockerLogins:
    """Fulfils services.registries.registries.OwnLogins over docker's config.json at `path`. Docker knows hosts, no
    paths."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self._path, self._environment = path, environment

    def set(self, place: str, username: str, secret: str) -> None:
        """Replaces the login of that host. Raises CredentialFileUnusable, HelperMissing, HelperFailed."""
        server = helper_key(Prefix.read(place).host)
        with private_file.changing(self._path):
            document = self._document()
            helper = self._helper(document, place)
            if helper is not None:
                helper.store(server, username, secret)
                entry: dict[str, object] = {}
            else:
                entry = {"auth": base64.b64encode(f"{username}:{secret}".encode()).decode()}
            self._write(document, {**_without(document, place), server: entry})

    def remove(self, place: str) -> bool:
        """Whether there was one. Raises CredentialFileUnusable, HelperMissing, HelperFailed."""
        server = helper_key(Prefix.read(place).host)
        with private_file.changing(self._path):
            document = self._document()
            helper = self._helper(document, place)
            kept = helper is not None and helper.get(server) is not None
            if helper is not None and kept:
                helper.erase(server)
            rest = _without(document, place)
            if len(rest) < len(_auths(document)):
                self._write(document, rest)
                return True
            return kept

    def logins(self) -> Sequence[Login]:
        """Those that config.json shows, in order of place; a helper's are shown without their user."""
        document = self._document()
        file = self._parsed(document)
        names = {str(Prefix.read(key)): file.user_of(key) for key in file.auths}
        return [Login(place, names[place]) for place in sorted(names)]

    def _helper(self, document: Mapping[str, object], place: str) -> Helper | None:
        name = self._parsed(document).helper_for(Prefix.read(place).host)
        if name is None:
            return None
        from lading.backends.credentials.helpers import Helper  # noqa: PLC0415  most files name none

        return Helper(name, str(self._path), self._environment)

    def _parsed(self, document: Mapping[str, object]) -> ConfigFile:
        return ConfigFile.parse(json.dumps(document).encode(), str(self._path), self._environment)

    def _document(self) -> dict[str, object]:
        content = private_file.read(self._path)
        try:
            document = json.loads(content or b"{}")
        except ValueError as error:
            raise CredentialFileUnusable(str(self._path), "it is not JSON") from error
        if not isinstance(document, dict):
            raise CredentialFileUnusable(str(self._path), "it is no JSON object")
        return document

    def _write(self, document: Mapping[str, object], auths: Mapping[str, object]) -> None:
        """Everything else in the file is docker's and stays."""
        content = json.dumps({**document, "auths": auths}, indent="\t")
        private_file.replace(self._path, content.encode() + b"\n")


def _auths(document: Mapping[str, object]) -> Mapping[str, object]:
    auths = document.get("auths")
    return auths if isinstance(auths, dict) else {}


def _without(document: Mapping[str, object], place: str) -> dict[str, object]:
    """All entries but those of this host, however they are spelled."""
    host = Prefix.read(place).host
    return {key: entry for key, entry in _auths(document).items() if Prefix.read(key) != Prefix(host)}
