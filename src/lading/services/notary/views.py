"""What content trust by Notary v1 tells its callers: signed tags, who may sign, and what a change did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lading.oci.digest import Digest
from lading.oci.reference import Reference, Repository
from lading.proof.tuf_roles import RELEASES, ROOT, TARGETS, RoleKeys
from lading.proof.tuf_trusted import SignedTag, Trusted
from lading.services.notary.changes import reading_order, signer_of
from lading.services.notary.refusals import DigestUnsigned


@dataclass(frozen=True, slots=True)
class TrustedTag:
    """A tag as it is signed. `role` is where it was found (changes.reading_order); `keys` are the ids of that
    role's keys that signed it. `signers` are the names of the people whose delegations sign the same digest; none where
    only the repository's owner did."""

    repository: Repository
    tag: str
    digest: Digest
    size: int
    role: str
    keys: frozenset[str]
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustSigner:
    """A person who may sign: the name of the delegation without `targets/`, the ids of the keys, bare, and what the
    names of the tags begin with; an empty beginning is every tag."""

    name: str
    keys: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inspected:
    """All that is signed in a repository and who may sign. Key ids are bare; `root_certificates` are the ids of the
    root keys in the certificates that name this repository, as docker shows them. `expires` is in seconds since 1970,
    by role; `broken` are delegations that are not believed, each with the reason."""

    repository: Repository
    tags: tuple[TrustedTag, ...]
    signers: tuple[TrustSigner, ...]
    root_keys: tuple[str, ...]
    root_certificates: tuple[str, ...]
    repository_keys: tuple[str, ...]
    expires: Mapping[str, float]
    broken: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TagSigned:
    """What signing did: by these roles; `initialised` where the repository had no trust metadata before."""

    reference: Reference
    digest: Digest
    roles: tuple[str, ...]
    initialised: bool


@dataclass(frozen=True, slots=True)
class TagRevoked:
    """What revoking did: signed no longer by `roles`; by `left`, whose keys are not kept here, it still is."""

    repository: Repository
    tag: str
    roles: tuple[str, ...]
    left: tuple[str, ...]


def _order_of(trusted: Trusted) -> Sequence[str]:
    """Where a tag is looked for."""
    return reading_order(trusted.roles[TARGETS].targets.delegations)


def resolved(reference: Reference, trusted: Trusted) -> TrustedTag:
    """The tag as it is signed; where the reference has a digest alone, a tag that is signed as that. Raises
    TagUnsigned, DigestUnsigned, and DigestSwapped where the reference has a tag and another digest."""
    order = _order_of(trusted)
    if reference.tag is None and reference.digest is not None:
        named = (each for each in trusted.tags(order).values() if each.digest == reference.digest)
        if (found := next(named, None)) is None:
            raise DigestUnsigned(trusted.gun, reference.digest)
    else:
        found = trusted.find(reference.or_latest.tag or "", order)
        if reference.digest is not None:
            found.require(reference.digest)
    return _trusted_tag(reference.repository, trusted, found)


def _trusted_tag(repository: Repository, trusted: Trusted, found: SignedTag) -> TrustedTag:
    """With the names of those who sign the same."""
    same = (each.role for each in trusted.all_of(found.tag) if each.digest == found.digest)
    signers = tuple(signer_of(role) for role in same if role not in {TARGETS, RELEASES})
    return TrustedTag(repository, found.tag, found.digest, found.size, found.role, found.signers, signers)


def inspected(repository: Repository, trusted: Trusted) -> Inspected:
    """All of it."""
    delegations = trusted.roles[TARGETS].targets.delegations
    signers = (
        TrustSigner(signer_of(each.name), _bare(each.signers), each.paths)
        for each in delegations
        if each.name != RELEASES
    )
    return Inspected(
        repository,
        tuple(_trusted_tag(repository, trusted, found) for found in trusted.tags(_order_of(trusted)).values()),
        tuple(sorted(signers, key=lambda signer: signer.name)),
        _bare(trusted.root.roles[ROOT]),
        tuple(sorted(trusted.root.roles[ROOT].keys)),
        _bare(trusted.root.roles[TARGETS]),
        {
            ROOT: trusted.root.expires,
            **{role: signed.targets.expires for role, signed in trusted.roles.items()},
            **trusted.ends,
        },
        {role: str(broken.error) for role, broken in trusted.broken.items()},
    )


def _bare(keys: RoleKeys) -> tuple[str, ...]:
    return tuple(sorted(key.bare.id for key in keys.keys.values()))
