"""The four kinds of Notary v1 metadata as values: root, targets (and delegations), snapshot, timestamp.

root ── keys of ──> timestamp ── hash of ──> snapshot ── hashes of ──> root, targets, targets/releases, …
   └── keys of ──> targets ── keys of ──> targets/releases, targets/alice ── keys of ──> targets/alice/…
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lading.oci.document import Fields
from lading.oci.instants import parse_instant
from lading.proof.base64_text import base64_of, in_base64
from lading.proof.tuf_json import Signed
from lading.proof.tuf_keys import TrustKey
from lading.proof.tuf_refusals import TrustInvalid
from lading.proof.tuf_roles import (
    BASE_ROLES,
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    Delegation,
    RoleKeys,
    is_delegation,
    parent_of,
)

HASHES = {"sha256": 32, "sha512": 64}
"""The hashes computed here, each with its length in bytes; metadata may have others beside them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is signed of some bytes: their length and hashes by algorithm; `custom` is the signer's own remark."""

    length: int
    hashes: Mapping[str, bytes]
    custom: object = None

    @classmethod
    def of(cls, raw: bytes) -> Entry:
        """Of metadata: both hashes, as Notary writes them."""
        return cls(len(raw), {"sha256": hashlib.sha256(raw).digest(), "sha512": hashlib.sha512(raw).digest()})

    @property
    def sha256(self) -> bytes:
        """The hash that every entry has."""
        return self.hashes["sha256"]

    def difference(self, raw: bytes) -> str | None:
        """What of the bytes is not as signed: `length` or the name of a hash; None where all is."""
        if len(raw) != self.length:
            return "length"
        wrong = (
            name
            for name, value in self.hashes.items()
            if name in HASHES and hashlib.new(name, raw, usedforsecurity=True).digest() != value
        )
        return next(wrong, None)

    @property
    def document(self) -> dict[str, object]:
        """As metadata spells it."""
        hashes: dict[str, object] = {name: in_base64(value) for name, value in self.hashes.items()}
        custom = {} if self.custom is None else {"custom": self.custom}
        return {"length": self.length, "hashes": hashes, **custom}


@dataclass(frozen=True, slots=True)
class Root:
    """Which keys sign for the four base roles."""

    version: int
    expires: float
    roles: Mapping[str, RoleKeys]
    consistent: bool = False

    @classmethod
    def read(cls, signed: Signed) -> Root:
        """Raises TrustInvalid."""
        fields = _fields(signed, ROOT, "Root")
        keys = _keys(fields)
        roles = {name: _role_keys(_inner(fields, "roles", name), keys) for name in _members(fields, "roles")}
        for name in BASE_ROLES:
            if name not in roles:
                fields.refuse(f"roles.{name}", "is missing")
        return cls(_version(fields), _expires(fields), roles, fields.flag("consistent_snapshot"))

    @property
    def content(self) -> dict[str, object]:
        """What is signed."""
        keys = {each.id: each for role in self.roles.values() for each in role.keys.values()}
        return {
            **_common("Root", self.version, self.expires),
            "consistent_snapshot": self.consistent,
            "keys": {name: key.document for name, key in keys.items()},
            "roles": {name: role.document for name, role in self.roles.items()},
        }


