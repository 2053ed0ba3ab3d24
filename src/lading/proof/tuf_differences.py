"""What a publication of trust metadata changed, for who reads the trail later: tags that are signed now and no longer,
who may sign, and the keys that everything hangs on. Pure; the files are believed already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lading.proof.tuf_json import Signed
from lading.proof.tuf_metadata import Root, Targets
from lading.proof.tuf_roles import BASE_ROLES, ROOT, TARGETS, Delegation

Files = Mapping[str, bytes]

MOST = 50
"""How many changes of a kind are told one by one."""

_DIGITS = 12
"""Of a key's id, as everywhere where people read it."""

_KINDS = {
    "tags": ("signed", "signedNoLonger"),
    "signers": ("signersAdded", "signersRemoved"),
    "keys": ("keysAdded", "keysRemoved"),
}


def differences(before: Files, after: Files) -> dict[str, list[str]]:
    """From the reachable files by role before and after; empty where the same is signed by the same. Tags are told
    with the role that signs them and their digest, signers with their role and the beginnings of their keys' ids.

    Raises TrustInvalid.
    """
    found: dict[str, list[str]] = {}
    for kind, (added, removed) in _KINDS.items():
        was, now = set(_facts(kind, before)), set(_facts(kind, after))
        found |= {name: _bounded(facts) for name, facts in ((added, now - was), (removed, was - now)) if facts}
    return found


def _facts(kind: str, files: Files) -> Iterator[str]:
    if kind == "keys":
        yield from _keys(files)
        return
    for role, raw in files.items():
        if role in BASE_ROLES and role != TARGETS:
            continue
        targets = Targets.read(Signed.read(raw, role), role)
        if kind == "tags":
            yield from (f"{role}: {tag} sha256:{entry.sha256.hex()}" for tag, entry in targets.targets.items())
        else:
            yield from map(_signer, targets.delegations)


def _signer(delegation: Delegation) -> str:
    tags = "" if "" in delegation.paths else f" for tags {', '.join(f'{each}*' for each in delegation.paths)}"
    return f"{delegation.name} with {_ids(each.bare.id for each in delegation.signers.keys.values())}{tags}"


def _keys(files: Files) -> Iterator[str]:
    """Of the roles that the root names."""
    if ROOT in files:
        roles = Root.read(Signed.read(files[ROOT], ROOT)).roles
        yield from (f"{role} with {_ids(each.bare.id for each in roles[role].keys.values())}" for role in BASE_ROLES)


def _ids(ids: Iterable[str]) -> str:
    return ", ".join(sorted(each[:_DIGITS] for each in ids))


def _bounded(facts: Iterable[str]) -> list[str]:
    told = sorted(facts)
    return told if len(told) <= MOST else [*told[:MOST], f"and {len(told) - MOST} more"]
