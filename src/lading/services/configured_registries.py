"""Configured registries: their rows, which of them serves a repository, and with which login.

The row whose path is the longest prefix of a repository's serves it; where none does, nobody logs in. Passwords go in
and never come out: they are sealed for their row, and opened only for the work that sends them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from lading.errors import InputInvalid
from lading.oci.prefix import Prefix
from lading.oci.reference import Repository, check_path, check_registry, is_registry
from lading.services.access import Actor, Permission
from lading.services.audit import Result, Trail, row_deed
from lading.services.audit_trail import admit
from lading.services.environment_orders import Access
from lading.services.named_rows import RowUnknown, changes, known
from lading.services.registry_records import RegistryRecords, RegistryRow
from lading.services.row_rules import LONGEST_NAME, NAME_RULE, is_pem, row_name
from lading.services.secrets import OF_REGISTRY, SecretBox
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint, Tls

LONGEST_URL = 500
LONGEST_SECRET = 10_000


class RegistryInvalid(InputInvalid):
    """A field of a registry that cannot be taken as it is."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field, self.rule = field, rule

    def __str__(self) -> str:
        return f"the registry's {self.field} {self.rule}"


@dataclass(frozen=True, slots=True)
class RegistryForm:
    """What somebody wrote of a registry. `tls` None: as the URL's scheme says. An empty password is none."""

    name: str
    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    ca: str | None = None
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class RegistryEdit:
    """What to change of a registry; None leaves a field as it is, and empty text takes it away."""

    name: str | None = None
    url: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    ca: str | None = None
    is_default: bool | None = None


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


class ConfiguredRegistries:
    """For every door; each method asks for permission and keeps the trail."""

    def __init__(self, records: RegistryRecords, secrets: SecretBox, trail: Trail) -> None:
        self._records, self._secrets, self._trail = records, secrets, trail

    # ── rows

    def list(self, actor: Actor) -> Sequence[RegistryRow]:
        """In order of id."""
        admit(self._trail, actor, Permission.REGISTRIES_VIEW, row_deed("list", "registry"))
        return self._records.registries()

    def get(self, actor: Actor, id: int) -> RegistryRow:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        admit(self._trail, actor, Permission.REGISTRIES_VIEW, row_deed("view", "registry", id))
        return self.row(id)

    def add(self, actor: Actor, form: RegistryForm) -> RegistryRow:
        """Raises RegistryInvalid, ReferenceInvalid, NameTaken."""
        admit(self._trail, actor, Permission.REGISTRIES_EDIT, row_deed("create", "registry", name=form.name))
        kept = self._records.add_registry(partial(self._sealed, _new(form), form.password))
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
        self._record(actor, "update", after, changes(before, after))
        return after

    def _changed(self, before: RegistryRow, edit: RegistryEdit) -> RegistryRow:
        url = before.url if edit.url is None else edit.url
        place = RegistryPlace.parse(url)
        username = before.username if edit.username is None else edit.username or None
        after = replace(
            before,
            name=before.name if edit.name is None else _name(edit.name),
            url=url.strip(),
            host=place.host,
            path=place.path,
            username=username,
            tls=edit.tls or (before.tls if edit.url is None else place.tls or before.tls),
            ca=before.ca if edit.ca is None else _pem(edit.ca),
            is_default=before.is_default if edit.is_default is None else edit.is_default,
        )
        if before.sealed and edit.password is None and _goes_elsewhere(before, after):
            raise RegistryInvalid("password", "must be given again where the address or CA changes, or TLS weakens")
        if edit.password is not None:
            _login(username, edit.password)
            after = self._sealed(after, edit.password, before.id)
        elif username is None:
            after = replace(after, sealed=None)
        return after

    def remove(self, actor: Actor, id: int) -> None:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        admit(self._trail, actor, Permission.REGISTRIES_EDIT, row_deed("delete", "registry", id))
        row = self.row(id)
        if not self._records.remove_registry(id):
            raise RowUnknown("registry", id)
        self._record(actor, "delete", row)

    def make_default(self, actor: Actor, id: int) -> RegistryRow:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        admit(self._trail, actor, Permission.REGISTRIES_EDIT, row_deed("update", "registry", id))
        if not self._records.make_default(id):
            raise RowUnknown("registry", id)
        row = self.row(id)
        self._record(actor, "update", row)
        return row

    def tried(self, actor: Actor, id: int | None, form: RegistryForm | None) -> tuple[RegistryRow, Access]:  # noqa: A002
        """What a test of the connection tries: the row of an id, or a form that nobody keeps.

        Raises RowUnknown, RegistryInvalid, ReferenceInvalid.
        """
        admit(self._trail, actor, Permission.REGISTRIES_EDIT, row_deed("test", "registry", id))
        if form is None:
            if id is None:
                raise RegistryInvalid("url", "is missing, and so is the id of one that is configured")
            row = self.row(id)
            return row, self.access(row)
        row = _new(replace(form, name=form.name or form.url[:LONGEST_NAME]))
        credential = (
            Credential(row.username, form.password, source="the form") if row.username and form.password else None
        )
        return row, Access(row.name, Endpoint(row.host, row.tls, ca_pem=row.ca), credential)

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
        """How its registry is reached, with its login. Raises SealBroken."""
        credential = None
        if row.sealed is not None and row.username is not None:
            password = self._secrets.open(OF_REGISTRY.format(row.id), row.sealed)
            credential = Credential(row.username, password, source=f"the registry {row.name}")
        return Access(row.name, Endpoint(row.host, row.tls, ca_pem=row.ca), credential, row.id)

    def access_for(self, repository: Repository) -> Access:
        """As `access`, for whatever serves the repository; nobody logs in where nothing is configured."""
        row = self.serving(repository)
        return self.access(row) if row else Access(repository.registry, Endpoint(repository.registry))

    def _sealed(self, row: RegistryRow, password: str | None, id: int) -> RegistryRow:  # noqa: A002  a row's own word
        return replace(row, id=id, sealed=self._secrets.seal(OF_REGISTRY.format(id), password) if password else None)

    # ── permission and trail

    def _record(self, actor: Actor, action: str, row: RegistryRow, changed: Sequence[str] = ()) -> None:
        details = {"url": row.url, "username": row.username, "tls": row.tls.value, "isDefault": row.is_default}
        told = details | ({"changed": list(changed)} if changed else {})
        self._trail.record(actor, row_deed(action, "registry", row.id, row.name, told), Result.DONE)


