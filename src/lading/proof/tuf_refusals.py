"""Why trust metadata (Notary v1) does not show what it should: one error for each way in which that fails."""

from __future__ import annotations

from collections.abc import Collection

from lading.errors import InputInvalid, Refused, Side
from lading.oci.digest import Digest
from lading.oci.document import DocumentInvalid
from lading.oci.instants import moment_text


def forgetting(gun: str) -> str:
    """What a person does to have another root of a repository taken as on first use."""
    return f"To forget what was seen of it: lading trust forget {gun}"


class TrustInvalid(DocumentInvalid):
    """Trust metadata that breaks its format; names the field and the rule."""

    code = "trust_invalid"
    what = "the trust metadata"


class TrustRefused(Refused):
    """Trust metadata, or content held against it, that is not to be believed. `gun` is the repository's full name,
    `role` the metadata it is about."""

    side = Side.SOURCE
    code = "trust"

    def __init__(self, gun: str, role: str, *rest: object) -> None:
        super().__init__(gun, role, *rest)
        self.gun, self.role = gun, role


class TrustAbsent(TrustRefused):
    """The trust server has nothing at all about the repository: nobody ever signed there."""

    code = "trust_absent"
    hint = "Have somebody who may sign it, or name the trust server that knows it."

    def __init__(self, gun: str) -> None:
        super().__init__(gun, "root")

    def __str__(self) -> str:
        return f"nothing is signed in {self.gun}"


class MetadataMissing(TrustRefused):
    """Metadata that other metadata promises is withheld or lost. `name` is the file's, as the server spells it."""

    code = "trust_missing"

    def __init__(self, gun: str, role: str, name: str) -> None:
        super().__init__(gun, role, name)
        self.name = name

    def __str__(self) -> str:
        return f"the trust server does not have {self.name} of {self.gun}"


class MetadataExpired(TrustRefused):
    """Metadata whose time is over, since `expired` in seconds since 1970: an attacker may hold newer metadata back."""

    code = "trust_expired"

    def __init__(self, gun: str, role: str, expired: float) -> None:
        super().__init__(gun, role, expired)
        self.expired = expired

    def __str__(self) -> str:
        return f"the {self.role} metadata of {self.gun} expired at {moment_text(self.expired)}"


class MetadataRolledBack(TrustRefused):
    """Metadata older than what was seen before."""

    code = "trust_rolled_back"

    def __init__(self, gun: str, role: str, version: int, seen: int) -> None:
        super().__init__(gun, role, version, seen)
        self.version, self.seen = version, seen

    def __str__(self) -> str:
        return f"the {self.role} metadata of {self.gun} has version {self.version}; version {self.seen} was seen before"


class MetadataMixed(TrustRefused):
    """Genuine metadata, but of another moment than the metadata that lists it."""

    code = "trust_mixed"

    def __init__(self, gun: str, role: str, by: str) -> None:
        super().__init__(gun, role, by)
        self.by = by

    def __str__(self) -> str:
        return f"the {self.role} metadata of {self.gun} is not the one that its {self.by} lists"


class MetadataChanged(TrustRefused):
    """Metadata whose length or hash is not the one signed; `what` says which of them."""

    code = "trust_changed"

    def __init__(self, gun: str, role: str, what: str) -> None:
        super().__init__(gun, role, what)
        self.what = what

    def __str__(self) -> str:
        return f"the {self.role} metadata of {self.gun} was changed: its {self.what} is not the one signed"


class SignatureWrong(TrustRefused):
    """A signature in the name of a role's key that the key did not make."""

    code = "trust_signature"

    def __init__(self, gun: str, role: str, key: str) -> None:
        super().__init__(gun, role, key)
        self.key = key

    def __str__(self) -> str:
        return f"the {self.role} metadata of {self.gun} has a wrong signature in the name of key {self.key[:12]}"


class ThresholdNotMet(TrustRefused):
    """Fewer of the role's keys signed than it asks for."""

    code = "trust_threshold"

    def __init__(self, gun: str, role: str, signed: int, needed: int) -> None:
        super().__init__(gun, role, signed, needed)
        self.signed, self.needed = signed, needed

    def __str__(self) -> str:
        return f"the {self.role} metadata of {self.gun} has {self.signed} of {self.needed} signatures"


