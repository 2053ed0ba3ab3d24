"""The trust server of our registry (Notary v1): collections of trust metadata beside our repositories.

    publish    what publishers signed is taken where the whole holds together (proof.tuf_publish), all files at once;
               of two who publish at the same time one is first, and the other is told where their changes meet
    read       by role, version or checksum; a timestamp that has lived half its life is signed anew before it is given
    remove     all of it, with our keys; so does removing the repository itself. What is there after a repository was
               renamed stays: signatures name what they are for, so the new name begins unsigned

Whether somebody may, the door has asked (services.repositories.admission); this keeps the trail.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence

from lading.errors import InputInvalid, NotFound, Refused, StorageFailed
from lading.proof.tuf_build import DAY
from lading.proof.tuf_differences import differences
from lading.proof.tuf_json import Signed
from lading.proof.tuf_keys import TrustKey
from lading.proof.tuf_metadata import Root, Snapshot, Targets, Timestamp
from lading.proof.tuf_publish import RENEWED_AFTER, TIMESTAMP_LIFE, accept, reachable, renew, snapshotted
from lading.proof.tuf_refusals import SignerMissing, TrustInvalid
from lading.proof.tuf_roles import ROOT, SNAPSHOT, TIMESTAMP
from lading.proof.tuf_walk import Wanted
from lading.services.access import Actor
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.schedules import Chore
from lading.services.trust.records import Gun, TrustChange, TrustFile, TrustRecords
from lading.services.trust.server_keys import TrustServerKeys

log = logging.getLogger("lading.trust")

ATTEMPTS = 8
"""How often an update is held against what is published, where others publish meanwhile."""

MOST_VERSION = (1 << 53) - 1
"""The greatest version that every client reads as the same number."""

MOST_NAMES = 16
"""Under how many names of this registry one repository may be signed. Loopback alone has millions, and whoever asks
what is signed there walks all of them."""

RENEWED_EVERY = 3600.0
"""Seconds between rounds over collections that nobody reads."""

KEPT_SECONDS = 30 * DAY
"""How long a file is kept that a newer one has taken the place of. A root is kept for ever: clients walk them all."""

CHANGES_KEPT_SECONDS = 90 * DAY
"""How long the changefeed tells everything. Of what is older it tells how each collection that is there began, and its
newest change: whoever comes that late learns what is there now, but not of what was removed."""

READ_SECONDS = 3600.0
"""How long a client may take to read a collection of which it has the timestamp."""


class MetadataUnknown(NotFound):
    """There is no such trust metadata."""

    code = "trust_metadata_unknown"

    def __init__(self, gun: str, role: str) -> None:
        super().__init__(gun, role)
        self.gun, self.role = gun, role

    def __str__(self) -> str:
        return f"there is no {self.role} metadata of {self.gun}"


class PublishersMany(Refused):
    """Others published in the same collection again and again, while this update was held against it."""

    code = "trust_outdated"
    hint = "Publish again in a moment."

    def __init__(self, gun: str) -> None:
        super().__init__(gun)
        self.gun = gun

    def __str__(self) -> str:
        return f"others are publishing trust metadata of {self.gun} at this moment"


class NamesMany(Refused):
    """A repository is signed under as many names of this registry as there may be."""

    code = "trust_names"
    hint = "Sign it under a name that it is signed under already, or remove the trust metadata of one that is not used."

    def __init__(self, gun: Gun) -> None:
        super().__init__(gun)
        self.gun = gun

    def __str__(self) -> str:
        return f"{self.gun.repository} is signed under {MOST_NAMES} names already, and {self.gun} is none of them"


class RoleKeptElsewhere(InputInvalid):
    """The server's key was asked for of a role that publishers sign."""

    code = "trust_role"

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role

    def __str__(self) -> str:
        return f"the trust server holds no key of the role {self.role}"


