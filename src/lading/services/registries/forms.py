"""What somebody writes of a registry: forms and edits, checked, and the rows they come to without their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lading.errors import InputInvalid
from lading.oci.prefix import Prefix
from lading.oci.reference import check_path, check_registry, is_registry
from lading.services.registries.provider_fields import read_fields, service_account
from lading.services.registries.providers import NAMESPACES, TEMPLATES, Provider
from lading.services.registries.records import RegistryRow, RelayChoice
from lading.services.row_rules import NAME_RULE, is_pem, row_name
from lading.wire.endpoint import Tls

LONGEST_URL = 500
LONGEST_SECRET = 10_000


class RegistryInvalid(InputInvalid):
    """A field of a registry that cannot be taken as it is."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field, self.rule = field, rule

    def __str__(self) -> str:
        return f"the registry's {self.field} {self.rule}"


class SecretNeeded(RegistryInvalid):
    """A kept secret would be sent elsewhere, and whoever asks for that did not give it."""

    def __init__(self, field: str) -> None:
        super().__init__(field, "must be given again where the address, CA or provider changes, or TLS weakens")


@dataclass(frozen=True, slots=True)
class RegistryForm:
    """What somebody wrote of a registry. `tls` None: as the URL's scheme says. An empty password is none; `fields` are
    its provider's own."""

    name: str
    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    ca: str | None = None
    is_default: bool = False
    relay: RelayChoice = RelayChoice.AUTO
    provider: Provider = Provider.GENERIC
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class RegistryEdit:
    """What to change of a registry; None leaves a field as it is, and empty text takes it away. Of its provider's own
    `fields` those stay that are not named; another provider begins with none."""

    name: str | None = None
    url: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    ca: str | None = None
    is_default: bool | None = None
    relay: RelayChoice | None = None
    provider: Provider | None = None
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class RegistryPlace:
    """What a registry's URL means: `host` in its one spelling, the `path` prefix, and how `http://` or `https://` wants
    it reached (None: nothing was said)."""

    host: str
    path: str
    tls: Tls | None

    @classmethod
    def parse(cls, url: str) -> RegistryPlace:
        """Raises RegistryInvalid, ReferenceInvalid."""
        scheme, found, bare = url.strip().rpartition("://")
        if found and scheme.lower() not in {"http", "https"}:
            raise RegistryInvalid("url", f"begins with {scheme}://, and registries speak http:// or https://")
        if "@" in bare or "?" in bare or "#" in bare:
            raise RegistryInvalid("url", "is host[:port][/path]; a login has fields of its own")
        if not bare or len(url) > LONGEST_URL:
            raise RegistryInvalid("url", f"must have 1 to {LONGEST_URL} characters")
        part = Prefix.read(scheme + found + bare.strip("/"))
        check_registry(url, part.host)
        if not is_registry(part.host):
            raise RegistryInvalid("url", "needs its port, else its host reads as a name on Docker Hub")
        path = "" if part.is_hub else part.path
        if path:
            check_path(url, path)
        return cls(part.host, path, {"http": Tls.HTTP, "https": Tls.VERIFY}.get(scheme.lower()))


@dataclass(frozen=True, slots=True)
class Secrets:
    """What of a form is sealed."""

    password: str | None = field(default=None, repr=False)
    hidden: Mapping[str, str] = field(default_factory=dict, repr=False)


def new_row(form: RegistryForm) -> tuple[RegistryRow, Secrets]:
    """Without an id, and what is not sealed yet. Raises RegistryInvalid, ProviderFieldInvalid, ReferenceInvalid."""
    place = RegistryPlace.parse(form.url)
    username, password = _named_login(form.provider, form.username, form.password)
    fields = read_fields(TEMPLATES[form.provider], form.fields)
    row = RegistryRow(
        0,
        _name(form.name),
        form.url.strip(),
        place.host,
        place.path,
        checked_login(username, password),
        is_default=form.is_default,
        tls=form.tls or place.tls or Tls.VERIFY,
        ca=_pem(form.ca),
        relay=form.relay,
        provider=form.provider,
        provider_fields=fields.shown,
    )
    return row, Secrets(password, fields.hidden)


