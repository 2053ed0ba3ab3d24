"""What somebody wrote into a provider's own fields, checked by its template; and the forms in which they are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lading.errors import InputInvalid
from lading.services.registries.providers import API_URL, NAMESPACES, REGION, TENANT, Provider, Template

LONGEST_FIELD = 10_000
_URL_RULE = "must be https://host[:port][/path]"
_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")


class ProviderFieldInvalid(InputInvalid):
    """A field of a provider that cannot be taken as it is. It is not told what was written: it may be a secret."""

    def __init__(self, provider: Provider, name: str, rule: str) -> None:
        super().__init__(provider, name, rule)
        self.provider, self.name, self.rule = provider, name, rule

    def __str__(self) -> str:
        return f"the field {self.name} of {self.provider} {self.rule}"


@dataclass(frozen=True, slots=True)
class ProviderFields:
    """A provider's own fields that are filled in, by their names: those that anybody may see, and the secret ones."""

    shown: Mapping[str, str] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_fields(template: Template, written: Mapping[str, str]) -> ProviderFields:
    """Empty ones are none. Raises ProviderFieldInvalid."""
    shown: dict[str, str] = {}
    hidden: dict[str, str] = {}
    for name, value in written.items():
        known = template.field(name)
        if known is None:
            raise ProviderFieldInvalid(template.provider, name[:100], "is none that it has")
        text = value.strip()
        if text:
            _check(template.provider, name, text)
            (hidden if known.secret else shown)[name] = text
    return ProviderFields(shown, hidden)


def _check(provider: Provider, name: str, text: str) -> None:
    if len(text) > LONGEST_FIELD or not text.isprintable():
        raise ProviderFieldInvalid(provider, name, "must be one line")
    if name == API_URL:
        _check_url(provider, text)
    elif name in {REGION, TENANT} and not set(text) <= _NAME_LETTERS:
        raise ProviderFieldInvalid(provider, name, "has letters, digits, dots, hyphens and underscores alone")
    elif name == NAMESPACES and not set(text) <= _NAME_LETTERS | set(", "):
        raise ProviderFieldInvalid(provider, name, "has names parted by commas")


def _check_url(provider: Provider, text: str) -> None:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ProviderFieldInvalid(provider, API_URL, _URL_RULE) from None
    if not host or port == 0 or parts.scheme not in {"https", "http"}:
        raise ProviderFieldInvalid(provider, API_URL, _URL_RULE)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ProviderFieldInvalid(provider, API_URL, _URL_RULE)


def service_account(text: str) -> tuple[str, str]:
    """A Google service account's key as one line, and whose it is. Raises ProviderFieldInvalid."""
    try:
        key = json.loads(text)
    except (ValueError, RecursionError):
        key = None
    wanted = ("client_email", "private_key")
    if not isinstance(key, dict) or any(not isinstance(key.get(name), str) or not key[name] for name in wanted):
        rule = "must be a service account's key: the JSON file with client_email and private_key"
        raise ProviderFieldInvalid(Provider.GOOGLE, "password", rule)
    return json.dumps(key, separators=(",", ":")), str(key["client_email"])