@dataclass(frozen=True, slots=True)
class Targets:
    """Signed tags, and the roles below that may sign some."""

    version: int
    expires: float
    targets: Mapping[str, Entry] = field(default_factory=dict)
    delegations: tuple[Delegation, ...] = ()

    @classmethod
    def read(cls, signed: Signed, role: str) -> Targets:
        """The metadata of `role`, `targets` or a delegation. Raises TrustInvalid."""
        fields = _fields(signed, role, "Targets")
        return cls(_version(fields), _expires(fields), _entries(fields, "targets"), _delegations(fields, role))

    @property
    def content(self) -> dict[str, object]:
        """What is signed."""
        keys = {each.id: each for delegation in self.delegations for each in delegation.signers.keys.values()}
        return {
            **_common("Targets", self.version, self.expires),
            "targets": {name: entry.document for name, entry in self.targets.items()},
            "delegations": {
                "keys": {name: key.document for name, key in keys.items()},
                "roles": [each.document for each in self.delegations],
            },
        }

    def delegation(self, name: str) -> Delegation | None:
        """The role of that name that this one delegates to."""
        return next((each for each in self.delegations if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which root, targets and delegations belong together, by role."""

    version: int
    expires: float
    entries: Mapping[str, Entry]

    @classmethod
    def read(cls, signed: Signed) -> Snapshot:
        """Raises TrustInvalid."""
        fields = _fields(signed, SNAPSHOT, "Snapshot")
        return cls(_version(fields), _expires(fields), _entries(fields, "meta", ROOT, TARGETS))

    @property
    def content(self) -> dict[str, object]:
        """What is signed."""
        meta = {name: entry.document for name, entry in self.entries.items()}
        return {**_common("Snapshot", self.version, self.expires), "meta": meta}


@dataclass(frozen=True, slots=True)
class Timestamp:
    """Which snapshot is the newest; signed again every few days, so that nobody can hold a newer one back for long."""

    version: int
    expires: float
    snapshot: Entry

    @classmethod
    def read(cls, signed: Signed) -> Timestamp:
        """Raises TrustInvalid."""
        fields = _fields(signed, TIMESTAMP, "Timestamp")
        return cls(_version(fields), _expires(fields), _entries(fields, "meta", SNAPSHOT)[SNAPSHOT])

    @property
    def content(self) -> dict[str, object]:
        """What is signed."""
        return {**_common("Timestamp", self.version, self.expires), "meta": {SNAPSHOT: self.snapshot.document}}


def _common(kind: str, version: int, expires: float) -> dict[str, object]:
    """The members that all kinds have; moments are written to the second."""
    until = datetime.fromtimestamp(int(expires), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"_type": kind, "version": version, "expires": until}


def _fields(signed: Signed, role: str, kind: str) -> Fields:
    fields = Fields(signed.content, role, TrustInvalid)
    if fields.required_text("_type") != kind:
        fields.refuse("_type", f"must be {kind}")
    return fields


def _version(fields: Fields) -> int:
    version = fields.size("version")
    if version < 1:
        fields.refuse("version", "must be at least 1")
    return version


def _expires(fields: Fields) -> float:
    moment = parse_instant(fields.required_text("expires"))
    if moment is None:
        fields.refuse("expires", "must be a moment")
    return moment


def _members(fields: Fields, name: str) -> Mapping[str, object]:
    """An object whose member names mean something of their own, and differ in case (tags do); empty where absent."""
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        fields.refuse(name, "must be an object")
    return value


def _inner(fields: Fields, name: str, member: str) -> Fields:
    value = _members(fields, name)[member]
    where = f"{name}.{member}"
    if not isinstance(value, dict):
        fields.refuse(where, "must be an object")
    return Fields(value, f"{fields.path}.{where}", TrustInvalid)


def _keys(fields: Fields) -> dict[str, TrustKey]:
    return {name: _key(_inner(fields, "keys", name), name) for name in _members(fields, "keys")}


def _key(fields: Fields, name: str) -> TrustKey:
    key = TrustKey.read(fields)
    if key.id != name:
        fields.refuse("keyval", "has another id than the one it is given under")
    return key


def _role_keys(fields: Fields, keys: Mapping[str, TrustKey]) -> RoleKeys:
    ids = fields.texts("keyids")
    for each in ids:
        if each not in keys:
            fields.refuse("keyids", f"names {each[:64]}, which is not among the keys")
    threshold = fields.size("threshold")
    if threshold < 1:
        fields.refuse("threshold", "must be at least 1")
    return RoleKeys({each: keys[each] for each in ids}, threshold)


def _entries(fields: Fields, name: str, *required: str) -> dict[str, Entry]:
    for each in required:
        if each not in _members(fields, name):
            fields.refuse(f"{name}.{each}", "is missing")
    return {each: _entry(_inner(fields, name, each)) for each in _members(fields, name)}


def _entry(fields: Fields) -> Entry:
    given = fields.inner("hashes")
    if given is None or given.get("sha256") is None:
        fields.refuse("hashes.sha256", "is missing")
    hashes = {name: base64_of(given, name) for name in given.members}
    for name, value in hashes.items():
        if len(value) != HASHES.get(name, len(value)):
            given.refuse(name, f"must have {HASHES[name]} bytes")
    return Entry(fields.size("length"), hashes, fields.get("custom"))


def _delegations(fields: Fields, role: str) -> tuple[Delegation, ...]:
    inner = fields.inner("delegations")
    if inner is None:
        return ()
    keys = _keys(inner)
    found = tuple(_delegation(each, keys, role) for each in inner.each("roles"))
    if len({each.name for each in found}) != len(found):
        inner.refuse("roles", "has a role twice")
    return found


def _delegation(fields: Fields, keys: Mapping[str, TrustKey], parent: str) -> Delegation:
    name = fields.required_text("name")
    if not is_delegation(name) or parent_of(name) != parent:
        fields.refuse("name", f"is no role below {parent}")
    return Delegation(name, _role_keys(fields, keys), fields.texts("paths"))
