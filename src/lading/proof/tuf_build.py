"""A repository's trust metadata made and changed: the publisher's half (Notary v1).

Every change is a function from metadata to metadata. It signs what it changed with those of the signers given who may,
at least one; where a role asks for more, `countersign` adds the others'. What `changed` gives is then published; the
server makes the snapshot and the timestamp (tuf_publish).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm
from lading.proof.tuf_certificates import ROOT_LIFE
from lading.proof.tuf_json import Signed
from lading.proof.tuf_keys import SigningKey, TrustKey
from lading.proof.tuf_metadata import Entry, Root, Targets
from lading.proof.tuf_refusals import DelegationInvalid, DigestUnsignable, SignerMissing, TagUnsigned
from lading.proof.tuf_roles import BASE_ROLES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Delegation, RoleKeys, parent_of

DAY = 86_400
TARGETS_LIFE = 3 * 365 * DAY
"""How long targets, delegations and snapshots hold, in seconds."""


@dataclass(frozen=True, slots=True)
class Collection:
    """The metadata of the repository `gun`: files by role, whether published or not."""

    gun: str
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def root(self) -> Root:
        """Its root. Raises TrustInvalid."""
        return Root.read(Signed.read(self.files[ROOT], ROOT))

    def targets(self, role: str = TARGETS) -> Targets:
        """What a targets role says; KeyError where it has nothing yet. Raises TrustInvalid."""
        return Targets.read(Signed.read(self.files[role], role), role)

    def keys_of(self, role: str) -> RoleKeys:
        """Who may sign for a role. Raises DelegationInvalid where nobody delegates to it."""
        if role in BASE_ROLES:
            return self.root.roles[role]
        return self.delegation(role).signers

    def delegation(self, role: str) -> Delegation:
        """The delegation of that name. Raises DelegationInvalid."""
        parent = parent_of(role)
        found = self.targets(parent).delegation(role) if parent in self.files else None
        if found is None:
            raise DelegationInvalid(role, "does not exist")
        return found

    def put(self, role: str, raw: bytes) -> Collection:
        """The same with this file in place of the role's."""
        return Collection(self.gun, {**self.files, role: raw})


def initialise(
    gun: str,
    root: Sequence[SigningKey],
    targets: Sequence[SigningKey],
    now: float,
    *,
    snapshot: TrustKey,
    timestamp: TrustKey,
    threshold: int = 1,
) -> Collection:
    """A repository's first metadata: its root, which `threshold` of the root keys sign for ever after, and targets with
    no tag. The snapshot and timestamp keys are the server's. Root signers come wrapped for `gun`."""
    roles = {
        ROOT: RoleKeys.of((each.key for each in root), threshold),
        TARGETS: RoleKeys.of(each.key for each in targets),
        SNAPSHOT: RoleKeys.of([snapshot]),
        TIMESTAMP: RoleKeys.of([timestamp]),
    }
    first = Root(1, now + ROOT_LIFE, roles)
    empty = Targets(1, now + TARGETS_LIFE)
    files = {
        ROOT: signed_by(gun, ROOT, first.content, roles[ROOT], root),
        TARGETS: signed_by(gun, TARGETS, empty.content, roles[TARGETS], targets),
    }
    return Collection(gun, files)


def sign_tag(
    collection: Collection,
    tag: str,
    manifest: Descriptor,
    signers: Sequence[SigningKey],
    now: float,
    *,
    role: str = TARGETS,
) -> Collection:
    """The tag signed by `role` as this manifest: its digest and size. Raises DelegationInvalid where the role may not
    sign the tag, DigestUnsignable, SignerMissing."""
    if role != TARGETS and not collection.delegation(role).covers(tag):
        raise DelegationInvalid(role, f"may not sign {tag[:128]!r}")
    if manifest.digest.algorithm is not Algorithm.SHA256:
        raise DigestUnsignable(manifest.digest)
    entry = Entry(manifest.size, {"sha256": bytes.fromhex(manifest.digest.encoded)})
    old = _targets(collection, role, now)
    return _changed_targets(collection, role, replace(old, targets={**old.targets, tag: entry}), signers, now)


def remove_tag(
    collection: Collection, tag: str, signers: Sequence[SigningKey], now: float, role: str = TARGETS
) -> Collection:
    """The tag signed no longer by `role`. Raises TagUnsigned, DelegationInvalid, SignerMissing."""
    old = _targets(collection, role, now)
    if tag not in old.targets:
        raise TagUnsigned(collection.gun, tag)
    left = {name: entry for name, entry in old.targets.items() if name != tag}
    return _changed_targets(collection, role, replace(old, targets=left), signers, now)


