"""Trust metadata published: the server's half (Notary v1, server/handlers/validation.go).

The server holds the timestamp key always and the snapshot key usually. It takes what publishers signed, if the whole
holds together afterwards, and adds the snapshot and the timestamp; later it signs both anew before their time is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lading.proof.tuf_build import DAY, TARGETS_LIFE, signed_by
from lading.proof.tuf_checks import Check
from lading.proof.tuf_json import Signed
from lading.proof.tuf_keys import SigningKey
from lading.proof.tuf_metadata import Entry, Root, Snapshot, Targets, Timestamp
from lading.proof.tuf_refusals import (
    MetadataMissing,
    TrustInvalid,
    TrustRefused,
    UpdateOutdated,
)
from lading.proof.tuf_roles import BASE_ROLES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, is_role
from lading.proof.tuf_trusted import Trusted, TrustMemory
from lading.proof.tuf_walk import FILE_LIMIT, Wanted, drive, walk

TIMESTAMP_LIFE = 14 * DAY
"""How long a timestamp holds, in seconds."""

RENEWED_AFTER = 0.5
"""The part of its life after which a timestamp or snapshot is signed anew, so no clock that is off sees it expired."""

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """What the server signs with for one repository: more than one key of a role while it is rotated, for the root
    decides which of them signs. `snapshot` is empty where publishers hold that key."""

    timestamp: tuple[SigningKey, ...]
    snapshot: tuple[SigningKey, ...] = ()


def accept(gun: str, published: Files, update: Files, keys: ServerKeys, now: float) -> dict[str, bytes]:
    """The files to store, all at once: the update's, the snapshot and the timestamp.

    `published` are the newest files by role; empty for a new repository. A repository's first root is taken as it is;
    later ones must be signed by the one before. Raises TrustInvalid, UpdateOutdated, SignerMissing, and TrustRefused
    where the whole would not be believed.
    """
    check = Check(gun, now)
    for role, raw in update.items():
        _check_file(check, role, raw)
    current = snapshotted(published)
    _check_root(check, current, update)
    _check_versions(check, current, update)
    merged = {**current, **update}
    for role in (ROOT, TARGETS):
        if role not in merged:
            raise MetadataMissing(gun, role, role)
    merged = reachable(merged)
    made = dict(update)
    if SNAPSHOT not in update:
        made[SNAPSHOT] = _snapshot(gun, merged, keys, now)
    made[TIMESTAMP] = _timestamp(gun, {**merged, **made}, keys, now)
    trusted = _verified(gun, {**merged, **made}, now)
    _check_delegations(trusted, update)
    return made


def renew(gun: str, published: Files, keys: ServerKeys, now: float) -> dict[str, bytes]:
    """The files to store so that clients find nothing expired; empty where there is time, and for a snapshot whose key
    is elsewhere. Raises SignerMissing where the root names other keys than the server's."""
    made: dict[str, bytes] = {}
    current = snapshotted(published)
    snapshot = Snapshot.read(Signed.read(published[SNAPSHOT], SNAPSHOT))
    timestamp = Timestamp.read(Signed.read(published[TIMESTAMP], TIMESTAMP))
    may = Root.read(Signed.read(published[ROOT], ROOT)).roles[SNAPSHOT].keys
    is_ours = any(each.key.id in may for each in keys.snapshot)
    if is_ours and _is_due(snapshot.expires, TARGETS_LIFE, now):
        made[SNAPSHOT] = _snapshot(gun, current, keys, now)
    if made or _is_due(timestamp.expires, TIMESTAMP_LIFE, now):
        made[TIMESTAMP] = _timestamp(gun, {**current, **made}, keys, now)
    return made


def snapshotted(files: Files) -> dict[str, bytes]:
    """The reachable files that the newest snapshot lists: a delegation that was revoked and made again starts empty,
    though what it published before is still among the files. Raises TrustInvalid."""
    found = reachable(files)
    if SNAPSHOT not in files:
        return found
    listed = Snapshot.read(Signed.read(files[SNAPSHOT], SNAPSHOT)).entries
    return {role: raw for role, raw in found.items() if role in BASE_ROLES or role in listed}