def _new(form: RegistryForm) -> RegistryRow:
    """Without an id and without a password. Raises RegistryInvalid, ReferenceInvalid."""
    place = RegistryPlace.parse(form.url)
    return RegistryRow(
        0,
        _name(form.name),
        form.url.strip(),
        place.host,
        place.path,
        _login(form.username, form.password),
        is_default=form.is_default,
        tls=form.tls or place.tls or Tls.VERIFY,
        ca=_pem(form.ca),
    )


def best(rows: Iterable[RegistryRow], repository: Repository) -> RegistryRow | None:
    """Of the rows that serve it, the one with the longest path; then the default one; then the eldest."""
    serving = [row for row in rows if serves(row, repository)]
    return min(serving, key=lambda row: (-len(row.path), not row.is_default, row.id), default=None)


def serves(row: RegistryRow, repository: Repository) -> bool:
    """Whether the repository is the row's: so its login may be sent where that is."""
    return Prefix(row.host, row.path).holds(repository)


def _goes_elsewhere(before: RegistryRow, after: RegistryRow) -> bool:
    """Whether the password would reach another host, or whoever stands in between: somebody who may edit, and never
    knew it, must not have it sent there."""
    less = _PROTECTION.index(after.tls) < _PROTECTION.index(before.tls)
    return less or (after.host, after.ca) != (before.host, before.ca)


_PROTECTION = (Tls.HTTP, Tls.SKIP, Tls.VERIFY)
"""From none to all."""


def _name(name: str) -> str:
    named = row_name(name)
    if named is None:
        raise RegistryInvalid("name", NAME_RULE)
    return named


def _login(username: str | None, password: str | None) -> str | None:
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
