"""Docker's config.json, podman's auth.json and DOCKER_AUTH_CONFIG: one format (containers-auth.json(5)).

    {"auths":       {"ghcr.io": {"auth": "base64 of user:secret"}, "r.io/team": {"identitytoken": "…"}},
     "credHelpers": {"gcr.io": "gcloud"},
     "credsStore":  "desktop"}

A login that stands in the file for the repository's very path goes before a helper, a helper before a login for the
whole host: the more exact one was meant.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass

from lading.backends.credentials.failures import CredentialFileUnusable
from lading.backends.credentials.places import best, helper_key
from lading.oci.prefix import Prefix
from lading.oci.reference import Repository
from lading.services.registries.registries import Found
from lading.wire.authorize import IDENTITY_USER, Credential


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What one file says; `shown_as` names it for people. Helpers run with `environment`."""

    auths: Mapping[str, Mapping[str, object]]
    helpers: Mapping[str, str]
    store: str | None
    shown_as: str
    environment: Mapping[str, str]

    @classmethod
    def parse(cls, content: bytes, shown_as: str, environment: Mapping[str, str]) -> ConfigFile:
        """Raises CredentialFileUnusable. Other keys are not ours to judge."""
        try:
            document = json.loads(content or b"{}")
        except ValueError as error:
            raise CredentialFileUnusable(shown_as, "it is not JSON") from error
        if not isinstance(document, dict):
            raise CredentialFileUnusable(shown_as, "it is no JSON object")
        auths, helpers = document.get("auths") or {}, document.get("credHelpers") or {}
        store = document.get("credsStore") or None
        if not _is_table(auths, dict) or not _is_table(helpers, str) or not isinstance(store, str | None):
            raise CredentialFileUnusable(shown_as, "auths, credHelpers or credsStore are not what docker writes")
        return cls(auths, helpers, store, shown_as, environment)

    def find(self, repository: Repository) -> Found | None:
        """Raises CredentialFileUnusable, HelperMissing, HelperFailed."""
        key = best((key for key, entry in self.auths.items() if _holds_login(entry)), repository)
        if key is not None and Prefix.read(key).path:
            return self._written(key)
        return self._helped(repository.registry) or (None if key is None else self._written(key))

    def helper_for(self, registry: str) -> str | None:
        """The name of the helper that keeps this registry's login."""
        chosen = {Prefix.read(key).host: name for key, name in self.helpers.items()}
        return chosen.get(registry) or self.store

    def user_of(self, key: str) -> str:
        """The user of an entry, empty where a helper keeps it. Raises CredentialFileUnusable."""
        return self._basic(key, self.auths[key])[0]

    def _helped(self, registry: str) -> Found | None:
        name = self.helper_for(registry)
        if name is None:
            return None
        from lading.backends.credentials.helpers import Helper  # noqa: PLC0415 - most files name none

        helper = Helper(name, self.shown_as, self.environment)
        login = helper.get(helper_key(registry))
        if login is None:
            return None
        source = f"{helper.program}, which {self.shown_as} names"
        username, secret = login
        if username == IDENTITY_USER:
            return Found(Credential(identity_token=secret, source=source), source)
        return Found(Credential(username, secret, source=source), source)

    def _written(self, key: str) -> Found:
        entry, source = self.auths[key], f"{self.shown_as} ({Prefix.read(key)})"
        username, secret = self._basic(key, entry)
        credential = Credential(
            username,
            secret,
            identity_token=_text(entry, "identitytoken") or None,
            registry_token=_text(entry, "registrytoken") or None,
            source=source,
        )
        return Found(credential, source)

    def _basic(self, key: str, entry: Mapping[str, object]) -> tuple[str, str]:
        sealed = _text(entry, "auth")
        if not sealed:
            return _text(entry, "username"), _text(entry, "password")
        try:
            username, colon, secret = base64.b64decode(sealed, validate=True).decode().partition(":")
        except (binascii.Error, ValueError) as error:
            raise CredentialFileUnusable(self.shown_as, f"the login for {key} is not base64") from error
        if not colon:
            raise CredentialFileUnusable(self.shown_as, f"the login for {key} is not user:password")
        return username, secret.rstrip("\0")


def _is_table(value: object, kind: type) -> bool:
    return isinstance(value, dict) and all(isinstance(each, kind) for each in value.values())


def _holds_login(entry: Mapping[str, object]) -> bool:
    """An empty entry only says that a helper keeps it."""
    return any(_text(entry, name) for name in ("auth", "password", "identitytoken", "registrytoken"))


def _text(entry: Mapping[str, object], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""
