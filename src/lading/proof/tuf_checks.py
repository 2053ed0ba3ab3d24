"""The checks that every walk through trust metadata is made of: signatures, expiry, versions, hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lading.proof.tuf_certificates import is_current, names, repository_of
from lading.proof.tuf_json import Signed
from lading.proof.tuf_keys import TrustKey
from lading.proof.tuf_metadata import Entry, Root
from lading.proof.tuf_refusals import (
    MetadataChanged,
    MetadataExpired,
    MetadataMixed,
    MetadataRolledBack,
    RootForeign,
    RootOfAnother,
    SignatureWrong,
    SignerRevoked,
    ThresholdNotMet,
    TrustInvalid,
)
from lading.proof.tuf_roles import ROOT, TIMESTAMP, RoleKeys


@dataclass(frozen=True, slots=True)
class Check:
    """The repository `gun` at the time `now`, in seconds since 1970."""

    gun: str
    now: float

    def signers(self, signed: Signed, role: str, may: RoleKeys) -> frozenset[str]:
        """The ids of the role's keys that signed: `may.threshold` of them at least.

        A signature in the name of a role's key must be right. Signatures of strangers stay where keys were revoked or
        rotated; a timestamp is made anew each time and has none. Raises SignatureWrong, SignerRevoked, ThresholdNotMet.
        """
        found = self._signed_by(signed, role, may.keys)
        strangers = {each.key for each in signed.signatures} - may.keys.keys()
        if strangers and (role == TIMESTAMP or len(found) < may.threshold):
            raise SignerRevoked(self.gun, role, strangers)
        if len(found) < may.threshold:
            raise ThresholdNotMet(self.gun, role, len(found), may.threshold)
        return found

    def fresh(self, role: str, expires: float) -> None:
        """Raises MetadataExpired."""
        if expires < self.now:
            raise MetadataExpired(self.gun, role, expires)

    def not_older(self, role: str, version: int, seen: int) -> None:
        """Raises MetadataRolledBack."""
        if version < seen:
            raise MetadataRolledBack(self.gun, role, version, seen)

    def listed(self, role: str, raw: bytes, entry: Entry, by: str, may: RoleKeys) -> None:
        """That the bytes are those that the role `by` lists. Raises MetadataMixed where they are genuine all the same,
        else MetadataChanged."""
        what = entry.difference(raw)
        if what is None:
            return
        try:
            self.signers(Signed.read(raw, role), role, may)
        except (TrustInvalid, SignatureWrong, SignerRevoked, ThresholdNotMet):
            raise MetadataChanged(self.gun, role, what) from None
        raise MetadataMixed(self.gun, role, by)

    def root(self, signed: Signed, root: Root, *, pinned: frozenset[str] | None = None, newest: bool) -> None:
        """That a root is signed by itself: by keys whose certificates name the repository, and hold where it is the
        newest, and which are among `pinned` (ids, wrapped or bare) where that is given.

        Raises RootOfAnother, RootForeign, MetadataExpired, SignatureWrong, SignerRevoked, ThresholdNotMet.
        """
        keys = self.own(root).keys
        if not keys:
            named = {repository_of(each) or "" for each in root.roles[ROOT].keys.values()}
            raise RootOfAnother(self.gun, named - {""})
        if pinned is not None:
            keys = {name: key for name, key in keys.items() if pinned & {name, key.bare.id}}
            if not keys:
                raise RootForeign(self.gun, root.version)
        if newest:
            keys = self._current(keys)
        self.signers(signed, ROOT, RoleKeys(keys, root.roles[ROOT].threshold))

    def rotated(self, signed: Signed, version: int, before: Root) -> None:
        """That the keys of the root before signed this one too, however old their certificates. Raises RootForeign."""
        try:
            self.signers(signed, ROOT, self.own(before))
        except (SignatureWrong, SignerRevoked, ThresholdNotMet):
            raise RootForeign(self.gun, version) from None

    def own(self, root: Root) -> RoleKeys:
        """The root's own keys whose certificates name the repository."""
        role = root.roles[ROOT]
        keys = {name: key for name, key in role.keys.items() if names(key, self.gun)}
        return RoleKeys(keys, role.threshold)

    def _signed_by(self, signed: Signed, role: str, keys: Mapping[str, TrustKey]) -> frozenset[str]:
        found: set[str] = set()
        payload = signed.payload
        for each in signed.signatures:
            key = keys.get(each.key)
            if key is None:
                continue
            if each.key in found or not key.verifies(each, payload):
                raise SignatureWrong(self.gun, role, each.key)
            found.add(each.key)
        return frozenset(found)

    def _current(self, keys: Mapping[str, TrustKey]) -> dict[str, TrustKey]:
        """The keys whose certificates hold. Raises MetadataExpired where none does."""
        current = {name: key for name, key in keys.items() if is_current(key, self.now)}
        if not current:
            ends = max(key.certificates[0].not_valid_after_utc.timestamp() for key in keys.values())
            raise MetadataExpired(self.gun, ROOT, ends)
        return current