def delegate(collection: Collection, delegation: Delegation, signers: Sequence[SigningKey], now: float) -> Collection:
    """The delegation in place of the one of its name, or after the others. Its parent signs. Raises DelegationInvalid,
    SignerMissing."""
    parent = parent_of(delegation.name)
    old = _targets(collection, parent, now)
    if old.delegation(delegation.name) is None:
        roles = (*old.delegations, delegation)
    else:
        roles = tuple(delegation if each.name == delegation.name else each for each in old.delegations)
    return _changed_targets(collection, parent, replace(old, delegations=roles), signers, now)


def revoke(
    collection: Collection, name: str, signers: Sequence[SigningKey], now: float, keys: Iterable[str] | None = None
) -> Collection:
    """The delegation without these keys (ids), or gone where none are named or none would be left enough. What the
    revoked signed alone counts no longer. Raises DelegationInvalid, SignerMissing."""
    held, gone = collection.delegation(name), None if keys is None else set(keys)
    if gone is not None and not gone & held.signers.keys.keys():
        raise DelegationInvalid(name, "has none of these keys")
    left = {} if gone is None else {id_: key for id_, key in held.signers.keys.items() if id_ not in gone}
    if gone is not None and len(left) >= held.signers.threshold:
        less = replace(held, signers=RoleKeys(left, held.signers.threshold))
        return delegate(collection, less, signers, now)
    parent = parent_of(name)
    old = _targets(collection, parent, now)
    roles = tuple(each for each in old.delegations if each.name != name)
    changed = _changed_targets(collection, parent, replace(old, delegations=roles), signers, now)
    kept = {role: raw for role, raw in changed.files.items() if role != name and not role.startswith(f"{name}/")}
    return Collection(collection.gun, kept)


def rotate(collection: Collection, role: str, keys: RoleKeys, signers: Sequence[SigningKey], now: float) -> Collection:
    """Other keys for a base role. The root is signed to the thresholds of its old keys and, where its own are replaced,
    of the new ones. Where the targets' keys are, `resign` those afterwards. Raises SignerMissing."""
    old = collection.root
    new = Root(old.version + 1, now + ROOT_LIFE, {**old.roles, role: keys}, old.consistent)
    may = {**old.roles[ROOT].keys, **new.roles[ROOT].keys}
    for each in (old, new):
        if len(_able(each.roles[ROOT], signers)) < each.roles[ROOT].threshold:
            raise SignerMissing(collection.gun, ROOT)
    threshold = new.roles[ROOT].threshold
    return collection.put(ROOT, signed_by(collection.gun, ROOT, new.content, RoleKeys(may, threshold), signers))


def resign(collection: Collection, role: str, signers: Sequence[SigningKey], now: float) -> Collection:
    """A targets role as it is, in a new version that lives its whole life again. Raises SignerMissing."""
    return _changed_targets(collection, role, _targets(collection, role, now), signers, now)


def countersign(collection: Collection, role: str, signers: Sequence[SigningKey]) -> Collection:
    """The file of a role with the signatures of these signers added. Raises SignerMissing."""
    held = Signed.read(collection.files[role], role)
    able = _able(collection.keys_of(role), signers)
    if not able:
        raise SignerMissing(collection.gun, role)
    others = tuple(each for each in held.signatures if each.key not in {signer.key.id for signer in able})
    made = tuple(signer.sign(held.payload) for signer in able)
    return collection.put(role, Signed(held.content, others + made).raw)


def changed(old: Collection | None, new: Collection) -> dict[str, bytes]:
    """What there is to publish: the files that are new or other, but those that the server makes."""
    before: Mapping[str, bytes] = {} if old is None else old.files
    made = {SNAPSHOT, TIMESTAMP}
    return {role: raw for role, raw in new.files.items() if role not in made and before.get(role) != raw}


def signed_by(gun: str, role: str, content: dict[str, object], may: RoleKeys, signers: Sequence[SigningKey]) -> bytes:
    """The file of a role, signed by those who may. Raises SignerMissing where none may."""
    able = _able(may, signers)
    if not able:
        raise SignerMissing(gun, role)
    unsigned = Signed(content, ())
    return replace(unsigned, signatures=tuple(signer.sign(unsigned.payload) for signer in able)).raw


def _able(may: RoleKeys, signers: Sequence[SigningKey]) -> list[SigningKey]:
    return list({each.key.id: each for each in signers if each.key.id in may.keys}.values())


def _targets(collection: Collection, role: str, now: float) -> Targets:
    """What the role says; nothing, in version 0, where it published nothing yet."""
    if role in collection.files:
        return collection.targets(role)
    collection.delegation(role)
    return Targets(0, now + TARGETS_LIFE)


def _changed_targets(
    collection: Collection, role: str, content: Targets, signers: Sequence[SigningKey], now: float
) -> Collection:
    new = replace(content, version=content.version + 1, expires=now + TARGETS_LIFE)
    return collection.put(role, signed_by(collection.gun, role, new.content, collection.keys_of(role), signers))
