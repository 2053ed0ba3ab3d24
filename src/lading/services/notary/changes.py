"""Changes of a repository's trust metadata, as docker makes them: functions from metadata to metadata, with our keys.

targets            the owner's: tags, and who else may sign
├── targets/releases   where docker looks first: every signer may sign here
└── targets/alice      what alice vouches for
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lading.oci.descriptor import Descriptor
from lading.proof.signing_keys import PrivateKey
from lading.proof.tuf_build import (
    DAY,
    TARGETS_LIFE,
    Collection,
    initialise,
    remove_tag,
    resign,
    sign_tag,
    signed_by,
)
from lading.proof.tuf_build import delegate as delegated
from lading.proof.tuf_build import revoke as undelegated
from lading.proof.tuf_build import rotate as rekeyed
from lading.proof.tuf_certificates import root_signer
from lading.proof.tuf_json import Signed
from lading.proof.tuf_keys import SigningKey, TrustKey
from lading.proof.tuf_metadata import Entry, Snapshot, Targets
from lading.proof.tuf_refusals import DelegationInvalid, SignerMissing, SignerRevoked, TagUnsigned, ThresholdNotMet
from lading.proof.tuf_roles import RELEASES, ROOT, SNAPSHOT, TARGETS, Delegation, RoleKeys
from lading.proof.tuf_trusted import DOCKER_ORDER, Trusted
from lading.services.notary.keys import TrustKeys, may_sign, repository_key, signers_for
from lading.services.notary.refusals import LastSigner, SignerReserved, SignerUnknown

SERIAL_BYTES = 16
"""Random bytes that a root's certificate takes."""

RENEWED_BEFORE = 183 * DAY
"""How long before its end a role is signed anew by who signs anything at all, in seconds (Notary: half a year)."""


Roles = tuple[str, ...]


def signer_of(role: str) -> str:
    """The name of the person who signs as `targets/NAME`."""
    return role.removeprefix(f"{TARGETS}/")


def reading_order(delegations: Sequence[Delegation]) -> Roles:
    """Where a tag is looked for: where docker looks, then what each of those says who may sign only some tags. Such a
    key is in no `targets/releases`, which could sign any tag with it."""
    return (*DOCKER_ORDER, *(each.name for each in delegations if "" not in each.paths and each.name != RELEASES))


def believed(trusted: Trusted, files: Mapping[str, bytes]) -> Collection:
    """What is published, for changing: a delegation that was signed by whom nobody trusts any longer begins anew, empty
    and unsigned, at the version it has: nobody may sign its tags by signing another one."""
    kept = dict(files)
    for role, broken in trusted.broken.items():
        if role in kept and isinstance(broken.error, SignerRevoked | ThresholdNotMet):
            kept[role] = emptied(role, kept[role])
    return Collection(trusted.gun, kept)


def emptied(role: str, raw: bytes) -> bytes:
    """The metadata of a role without what it said and without signatures, in its version. Raises TrustInvalid."""
    old = Targets.read(Signed.read(raw, role), role)
    return Signed(Targets(old.version, old.expires).content, ()).raw


def begun(role: str, former: bytes | None, snapshot: bytes) -> bytes:
    """A delegation that published nothing since it was made: empty and unsigned. It goes on from the snapshot's
    version, which grows with every update, or that of what the server still has of it: the name may have been
    somebody's before, and whoever saw that would take a lower version for an attack. Raises TrustInvalid."""
    listed = Snapshot.read(Signed.read(snapshot, SNAPSHOT))
    before = 0 if former is None else Targets.read(Signed.read(former, role), role).version
    return Signed(Targets(max(listed.version, before), listed.expires).content, ()).raw


