"""Configured registries: their rows, which of them serves a repository, and with which login.

The row whose path is the longest prefix of a repository's serves it; where none does, nobody logs in. Passwords go in
and never come out: they are sealed for their row, and opened only for the work that sends them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lading.errors import LadingError
from lading.oci.prefix import Prefix
from lading.oci.reference import Repository
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Result, Trail, row_deed
from lading.services.audit.trail import admit
from lading.services.environments.orders import Access
from lading.services.named_rows import RowUnknown, changes, known
from lading.services.registries.forms import (
    RegistryEdit,
    RegistryForm,
    RegistryInvalid,
    SecretNeeded,
    Secrets,
    edited_fields,
    edited_row,
    new_row,
)
from lading.services.registries.minting import MintedLogins, NoMint, ProviderLogin
from lading.services.registries.providers import OF_PROVIDER, TEMPLATES, Template
from lading.services.registries.records import RegistryRecords, RegistryRow
from lading.services.row_rules import LONGEST_NAME
from lading.services.secrets import OF_REGISTRY, SecretBox
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint


class ConfiguredRegistries:
    """For every door; each method asks for permission and keeps the trail."""

    def __init__(
        self, records: RegistryRecords, secrets: SecretBox, trail: Trail, minted: MintedLogins | None = None
    ) -> None:
        """Without `minted`, every login goes to its registry as it is kept."""
        self._records, self._secrets, self._trail = records, secrets, trail
        self._minted = minted or NoMint()

    # ── rows

    def list(self, actor: Actor) -> Sequence[RegistryRow]:
        """In order of id."""
        admit(self._trail, actor, Permission.REGISTRIES_VIEW, row_deed("list", "registry"))
        return self._records.registries()

    def get(self, actor: Actor, id: int) -> RegistryRow:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        admit(self._trail, actor, Permission.REGISTRIES_VIEW, row_deed("view", "registry", id))
        return self.row(id)

    def templates(self, actor: Actor) -> Iterable[Template]:
        """The providers that a registry may be of, in the order in which forms offer them."""
        admit(self._trail, actor, Permission.REGISTRIES_VIEW, row_deed("list", "registry"))
        return TEMPLATES.values()

    def add(self, actor: Actor, form: RegistryForm) -> RegistryRow:
        """Raises RegistryInvalid, ReferenceInvalid, NameTaken."""
        admit(self._trail, actor, Permission.REGISTRIES_EDIT, row_deed("create", "registry", name=form.name))
        row, login = new_row(form)
        kept = self._records.add_registry(partial(self._sealed, row, login))
        self._record(actor, "create", kept)
        return kept

    def change(self, actor: Actor, id: int, edit: RegistryEdit) -> RegistryRow:  # noqa: A002  a row's own word
        """Raises RowUnknown, RegistryInvalid, ReferenceInvalid, NameTaken."""
        admit(self._trail, actor, Permission.REGISTRIES_EDIT, row_deed("update", "registry", id))
        while True:  # again where somebody else changed it in between: nobody's change is lost
            before = self.row(id)
            after = self._changed(before, edit)
            if self._records.change_registry(before, after):
                break
        if _login_of(before) != _login_of(after):
            self._minted.forget(id)
        self._record(actor, "update", after, changes(before, after))
        return after

    def _changed(self, before: RegistryRow, edit: RegistryEdit) -> RegistryRow:
        edited = edited_row(before, edit)
        hidden = self._hidden(before) if edited.row.provider is before.provider else {}
        missing = next((name for name in hidden if name not in edit.fields), None)
        if edited.elsewhere and missing is not None:
            raise SecretNeeded(missing)
        after = self._hiding(edited.row, edited_fields(hidden, edit.fields, edited.hidden), before.id)
        if edited.password is not None:
            return self._sealed_password(after, edited.password, before.id)
        return after if after.username is not None else replace(after, sealed=None)

    def remove(self, actor: Actor, id: int) -> None:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        admit(self._trail, actor, Permission.REGISTRIES_EDIT, row_deed("delete", "registry", id))
        row = self.row(id)
        if not self._records.remove_registry(id):
            raise RowUnknown("registry", id)
        self._minted.forget(id)
        self._record(actor, "delete", row)

    def make_default(self, actor: Actor, id: int) -> RegistryRow:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        admit(self._trail, actor, Permission.REGISTRIES_EDIT, row_deed("update", "registry", id))
        if not self._records.make_default(id):
            raise RowUnknown("registry", id)
        row = self.row(id)
        self._record(actor, "update", row)
        return row

    def tried(self, actor: Actor, id: int | None, form: RegistryForm | None) -> Trial:  # noqa: A002
        """What a test of the connection tries: the row of an id, or a form that nobody keeps.

        Raises RowUnknown, RegistryInvalid, ReferenceInvalid.
        """
        admit(self._trail, actor, Permission.REGISTRIES_EDIT, row_deed("test", "registry", id))
        if form is None:
            if id is None:
                raise RegistryInvalid("url", "is missing, and so is the id of one that is configured")
            row = self.row(id)
            return Trial(row, self.provider_login(row), partial(self.access, row))
        row, kept = new_row(replace(form, name=form.name or form.url[:LONGEST_NAME]))
        fields = {**row.provider_fields, **kept.hidden}
        secret = kept.password or ""
        login = ProviderLogin(row.provider, _endpoint(row), row.path, row.username or "", secret, fields)
        return Trial(row, login, lambda: Access(row.name, _endpoint(row), self._credential(None, login, "the form")))

    # ── what work asks; who may has been asked before

    def row(self, id: int) -> RegistryRow:  # noqa: A002  a row's own word
        """Raises RowUnknown: "Registry not found"."""
        return known(self._records.registry(id), "registry", id)

    def serving(self, repository: Repository) -> RegistryRow | None:
        """The row that serves it: the longest path that fits, then the default one, then the eldest."""
        return best(self._records.registries(), repository)

    def at(self, host: str) -> RegistryRow | None:
        """The row for a host as a whole: the one for all of it, then the default one, then the eldest."""
        rows = [row for row in self._records.registries() if row.host == host]
        return min(rows, key=lambda row: (len(row.path), not row.is_default, row.id), default=None)

    def access(self, row: RegistryRow) -> Access:
        """How its registry is reached, with its login, which its provider may mint. Raises SealBroken, and where it is
        minted as Minting.mint."""
        credential = self._credential(row.id, self.provider_login(row), f"the registry {row.name}")
        return Access(row.name, _endpoint(row), credential, row.id)

    def _credential(self, registry: int | None, login: ProviderLogin, source: str) -> Credential | None:
        if not login.username or not login.secret:
            return None
        return self._minted.credential(registry, login, source)

    def provider_login(self, row: RegistryRow) -> ProviderLogin:
        """What its provider's API is asked with: the login as it is kept, if there is one. Raises SealBroken."""
        secret = "" if row.sealed is None else self._secrets.open(OF_REGISTRY.format(row.id), row.sealed)
        fields = {**row.provider_fields, **self._hidden(row)}
        return ProviderLogin(row.provider, _endpoint(row), row.path, row.username or "", secret, fields)

    def validities(self) -> Mapping[int, float]:
        """Until when the minted logins are good, by the registry's id, in seconds since 1970."""
        return self._minted.validities()

    def named_validities(self) -> Mapping[str, float]:
        """The same by the registry's name."""
        ends = self.validities()
        return {row.name: ends[row.id] for row in self._records.registries() if row.id in ends} if ends else {}

    def renew(self) -> int:
        """Mints every login anew that does not last much longer, so that its end is always ahead; how many cannot be.
        Raises StorageFailed."""
        return sum(not self._renewed(row) for row in self._records.registries() if row.sealed is not None)

    def _renewed(self, row: RegistryRow) -> bool:
        try:
            login = self.provider_login(row)
            if login.minted:
                self._credential(row.id, login, row.name)
        except LadingError:  # whoever works with it is told; the end that is shown, and counted, tells everybody else
            return False
        return True

    def access_for(self, repository: Repository) -> Access:
        """As `access`, for whatever serves the repository; nobody logs in where nothing is configured."""
        row = self.serving(repository)
        return self.access(row) if row else Access(repository.registry, Endpoint(repository.registry))

    def _hidden(self, row: RegistryRow) -> dict[str, str]:
        """Its provider's secret fields."""
        if row.provider_sealed is None:
            return {}
        kept = json.loads(self._secrets.open(OF_PROVIDER.format(row.id), row.provider_sealed))
        return {str(name): str(value) for name, value in kept.items()}

    def _sealed(self, row: RegistryRow, login: Secrets, id: int) -> RegistryRow:  # noqa: A002  a row's own word
        return self._hiding(self._sealed_password(row, login.password, id), login.hidden, id)

    def _hiding(self, row: RegistryRow, hidden: Mapping[str, str], id: int) -> RegistryRow:  # noqa: A002  a row's word
        """Sealed anew only where they are not what is kept: no seal is ever the same twice."""
        if row.id == id and self._hidden(row) == hidden:
            return row
        text = json.dumps(hidden, sort_keys=True)
        sealed = self._secrets.seal(OF_PROVIDER.format(id), text) if hidden else None
        return replace(row, id=id, provider_sealed=sealed)

    def _sealed_password(self, row: RegistryRow, password: str | None, id: int) -> RegistryRow:  # noqa: A002  as above
        return replace(row, id=id, sealed=self._secrets.seal(OF_REGISTRY.format(id), password) if password else None)

    # ── permission and trail

    def _record(self, actor: Actor, action: str, row: RegistryRow, changed: Sequence[str] = ()) -> None:
        details = {
            "url": row.url,
            "username": row.username,
            "tls": row.tls.value,
            "isDefault": row.is_default,
            "relay": row.relay.value,
            "provider": row.provider.value,
        }
        told = details | ({"changed": list(changed)} if changed else {})
        self._trail.record(actor, row_deed(action, "registry", row.id, row.name, told), Result.DONE)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried out: a row, which may be no one's; what its provider is asked with; and how it is reached, whose
    login may be minted only then."""

    row: RegistryRow
    login: ProviderLogin
    access: Callable[[], Access]


def _login_of(row: RegistryRow) -> tuple[object, ...]:
    """What a provider mints by."""
    return row.provider, row.username, row.sealed, row.provider_fields, row.provider_sealed


def _endpoint(row: RegistryRow) -> Endpoint:
    return Endpoint(row.host, row.tls, ca_pem=row.ca)


def best(rows: Iterable[RegistryRow], repository: Repository) -> RegistryRow | None:
    """Of the rows that serve it, the one with the longest path; then the default one; then the eldest."""
    serving = [row for row in rows if serves(row, repository)]
    return min(serving, key=lambda row: (-len(row.path), not row.is_default, row.id), default=None)


def serves(row: RegistryRow, repository: Repository) -> bool:
    """Whether the repository is the row's: so its login may be sent where that is."""
    return Prefix(row.host, row.path).holds(repository)