@dataclass(frozen=True, slots=True)
class Edited:
    """A row after an edit, whose secrets are as they were; the password and the provider's secret fields that came with
    it; and whether what is kept would go elsewhere."""

    row: RegistryRow
    password: str | None = field(repr=False)
    hidden: Mapping[str, str] = field(repr=False)
    elsewhere: bool


def edited_row(before: RegistryRow, edit: RegistryEdit) -> Edited:
    """Raises RegistryInvalid, ProviderFieldInvalid, ReferenceInvalid."""
    url = before.url if edit.url is None else edit.url
    place = RegistryPlace.parse(url)
    provider = edit.provider or before.provider
    username, password = _named_login(provider, edit.username, edit.password)
    written = read_fields(TEMPLATES[provider], edit.fields)
    stay = before.provider_fields if provider is before.provider else {}
    after = replace(
        before,
        name=before.name if edit.name is None else _name(edit.name),
        url=url.strip(),
        host=place.host,
        path=place.path,
        username=before.username if username is None else username or None,
        tls=edit.tls or (before.tls if edit.url is None else place.tls or before.tls),
        ca=before.ca if edit.ca is None else _pem(edit.ca),
        is_default=before.is_default if edit.is_default is None else edit.is_default,
        relay=edit.relay or before.relay,
        provider=provider,
        provider_fields=edited_fields(stay, edit.fields, written.shown),
    )
    if password is not None:
        checked_login(after.username, password)
    elsewhere = _goes_elsewhere(before, after)
    if before.sealed and password is None and elsewhere:
        raise SecretNeeded("password")
    return Edited(after, password, written.hidden, elsewhere)


def _named_login(provider: Provider, username: str | None, password: str | None) -> tuple[str | None, str | None]:
    """A Google service account is named in its key, and the file has lines. Raises ProviderFieldInvalid."""
    if provider is not Provider.GOOGLE or not password:
        return username, password
    key, account = service_account(password)
    return account, key


def edited_fields(kept: Mapping[str, str], written: Mapping[str, str], taken: Mapping[str, str]) -> dict[str, str]:
    """Fields that were not written stay; of those that were, what could be taken."""
    return {**{name: value for name, value in kept.items() if name not in written}, **taken}


def _goes_elsewhere(before: RegistryRow, after: RegistryRow) -> bool:
    """Whether the password would reach another host, or whoever stands in between: somebody who may edit, and never
    knew it, must not have it sent there."""
    less = _PROTECTION.index(after.tls) < _PROTECTION.index(before.tls)
    return less or _goes_to(after) != _goes_to(before)


def _goes_to(row: RegistryRow) -> tuple[object, ...]:
    """A provider's fields say where it takes the password; but for those that say what to list."""
    fields = sorted((name, value) for name, value in row.provider_fields.items() if name != NAMESPACES)
    return row.host, row.ca, row.provider, fields


_PROTECTION = (Tls.HTTP, Tls.SKIP, Tls.VERIFY)
"""From none to all."""


def _name(name: str) -> str:
    named = row_name(name)
    if named is None:
        raise RegistryInvalid("name", NAME_RULE)
    return named


def checked_login(username: str | None, password: str | None) -> str | None:
    """The user name, None where it is empty. Raises RegistryInvalid."""
    if password and not username:
        raise RegistryInvalid("username", "is missing beside the password")
    for name, value in (("username", username), ("password", password)):
        if value and (len(value) > LONGEST_SECRET or "\n" in value or "\r" in value or "\0" in value):
            raise RegistryInvalid(name, "must be one line")
    if username and ":" in username:
        raise RegistryInvalid("username", "cannot hold a colon, which ends it where it is sent (RFC 7617, 2)")
    return username or None


def _pem(text: str | None) -> str | None:
    if not text:
        return None
    if not is_pem(text, "CERTIFICATE"):
        raise RegistryInvalid("ca", "must be certificates in PEM")
    return text