@dataclass(frozen=True, slots=True)
class Changes:
    """What our keys can do at the moment `now`, in seconds since 1970. `random` gives bytes that nobody can foresee."""

    keys: TrustKeys
    now: float
    random: Callable[[int], bytes]

    def first(self, gun: str, snapshot: TrustKey, timestamp: TrustKey) -> Collection:
        """New metadata: our root key, and a key of the repository's own. Both others are the server's."""
        root, targets = self.first_keys(gun)
        signers = [self._root_signer(gun, root)], [SigningKey(targets)]
        return initialise(gun, *signers, self.now, snapshot=snapshot, timestamp=timestamp)

    def first_keys(self, gun: str) -> tuple[PrivateKey, PrivateKey]:
        """The keys of root and targets that new metadata is begun with, made where there are none."""
        return self.keys.root(), repository_key(self.keys, TARGETS, gun)

    # ── tags

    def signing_roles(self, collection: Collection, tag: str) -> Roles:
        """Who signs a tag (docker's rule): every delegation directly below `targets` that may, and that we have keys
        for; where there is none, `targets`.

        Raises SignerMissing where we lack those keys too, or where a role that is read before ours has the tag already:
        nobody would see what ours says.
        """
        delegations = collection.targets().delegations
        ours = tuple(each.name for each in delegations if each.covers(tag) and may_sign(self.keys, each.signers))
        roles = ours or (TARGETS,)
        order = [role for role in reading_order(delegations) if role in roles or _signs(collection, role, tag)]
        if order[:1] and order[0] not in roles:
            raise SignerMissing(collection.gun, order[0]).but(hint=_hint(delegations))
        if not ours and not may_sign(self.keys, collection.keys_of(TARGETS)):
            raise SignerMissing(collection.gun, TARGETS).but(hint=_hint(delegations) if delegations else None)
        return roles

    def sign(self, collection: Collection, tag: str, manifest: Descriptor) -> tuple[Collection, tuple[str, ...]]:
        """The tag as this manifest, and the roles that signed it. Raises SignerMissing, DigestUnsignable."""
        roles = self.signing_roles(collection, tag)
        for role in roles:
            signers = self._signers(collection, role)
            collection = sign_tag(collection, tag, manifest, signers, self.now, role=role)
        return collection, roles

    def signing_keys(self, collection: Collection, tag: str) -> None:
        """Open all keys that `sign` would sign the tag with. Raises SignerMissing."""
        for role in self.signing_roles(collection, tag):
            self._signers(collection, role)

    def unsign(self, collection: Collection, tag: str) -> tuple[Collection, tuple[Roles, Roles]]:
        """The tag signed no longer by whom we have keys for; those roles, and those that sign it still. Raises
        TagUnsigned, SignerMissing."""
        names = [TARGETS, *(each.name for each in collection.targets().delegations)]
        signed = [role for role in names if role in collection.files and tag in collection.targets(role).targets]
        if not signed:
            raise TagUnsigned(collection.gun, tag)
        ours = tuple(role for role in signed if may_sign(self.keys, collection.keys_of(role)))
        if not ours:
            raise SignerMissing(collection.gun, signed[-1])
        for role in ours:
            collection = remove_tag(collection, tag, self._signers(collection, role), self.now, role)
        return collection, (ours, tuple(role for role in signed if role not in ours))

    @staticmethod
    def tags(collection: Collection) -> list[str]:
        """Every tag that `targets` or a delegation directly below it signs."""
        names = [TARGETS, *(each.name for each in collection.targets().delegations)]
        return sorted({tag for role in names if role in collection.files for tag in collection.targets(role).targets})

    # ── signers

    def with_signer(
        self, collection: Collection, name: str, keys: Sequence[TrustKey], paths: Sequence[str]
    ) -> Collection:
        """`name` with these keys beside those there are, for tags that begin with one of `paths`. Who may sign all may
        release: those keys are in `targets/releases` too. Raises SignerMissing, SignerReserved, DelegationInvalid."""
        role = f"{TARGETS}/{name}"
        if role == RELEASES:
            raise SignerReserved
        if "/" in name:
            raise DelegationInvalid(role, "must be one word below targets")
        owners = self._signers(collection, TARGETS)
        for each in (role, RELEASES) if "" in paths else (role,):
            held = collection.targets().delegation(each)
            there = dict(held.signers.keys) if held else {}
            signers = RoleKeys(there | {key.id: key for key in keys}, held.signers.threshold if held else 1)
            both = tuple(dict.fromkeys((*(held.paths if held else ()), *paths)))
            collection = delegated(collection, Delegation(each, signers, both), owners, self.now)
        return collection

    def without_signer(self, collection: Collection, name: str, *, force: bool) -> Collection:
        """`name` may sign no longer; keys that another signer has too stay in `targets/releases`. Raises SignerUnknown,
        LastSigner, SignerMissing, SignerReserved."""
        role = f"{TARGETS}/{name}"
        if role == RELEASES:
            raise SignerReserved
        delegations = {each.name: each for each in collection.targets().delegations}
        if role not in delegations:
            known = {signer_of(each) for each in delegations if each != RELEASES}
            raise SignerUnknown(collection.gun, name, known)
        staying = [each for each in delegations.values() if each.name not in {role, RELEASES}]
        others = {key for each in staying for key in each.signers.keys}
        gone = delegations[role].signers.keys.keys() - others
        if not force and self._signed_last(collection, gone):
            raise LastSigner(collection.gun, name)
        owners = self._signers(collection, TARGETS)
        releases = delegations.get(RELEASES)
        if releases is not None and gone & releases.signers.keys.keys():
            collection = undelegated(collection, RELEASES, owners, self.now, gone)
        return undelegated(collection, role, owners, self.now)

    @staticmethod
    def _signed_last(collection: Collection, gone: Iterable[str]) -> bool:
        """Whether what is released would not be signed enough without these keys."""
        releases = collection.targets().delegation(RELEASES)
        if releases is None or RELEASES not in collection.files or not collection.targets(RELEASES).targets:
            return False
        signed = {each.key for each in Signed.read(collection.files[RELEASES], RELEASES).signatures}
        return len((signed & releases.signers.keys.keys()) - set(gone)) < releases.signers.threshold

    # ── keys

    def new_root(self, collection: Collection, private: PrivateKey) -> Collection:
        """This root key in place of ours, signed for by the old one and the new. Raises SignerMissing."""
        old = collection.root.roles[ROOT]
        ours = signers_for(self.keys, RoleKeys(old.keys, len(old.keys)))
        new = self._root_signer(collection.gun, private)
        others = [key for name, key in old.keys.items() if name not in {each.key.id for each in ours}]
        keys = RoleKeys.of([*others, new.key], old.threshold)
        return rekeyed(collection, ROOT, keys, [*ours, new], self.now)

    def new_targets(self, collection: Collection, private: PrivateKey) -> Collection:
        """This key as the repository's, and its tags signed with it. Raises SignerMissing."""
        new = SigningKey(private)
        collection = self.new_key(collection, TARGETS, new.key)
        return resign(collection, TARGETS, [new], self.now)

    def new_key(self, collection: Collection, role: str, key: TrustKey) -> Collection:
        """This key for a role that is no root. Raises SignerMissing."""
        roots = self._signers(collection, ROOT)
        return rekeyed(collection, role, RoleKeys.of([key]), roots, self.now)

    def renewed(self, collection: Collection) -> Collection:
        """Roles of ours that end soon, signed anew as they are: where only delegates sign, `targets` would end."""
        for role in (TARGETS, *(each.name for each in collection.targets().delegations)):
            if self._ends_soon(collection, role) and may_sign(self.keys, collection.keys_of(role)):
                collection = resign(collection, role, self._signers(collection, role), self.now)
        return collection

    def _ends_soon(self, collection: Collection, role: str) -> bool:
        """Never of what nobody signed: it was emptied, and says nothing."""
        if role not in collection.files or not Signed.read(collection.files[role], role).signatures:
            return False
        return collection.targets(role).expires - self.now < RENEWED_BEFORE

    def published(self, collection: Collection, update: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The update, with a new snapshot where we keep the key for that, as `notary` sets repositories up by itself;
        else the server makes it. Raises TrustInvalid."""
        may = collection.root.roles[SNAPSHOT]
        if SNAPSHOT not in collection.files or not may_sign(self.keys, may):
            return update
        old = Snapshot.read(Signed.read(collection.files[SNAPSHOT], SNAPSHOT))
        kept = {role: entry for role, entry in old.entries.items() if role in collection.files}
        listed = {**kept, **{role: Entry.of(raw) for role, raw in update.items()}}
        new = Snapshot(old.version + 1, self.now + TARGETS_LIFE, listed)
        return {**update, SNAPSHOT: signed_by(collection.gun, SNAPSHOT, new.content, may, signers_for(self.keys, may))}

    def require_root(self, collection: Collection) -> None:
        """That we keep the root keys it takes. Raises SignerMissing."""
        if not may_sign(self.keys, collection.root.roles[ROOT]):
            raise SignerMissing(collection.gun, ROOT)

    def _signers(self, collection: Collection, role: str) -> list[SigningKey]:
        may = collection.keys_of(role)
        if not may_sign(self.keys, may):
            raise SignerMissing(collection.gun, role)
        return signers_for(self.keys, may)

    def _root_signer(self, gun: str, private: PrivateKey) -> SigningKey:
        return root_signer(private, gun, self.now, self.random(SERIAL_BYTES))


def _signs(collection: Collection, role: str, tag: str) -> bool:
    """Whether a role that is there says something of the tag, and may."""
    if role not in collection.files or tag not in collection.targets(role).targets:
        return False
    held = None if role == TARGETS else collection.targets().delegation(role)
    return role == TARGETS or (held is not None and held.covers(tag))


def _hint(delegations: Sequence[Delegation]) -> str:
    names = ", ".join(sorted({signer_of(each.name) for each in delegations} - {signer_of(RELEASES)}))
    return f"This repository has signers of its own ({names}): become one of them, or load the key of one."