class SignerRevoked(TrustRefused):
    """Whoever signed may not, or not any longer: the role does not name these keys."""

    code = "trust_revoked"
    hint = "Let somebody who may sign the tag sign it again."

    def __init__(self, gun: str, role: str, keys: Collection[str]) -> None:
        super().__init__(gun, role, tuple(sorted(keys)))
        self.keys = tuple(sorted(keys))

    def __str__(self) -> str:
        keys = ", ".join(key[:12] for key in self.keys)
        return f"the {self.role} metadata of {self.gun} is signed by {keys}, who may not sign it"


class RootForeign(TrustRefused):
    """A root that the keys known for the repository did not sign: the repository was set up anew, or is forged."""

    code = "trust_foreign_root"
    hint = "Ask the owner of the repository whether its root keys were replaced before you forget the old ones."

    def __init__(self, gun: str, version: int) -> None:
        super().__init__(gun, "root", version)
        self.version = version
        self.command = f"Ask the owner of the repository whether its root keys were replaced. {forgetting(gun)}"

    def __str__(self) -> str:
        return f"version {self.version} of the root of {self.gun} is not signed by the keys known for it"


class RootUnknown(TrustRefused):
    """No root of the repository is known, and a first one may not be taken on trust."""

    code = "trust_root_unknown"
    hint = "Pin a root key of the repository, or allow its first root to be trusted."

    def __init__(self, gun: str) -> None:
        super().__init__(gun, "root")

    def __str__(self) -> str:
        return f"no root key of {self.gun} is known"


class RootOfAnother(TrustRefused):
    """A root whose certificates name another repository."""

    code = "trust_other_repository"

    def __init__(self, gun: str, names: Collection[str]) -> None:
        super().__init__(gun, "root", tuple(sorted(names)))
        self.names = tuple(sorted(names))

    def __str__(self) -> str:
        return f"the root given for {self.gun} is the one of {', '.join(self.names) or 'no repository'}"


class TagUnsigned(TrustRefused):
    """The repository has trust metadata, and none that counts signs the tag."""

    code = "trust_unsigned"

    def __init__(self, gun: str, tag: str) -> None:
        super().__init__(gun, "targets", tag)
        self.tag = tag

    def __str__(self) -> str:
        return f"{self.gun}:{self.tag} is not signed"


class DigestSwapped(TrustRefused):
    """The tag leads to other content than the one signed under it."""

    code = "trust_swapped"

    def __init__(self, gun: str, role: str, tag: str, signed: Digest, given: Digest) -> None:
        super().__init__(gun, role, tag, signed, given)
        self.tag, self.signed, self.given = tag, signed, given

    def __str__(self) -> str:
        return f"{self.gun}:{self.tag} is signed as {self.signed}, not as {self.given}"


class UpdateOutdated(TrustRefused):
    """Metadata for publishing that does not follow what is published: somebody else published first."""

    side = Side.CALLER
    code = "trust_outdated"
    hint = "Fetch the published metadata and make the change again."

    def __init__(self, gun: str, role: str, version: int, published: int) -> None:
        super().__init__(gun, role, version, published)
        self.version, self.published = version, published

    def __str__(self) -> str:
        return (
            f"version {self.version} of the {self.role} metadata of {self.gun} "
            f"does not follow version {self.published}, which is published"
        )


class SignerMissing(InputInvalid):
    """None of the keys given may sign for the role, or a change names a role or key that is not there."""

    code = "trust_signer"
    hint = "Bring a key that may; what is signed in the repository tells which."

    def __init__(self, gun: str, role: str) -> None:
        super().__init__(gun, role)
        self.gun, self.role = gun, role

    def __str__(self) -> str:
        return f"no key is given that may sign the {self.role} metadata of {self.gun}"


class DigestUnsignable(InputInvalid):
    """A digest that Notary's metadata has no place for: it takes sha256 only."""

    code = "trust_digest"

    def __init__(self, digest: Digest) -> None:
        super().__init__(digest)
        self.digest = digest

    def __str__(self) -> str:
        return f"{self.digest} cannot be signed: only sha256 digests can"


class DelegationInvalid(InputInvalid):
    """A delegation that cannot be: `reason` completes the sentence."""

    code = "trust_delegation"

    def __init__(self, role: str, reason: str) -> None:
        super().__init__(role, reason)
        self.role, self.reason = role, reason

    def __str__(self) -> str:
        return f"the delegation {self.role[:160]!r} {self.reason}"
