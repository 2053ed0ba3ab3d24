"""Trust metadata that was verified, and what it says of tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lading.oci.digest import Algorithm, Digest
from lading.proof.tuf_metadata import Entry, Root, Targets
from lading.proof.tuf_refusals import DigestSwapped, SignerRevoked, TagUnsigned, ThresholdNotMet, TrustRefused
from lading.proof.tuf_roles import RELEASES, TARGETS, TIMESTAMP, Delegation

DOCKER_ORDER = (RELEASES, TARGETS)
"""Where Docker looks for a tag, in this order."""


@dataclass(frozen=True, slots=True)
class TrustMemory:
    """What must be kept between two walks: the root that was verified last, as bytes, and the highest version seen of
    every other role."""

    root: bytes = field(repr=False)
    versions: Mapping[str, int]

    def after(self, began: TrustMemory | None, kept: TrustMemory | None) -> TrustMemory | None:
        """What to keep after a walk that began with `began` and gave this one, where `kept` is kept by now: another
        walk may have ended meanwhile. None where that one kept another root: a walk from there must show that the two
        belong together."""
        if kept is None or kept == began:
            return self
        if kept.root != self.root and (began is None or kept.root != began.root):
            return None
        later = max(kept.versions, self.versions, key=lambda versions: versions.get(TIMESTAMP, 0))
        return TrustMemory(self.root, later)


@dataclass(frozen=True, slots=True)
class SignedRole:
    """A targets role that was verified: what it says, who of its keys signed it, and the delegation that lets it;
    None for `targets` itself."""

    targets: Targets
    signers: frozenset[str]
    delegation: Delegation | None = None

    def covers(self, tag: str) -> bool:
        """Whether it may sign the tag."""
        return self.delegation is None or self.delegation.covers(tag)


@dataclass(frozen=True, slots=True)
class BrokenRole:
    """A delegation whose metadata is not to be believed, and why."""

    delegation: Delegation
    error: TrustRefused


@dataclass(frozen=True, slots=True)
class SignedTag:
    """A tag as it is signed: by the role, with these of its keys."""

    gun: str
    tag: str
    role: str
    signers: frozenset[str]
    entry: Entry

    @property
    def digest(self) -> Digest:
        """The manifest's."""
        return Digest(Algorithm.SHA256, self.entry.sha256.hex())

    @property
    def size(self) -> int:
        """The manifest's length in bytes."""
        return self.entry.length

    def require(self, digest: Digest) -> None:
        """That this digest is the one signed. Raises DigestSwapped."""
        if digest != self.digest:
            raise DigestSwapped(self.gun, self.role, self.tag, self.digest, digest)


@dataclass(frozen=True, slots=True)
class Trusted:
    """A repository's trust metadata, verified whole. `roles` are `targets` and the delegations below that have
    metadata, parents first; `broken` those whose metadata is refused. `ends` is until when the snapshot and the
    timestamp hold, by role, in seconds since 1970."""

    gun: str
    root: Root
    roles: Mapping[str, SignedRole]
    broken: Mapping[str, BrokenRole]
    memory: TrustMemory
    ends: Mapping[str, float]

    def find(self, tag: str, order: Sequence[str] = DOCKER_ORDER) -> SignedTag:
        """The tag as the first of the roles in `order` signs it.

        A role that could sign it but is expired or withheld ends the search: what a later role says may be older. One
        whose signers were revoked counts no longer, as its owner meant; it is the reason where no other role has the
        tag. Raises that role's error, TagUnsigned.
        """
        reason: TrustRefused = TagUnsigned(self.gun, tag)
        for name in order:
            broken = self.broken.get(name)
            if broken is not None and broken.delegation.covers(tag):
                if not isinstance(broken.error, SignerRevoked | ThresholdNotMet):
                    raise broken.error
                reason = broken.error
            found = self._signed(tag, name)
            if found is not None:
                return found
        raise reason

    def all_of(self, tag: str) -> tuple[SignedTag, ...]:
        """The tag by every role that signs it: who vouches for it, and for which content."""
        return tuple(found for name in self.roles if (found := self._signed(tag, name)) is not None)

    def tags(self, order: Sequence[str] = DOCKER_ORDER) -> dict[str, SignedTag]:
        """Every tag that `find` gives, sorted by name."""
        names = {tag for name in order if name in self.roles for tag in self.roles[name].targets.targets}
        return {tag: found for tag in sorted(names) if (found := self._found(tag, order)) is not None}

    def _found(self, tag: str, order: Sequence[str]) -> SignedTag | None:
        try:
            return self.find(tag, order)
        except TrustRefused:
            return None

    def _signed(self, tag: str, name: str) -> SignedTag | None:
        role = self.roles.get(name)
        if role is None or not role.covers(tag):
            return None
        entry = role.targets.targets.get(tag)
        return None if entry is None else SignedTag(self.gun, tag, name, role.signers, entry)