def reachable(files: Files) -> dict[str, bytes]:
    """The files of the base roles, and of the delegations that lead to one another from `targets` down: what a role
    published before it was revoked is no part of the repository. Raises TrustInvalid."""
    found = {role: files[role] for role in BASE_ROLES if role in files}
    waiting = [TARGETS] if TARGETS in files else []
    while waiting:
        role = waiting.pop()
        found[role] = files[role]
        below = Targets.read(Signed.read(files[role], role), role).delegations
        waiting += [each.name for each in below if each.name in files]
    return found


def _is_due(expires: float, life: float, now: float) -> bool:
    return expires - now < life * RENEWED_AFTER


def _check_file(check: Check, role: str, raw: bytes) -> None:
    """What is written must be readable, current metadata of its role. Raises TrustInvalid, MetadataExpired."""
    if not is_role(role) or role == TIMESTAMP:
        raise TrustInvalid(role[:160], "is no metadata that is published")
    if len(raw) > FILE_LIMIT:
        raise TrustInvalid(role, f"has {len(raw)} bytes; {FILE_LIMIT} are allowed")
    check.fresh(role, _read(role, raw).expires)


def _check_root(check: Check, published: Files, update: Files) -> None:
    """A later root follows the published one, and is signed by it. Raises UpdateOutdated, RootForeign."""
    if ROOT not in update or ROOT not in published or update[ROOT] == published[ROOT]:
        return
    signed = Signed.read(update[ROOT], ROOT)
    old, new = Root.read(Signed.read(published[ROOT], ROOT)), Root.read(signed)
    if new.version != old.version + 1:
        raise UpdateOutdated(check.gun, ROOT, new.version, old.version)
    check.rotated(signed, new.version, old)


def _check_versions(check: Check, published: Files, update: Files) -> None:
    """Every file is newer than the published one, or the same. Raises UpdateOutdated."""
    for role, raw in update.items():
        if role in published and raw != published[role]:
            old, new = _read(role, published[role]).version, _read(role, raw).version
            if new <= old:
                raise UpdateOutdated(check.gun, role, new, old)


def _read(role: str, raw: bytes) -> Root | Snapshot | Targets:
    signed = Signed.read(raw, role)
    if role == ROOT:
        return Root.read(signed)
    return Snapshot.read(signed) if role == SNAPSHOT else Targets.read(signed, role)


def _snapshot(gun: str, files: Files, keys: ServerKeys, now: float) -> bytes:
    """A snapshot of the files, after the one that is among them."""
    root = Root.read(Signed.read(files[ROOT], ROOT))
    version = Snapshot.read(Signed.read(files[SNAPSHOT], SNAPSHOT)).version if SNAPSHOT in files else 0
    listed = {role: Entry.of(raw) for role, raw in files.items() if role not in {SNAPSHOT, TIMESTAMP}}
    content = Snapshot(version + 1, now + TARGETS_LIFE, listed).content
    return signed_by(gun, SNAPSHOT, content, root.roles[SNAPSHOT], keys.snapshot)


def _timestamp(gun: str, files: Files, keys: ServerKeys, now: float) -> bytes:
    """A timestamp of the snapshot among the files, after the one that is among them."""
    root = Root.read(Signed.read(files[ROOT], ROOT))
    version = Timestamp.read(Signed.read(files[TIMESTAMP], TIMESTAMP)).version if TIMESTAMP in files else 0
    content = Timestamp(version + 1, now + TIMESTAMP_LIFE, Entry.of(files[SNAPSHOT])).content
    return signed_by(gun, TIMESTAMP, content, root.roles[TIMESTAMP], keys.timestamp)


def _verified(gun: str, files: Files, now: float) -> Trusted:
    """What a client would see, who knows the published root. Raises what the walk raises."""

    def fetch(wanted: Wanted) -> bytes | None:
        return files.get(wanted.role)

    return drive(walk(gun, now, TrustMemory(files[ROOT], {})), fetch)


def _check_delegations(trusted: Trusted, update: Files) -> None:
    """A delegation published now must be one, and its own signatures suffice; older ones may have lost theirs. Raises
    the reason it is not believed, TrustInvalid where nobody delegates to it."""
    for role in update:
        if role in trusted.broken:
            error: TrustRefused = trusted.broken[role].error
            raise error
        if role not in trusted.roles and role not in {ROOT, SNAPSHOT, TIMESTAMP}:
            raise TrustInvalid(role, "is delegated to by nobody")
