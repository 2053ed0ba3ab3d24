"""The client's walk through a repository's trust metadata (Notary v1, client/tufclient.go; TUF, section 5).

    root: the one remembered, pinned or taken on first use, then every version up to the newest, each signed by the keys
          of the one before ─> timestamp ─> snapshot, whose root must be the one held ─> targets ─> delegations

A walk is a conversation: it yields which file it wants, and is sent the file's bytes, or None where there is none. What
must be kept until the next walk stands in the `TrustMemory` it gives back.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

from lading.proof.tuf_checks import Check
from lading.proof.tuf_json import Signed
from lading.proof.tuf_metadata import Entry, Root, Snapshot, Targets, Timestamp
from lading.proof.tuf_refusals import (
    MetadataExpired,
    MetadataMissing,
    RootForeign,
    RootUnknown,
    SignerRevoked,
    ThresholdNotMet,
    TrustAbsent,
    TrustInvalid,
)
from lading.proof.tuf_roles import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Delegation, RoleKeys
from lading.proof.tuf_trusted import BrokenRole, SignedRole, Trusted, TrustMemory

FILE_LIMIT = 4 * 1024 * 1024
"""The longest metadata file read, in bytes."""

TIMESTAMP_LIMIT = 1024 * 1024
"""The longest timestamp, which nothing announces (Notary's own limit)."""

ROLES_LIMIT = 1000
"""The most delegations walked."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file the walk wants: of a role, of a version or hash where one is known, and not longer than `limit` bytes: who
    fetches it need not read on past one byte more."""

    role: str
    limit: int
    version: int | None = None
    sha256: bytes | None = None

    @property
    def name(self) -> str:
        """As the server's paths spell it, without `.json`."""
        if self.version is not None:
            return f"{self.version}.{self.role}"
        return self.role if self.sha256 is None else f"{self.role}.{self.sha256.hex()}"


@dataclass(frozen=True, slots=True)
class Pin:
    """How the root is known before there is a memory: by ids of root keys, wrapped or bare, of which it must be signed
    by its threshold, or by first use."""

    keys: frozenset[str] | None = None
    first_use: bool = False


Walk = Generator[Wanted, bytes | None, Trusted]


def walk(gun: str, now: float, memory: TrustMemory | None = None, pin: Pin | None = None) -> Walk:
    """The verified metadata of the repository `gun`. `now` is in seconds since 1970.

    A MetadataMixed about the root means that it was replaced during the walk: one more walk settles it.
    Raises the errors of tuf_refusals.
    """
    check, seen = Check(gun, now), {} if memory is None else memory.versions
    raw_root, root = yield from _root(check, memory, pin or Pin())
    timestamp = yield from _timestamp(check, root, seen.get(TIMESTAMP, 1))
    snapshot = yield from _snapshot(check, root, timestamp, seen.get(SNAPSHOT, 1))
    check.listed(ROOT, raw_root, snapshot.entries[ROOT], SNAPSHOT, root.roles[ROOT])
    roles, broken = yield from _targets(check, root, snapshot, seen)
    versions = {name: role.targets.version for name, role in roles.items()}
    versions |= {name: seen[name] for name in broken if name in seen}
    kept = TrustMemory(raw_root, {TIMESTAMP: timestamp.version, SNAPSHOT: snapshot.version, **versions})
    ends = {SNAPSHOT: snapshot.expires, TIMESTAMP: timestamp.expires}
    return Trusted(gun, root, roles, broken, kept, ends)


def drive(conversation: Walk, fetch: Callable[[Wanted], bytes | None]) -> Trusted:
    """A walk to its end over a function that fetches files."""
    try:
        wanted = next(conversation)
        while True:
            wanted = conversation.send(fetch(wanted))
    except StopIteration as end:
        trusted: Trusted = end.value
        return trusted


def _fetch(check: Check, wanted: Wanted) -> Generator[Wanted, bytes | None, bytes]:
    raw = yield wanted
    if raw is None:
        raise MetadataMissing(check.gun, wanted.role, wanted.name)
    if len(raw) > wanted.limit:
        raise TrustInvalid(wanted.role, f"has {len(raw)} bytes; {wanted.limit} are allowed")
    return raw


def _root(check: Check, memory: TrustMemory | None, pin: Pin) -> Generator[Wanted, bytes | None, tuple[bytes, Root]]:
    if memory is None and pin.keys is None and not pin.first_use:
        raise RootUnknown(check.gun)
    raw = yield Wanted(ROOT, FILE_LIMIT)
    if raw is None:
        raise TrustAbsent(check.gun)
    signed = Signed.read(raw, ROOT)
    newest = Root.read(signed)
    if memory is not None:
        yield from _rotations(check, memory.root, signed, newest)
    check.root(signed, newest, pinned=pin.keys, newest=True)
    check.fresh(ROOT, newest.expires)
    return raw, newest


def _rotations(check: Check, known: bytes, signed: Signed, newest: Root) -> Generator[Wanted, bytes | None, None]:
    """From the root remembered to the newest, which is given: every version, each signed by the one before."""
    held = Signed.read(known, ROOT)
    trusted = Root.read(held)
    check.not_older(ROOT, newest.version, trusted.version)
    if newest.version == trusted.version and signed.content != held.content:
        raise RootForeign(check.gun, newest.version)
    for version in range(trusted.version + 1, newest.version):
        raw = yield from _fetch(check, Wanted(ROOT, FILE_LIMIT, version=version))
        between = Signed.read(raw, ROOT)
        following = Root.read(between)
        if following.version != version:
            raise TrustInvalid(f"{version}.root", f"is version {following.version}")
        check.rotated(between, version, trusted)
        check.root(between, following, newest=False)
        trusted = following
    check.rotated(signed, newest.version, trusted)


def _timestamp(check: Check, root: Root, seen: int) -> Generator[Wanted, bytes | None, Timestamp]:
    raw = yield from _fetch(check, Wanted(TIMESTAMP, TIMESTAMP_LIMIT))
    signed = Signed.read(raw, TIMESTAMP)
    check.signers(signed, TIMESTAMP, root.roles[TIMESTAMP])
    found = Timestamp.read(signed)
    check.not_older(TIMESTAMP, found.version, seen)
    check.fresh(TIMESTAMP, found.expires)
    return found


def _listed(
    check: Check, role: str, entry: Entry, by: str, may: RoleKeys
) -> Generator[Wanted, bytes | None, tuple[Signed, frozenset[str]]]:
    """A file that another one lists, and who signed it."""
    if entry.length > FILE_LIMIT:
        raise TrustInvalid(role, f"has {entry.length} bytes; {FILE_LIMIT} are allowed")
    raw = yield Wanted(role, entry.length, sha256=entry.sha256)
    if raw is None:
        raise MetadataMissing(check.gun, role, f"{role}.{entry.sha256.hex()}")
    check.listed(role, raw, entry, by, may)
    signed = Signed.read(raw, role)
    return signed, check.signers(signed, role, may)


def _snapshot(check: Check, root: Root, timestamp: Timestamp, seen: int) -> Generator[Wanted, bytes | None, Snapshot]:
    signed, _ = yield from _listed(check, SNAPSHOT, timestamp.snapshot, TIMESTAMP, root.roles[SNAPSHOT])
    found = Snapshot.read(signed)
    check.not_older(SNAPSHOT, found.version, seen)
    check.fresh(SNAPSHOT, found.expires)
    return found


Found = tuple[dict[str, SignedRole], dict[str, BrokenRole]]


def _targets(
    check: Check, root: Root, snapshot: Snapshot, seen: Mapping[str, int]
) -> Generator[Wanted, bytes | None, Found]:
    """`targets`, then the delegations, parents first. A delegation that published nothing yet is passed over; one whose
    signers do not suffice any longer, whose time is over, or that had published and is not listed now, is broken, and
    whatever it delegates to with it."""
    top = yield from _role(check, TARGETS, root.roles[TARGETS], snapshot, seen)
    roles, broken = {TARGETS: SignedRole(*top)}, dict[str, BrokenRole]()
    waiting: list[tuple[Delegation, Delegation | None]] = [(each, None) for each in top[0].delegations]
    while waiting and len(roles) + len(broken) <= ROLES_LIMIT:
        given, parent = waiting.pop(0)
        delegation = given.within(parent)
        if delegation.name not in snapshot.entries:
            if delegation.name in seen:
                lost = MetadataMissing(check.gun, delegation.name, delegation.name)
                broken[delegation.name] = BrokenRole(delegation, lost)
            continue
        try:
            found, signers = yield from _role(check, delegation.name, delegation.signers, snapshot, seen)
        except (MetadataExpired, SignerRevoked, ThresholdNotMet) as error:
            broken[delegation.name] = BrokenRole(delegation, error)
            continue
        roles[delegation.name] = SignedRole(found, signers, delegation)
        waiting += [(each, delegation) for each in found.delegations]
    return roles, broken


def _role(
    check: Check, role: str, may: RoleKeys, snapshot: Snapshot, seen: Mapping[str, int]
) -> Generator[Wanted, bytes | None, tuple[Targets, frozenset[str]]]:
    signed, signers = yield from _listed(check, role, snapshot.entries[role], SNAPSHOT, may)
    found = Targets.read(signed, role)
    check.not_older(role, found.version, seen.get(role, 1))
    check.fresh(role, found.expires)
    return found, signers
