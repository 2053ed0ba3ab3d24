"""Who may sign what: the names of roles, the keys of one, and the delegation of tags from role to role."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lading.proof.tuf_keys import TrustKey
from lading.proof.tuf_refusals import DelegationInvalid

ROOT, TARGETS, SNAPSHOT, TIMESTAMP = "root", "targets", "snapshot", "timestamp"
RELEASES = "targets/releases"
"""The delegation that Docker looks into first."""

BASE_ROLES = (ROOT, TARGETS, SNAPSHOT, TIMESTAMP)

_DELEGATION = re.compile(r"targets(?:/[-a-z0-9_]+)+")
_NAME_LIMIT = 255


def is_delegation(role: str) -> bool:
    """Whether `role` may name a delegation: `targets/` and lower-case words, `-`, `_`, at most 255 characters."""
    return len(role) <= _NAME_LIMIT and _DELEGATION.fullmatch(role) is not None


def is_role(role: str) -> bool:
    """Whether metadata may have this name."""
    return role in BASE_ROLES or is_delegation(role)


def parent_of(role: str) -> str:
    """The role that delegates to `role`."""
    return posixpath.dirname(role)


@dataclass(frozen=True, slots=True)
class RoleKeys:
    """Who may sign for a role: `threshold` of these keys, by id."""

    keys: Mapping[str, TrustKey] = field(repr=False)
    threshold: int

    @classmethod
    def of(cls, keys: Iterable[TrustKey], threshold: int = 1) -> RoleKeys:
        """From keys alone."""
        return cls({key.id: key for key in keys}, threshold)

    @property
    def document(self) -> dict[str, object]:
        """As metadata spells it."""
        return {"keyids": list(self.keys), "threshold": self.threshold}


@dataclass(frozen=True, slots=True)
class Delegation:
    """A role that another trusts with the tags that begin with one of `paths`; the empty path is every tag."""

    name: str
    signers: RoleKeys
    paths: tuple[str, ...]

    def __post_init__(self) -> None:
        if not is_delegation(self.name):
            raise DelegationInvalid(self.name, "must be targets/ and words of a-z, 0-9, - and _")
        if self.signers.threshold < 1:
            raise DelegationInvalid(self.name, "must ask for at least one signature")

    def covers(self, tag: str) -> bool:
        """Whether it may sign the tag."""
        return any(tag.startswith(path) for path in self.paths)

    def within(self, parent: Delegation | None) -> Delegation:
        """The same with no more tags than its parent has; `targets` itself has all."""
        if parent is None:
            return self
        return Delegation(self.name, self.signers, tuple(path for path in self.paths if parent.covers(path)))

    @property
    def document(self) -> dict[str, object]:
        """As metadata spells it."""
        paths = {"paths": list(self.paths)} if self.paths else {}
        return {"name": self.name, **self.signers.document, **paths}