class TrustCollections:
    """For any number of threads. Every method raises StorageFailed. `clock` tells seconds since 1970."""

    def __init__(self, records: TrustRecords, keys: TrustServerKeys, trail: Trail, clock: Callable[[], float]) -> None:
        self._records, self._keys, self._trail, self._clock = records, keys, trail, clock

    # ── to publish

    def publish(self, actor: Actor, gun: Gun, update: Mapping[str, bytes]) -> None:
        """Take these files, by role. Raises NamesMany, TrustInvalid, UpdateOutdated, SignerMissing, and TrustRefused
        where the whole would not be believed."""
        for _ in range(ATTEMPTS):
            held = self._records.newest(gun.name)
            if not held and len(self._records.guns(gun.repository)) >= MOST_NAMES:
                raise NamesMany(gun)
            published = _contents(held)
            made = accept(gun.name, published, update, self._keys.signers(gun.name), self._clock())
            if self._put(gun, held, made):
                told = differences(snapshotted(published), snapshotted({**published, **made}))
                version = _version(TIMESTAMP, made[TIMESTAMP])
                self._record(actor, gun, "publish", roles=sorted(update), version=version, **told)
                return
        raise PublishersMany(gun.name)

    def public_key(self, gun: Gun, role: str) -> TrustKey:
        """The key that we sign a role with: one is made where there is none. Raises RoleKeptElsewhere."""
        return self._keys.public(gun.name, role, self._named(gun, role))

    def rotate(self, actor: Actor, gun: Gun, role: str) -> TrustKey:
        """Another key, which signs once a published root names it. Raises RoleKeptElsewhere."""
        key = self._keys.rotate(gun.name, role, self._named(gun, role))
        self._record(actor, gun, "rotate", role=role, key=key.id)
        return key

    def remove(self, actor: Actor, gun: Gun) -> None:
        """All files and keys; nothing where there is none."""
        if self._records.remove(gun.name, self._clock()):
            self._record(actor, gun, "remove")

    def repository_removed(self, actor: Actor, repository: str) -> None:
        """A repository of ours is gone: so is what was signed there."""
        for gun in self.guns(repository):
            self.remove(actor, gun)

    # ── to read

    def file(self, gun: Gun, role: str) -> TrustFile:
        """The newest of a role. Raises MetadataUnknown."""
        found = self._records.newest_of(gun.name, role)
        if found is not None and role == TIMESTAMP and self._is_due(found):
            self._renew(gun)
            found = self._records.newest_of(gun.name, role)
        return _there(found, gun, role)

    def of_version(self, gun: Gun, role: str, version: int) -> TrustFile:
        """Raises MetadataUnknown."""
        return _there(self._records.of_version(gun.name, role, version), gun, role)

    def of_checksum(self, gun: Gun, role: str, sha256: str) -> TrustFile:
        """By the SHA-256 in lower-case hex. Raises MetadataUnknown."""
        return _there(self._records.of_checksum(gun.name, role, sha256), gun, role)

    def guns(self, repository: str) -> Sequence[Gun]:
        """The collections about this repository of ours: one for each name of this registry that was signed under, the
        one that is there for longest first."""
        return [Gun(name, repository) for name in self._records.guns(repository)]

    def fetch(self, gun: Gun, wanted: Wanted) -> bytes | None:
        """What a client's walk wants; None where there is none."""
        try:
            if wanted.version is not None:
                return self.of_version(gun, wanted.role, wanted.version).content
            if wanted.sha256 is not None:
                return self.of_checksum(gun, wanted.role, wanted.sha256.hex()).content
            return self.file(gun, wanted.role).content
        except MetadataUnknown:
            return None

    def changed(self) -> Sequence[str]:
        """As TrustRecords.changed."""
        return self._records.changed()

    def changes(
        self, guns: Collection[str], after: int | None, count: int, *, backwards: bool = False
    ) -> Sequence[TrustChange]:
        """As TrustRecords.changes."""
        return self._records.changes(guns, after, count, backwards=backwards)

    def whole_since(self) -> float:
        """From when on the changefeed tells everything, in seconds since 1970."""
        return self._clock() - CHANGES_KEPT_SECONDS

    # ── to keep

    def chores(self) -> Sequence[Chore]:
        """Collections that nobody reads stay fresh, and what nobody reads any more goes."""
        return (Chore("trust renewal", RENEWED_EVERY, self.renew_due), Chore("trust thinning", DAY, self.thin))

    def renew_due(self) -> int:
        """How many collections' timestamps were signed anew."""
        due = self._records.signed_before(self._clock() - TIMESTAMP_LIFE * RENEWED_AFTER)
        return sum(map(self._renew, due))

    def thin(self) -> int:
        """How many files, keys that nobody ever signed with, and lines of the changefeed were forgotten."""
        files = self._records.thin(self._clock() - KEPT_SECONDS, self._clock() - READ_SECONDS)
        return files + self._records.thin_changes(self.whole_since())

    # ──

    def _is_due(self, timestamp: TrustFile) -> bool:
        expires = Timestamp.read(Signed.read(timestamp.content, TIMESTAMP)).expires
        return expires - self._clock() < TIMESTAMP_LIFE * RENEWED_AFTER

    def _renew(self, gun: Gun) -> bool:
        """Whether it was; not where somebody else was faster, where the root names keys that are not ours, where a
        publisher's snapshot leaves no later version, or where nothing can be written: then what is there is given for
        as long as it lives, and other collections do not suffer."""
        try:
            held = self._records.newest(gun.name)
            made = renew(gun.name, _contents(held), self._keys.signers(gun.name), self._clock()) if held else {}
            return bool(made) and self._put(gun, held, made)
        except (SignerMissing, TrustInvalid, StorageFailed) as error:
            log.warning("the timestamp of %s cannot be renewed: %s", gun, error)
            return False

    def _put(self, gun: Gun, held: Mapping[str, TrustFile], made: Mapping[str, bytes]) -> bool:
        now = self._clock()
        new = [_file(role, raw, now) for role, raw in made.items()]
        current = reachable({**_contents(held), **made})
        seen = held[TIMESTAMP].sha256 if held else None
        return self._records.publish(gun, seen, new, sorted(current))

    def _named(self, gun: Gun, role: str) -> frozenset[str]:
        """The ids of the keys that the published root names. Raises RoleKeptElsewhere."""
        if role not in {TIMESTAMP, SNAPSHOT}:
            raise RoleKeptElsewhere(role)
        root = self._records.newest_of(gun.name, ROOT)
        return frozenset() if root is None else frozenset(Root.read(Signed.read(root.content, ROOT)).roles[role].keys)

    def _record(self, actor: Actor, gun: Gun, action: str, **details: object) -> None:
        told = {"repository": gun.repository, **details}
        self._trail.record(actor, Deed(action, "trust", gun.name, gun.name, details=told), Result.DONE)


def _contents(files: Mapping[str, TrustFile]) -> dict[str, bytes]:
    return {role: file.content for role, file in files.items()}


def _there(found: TrustFile | None, gun: Gun, role: str) -> TrustFile:
    if found is None:
        raise MetadataUnknown(gun.name, role)
    return found


def _file(role: str, raw: bytes, now: float) -> TrustFile:
    version = _version(role, raw)
    if version > MOST_VERSION:
        raise TrustInvalid(role, f"has a version beyond {MOST_VERSION}")
    return TrustFile(role, version, hashlib.sha256(raw).hexdigest(), raw, now)


def _version(role: str, raw: bytes) -> int:
    signed = Signed.read(raw, role)
    match role:
        case "root":
            return Root.read(signed).version
        case "snapshot":
            return Snapshot.read(signed).version
        case "timestamp":
            return Timestamp.read(signed).version
        case _:
            return Targets.read(signed, role).version
