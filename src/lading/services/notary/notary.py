"""Content trust by Notary v1: what a tag is signed as, asked of a repository's trust server; and signing there.

    resolve   the newest metadata, verified from the root that is remembered, pinned or taken on first use
              ─> digest and size of the tag
    sign      the same, changed by our keys ─> published at once; where somebody was quicker, from the start

What was seen is remembered for each repository, so that nothing older is believed later. A repository is called by its
full name, as docker does: `docker.io/library/alpine`, `localhost:5000/team/app` (Notary: the GUN).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from lading.oci.descriptor import Descriptor
from lading.oci.reference import Reference, Repository
from lading.proof.tuf_build import Collection, changed
from lading.proof.tuf_keys import SigningKey, TrustKey
from lading.proof.tuf_refusals import (
    MetadataMissing,
    MetadataMixed,
    RootForeign,
    TrustAbsent,
    UpdateOutdated,
    forgetting,
)
from lading.proof.tuf_roles import ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from lading.proof.tuf_trusted import Trusted
from lading.proof.tuf_walk import FILE_LIMIT, Pin, Wanted, drive, walk
from lading.services.notary.changes import Changes, begun, believed
from lading.services.notary.keys import TrustKeys
from lading.services.notary.servers import Fetch, TrustMemories, TrustServer
from lading.services.notary.views import Inspected, TagRevoked, TagSigned, TrustedTag, inspected, resolved
from lading.wire.message import Cancel
from lading.wire.notary import UpdateRefused

T = TypeVar("T")

WALKS = 3
"""How often metadata is walked that changes while it is read."""

PUBLISHES = 10
"""How often a change is made anew because somebody else published first; each time somebody got further."""

FIRST_USE = Pin(first_use=True)

_VANISHED = (
    "Ask whoever runs the trust server: the repository was signed before. Where it is to be set up anew, what was seen "
    "of it has to be forgotten first."
)

Change = Callable[[Changes, Collection], tuple[Collection, T]]
"""Makes metadata of metadata, and says what it did."""


class NotaryTrust:
    """Thread-safe. `server_for` gives the trust server of a repository with the login for it, `now` seconds since 1970,
    `random` so many bytes that nobody can foresee.

    Everything raises the errors of proof.tuf_refusals, and those of TrustServer, TrustKeys and TrustMemories.
    """

    def __init__(
        self,
        server_for: Callable[[Repository], TrustServer],
        keys: TrustKeys,
        memories: TrustMemories,
        now: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._server_for, self._keys, self._memories = server_for, keys, memories
        self._now, self._random = now, random

    # ── reading

    def resolve(self, reference: Reference, cancel: Cancel, pin: Pin | None = None) -> TrustedTag:
        """The tag as it is signed (docker's rule: `targets/releases` first, then `targets`; then who may sign some tags
        only); where the reference has a digest alone, a tag that is signed as that. The caller holds size and digest
        against what it pulls.

        `pin` says how a root is known that is not remembered; None: by first use. Raises TrustAbsent, TagUnsigned,
        DigestUnsigned, DigestSwapped where the reference has a tag and another digest.
        """
        return resolved(reference, self._walked(reference.repository, cancel, pin)[0])

    def inspect(self, repository: Repository, cancel: Cancel, pin: Pin | None = None) -> Inspected:
        """What is signed, and who may sign. Raises TrustAbsent."""
        return inspected(repository, self._walked(repository, cancel, pin)[0])

    def forget(self, repository: Repository) -> None:
        """What was seen of the repository, its root too: the next one is taken as on first use."""
        self._memories.forget(str(repository))

    # ── signing

    def prepare(self, reference: Reference, cancel: Cancel) -> None:
        """Opens the keys that `sign` would sign the tag with, and publishes nothing: for who has much to send first. In
        a repository without trust metadata they are made where there are none. Raises as `sign` does."""
        held = self._held(reference.repository, cancel, starts=True)
        if held is None:
            self._changes().first_keys(str(reference.repository))
        else:
            self._changes().signing_keys(held, reference.or_latest.tag or "")

    def sign(self, reference: Reference, manifest: Descriptor, cancel: Cancel) -> TagSigned:
        """Sign the tag as this manifest.

        docker's rule: a repository without trust metadata is initialised, with our root key; where there are
        delegations, every one directly below `targets` that our keys may sign the tag for signs it; else `targets`.
        Raises SignerMissing where none of our keys may sign so that it is seen, DigestUnsignable.
        """
        tag = reference.or_latest.tag or ""
        roles, initialised = self._changed(
            reference.repository, lambda changes, held: changes.sign(held, tag, manifest), cancel, starts=True
        )
        return TagSigned(reference, manifest.digest, roles, initialised)

    def revoke(self, reference: Reference, cancel: Cancel) -> TagRevoked:
        """The tag is signed no longer, by any role that our keys sign for. Raises TagUnsigned, SignerMissing."""
        tag = reference.or_latest.tag or ""
        (roles, left), _ = self._changed(reference.repository, lambda changes, held: changes.unsign(held, tag), cancel)
        return TagRevoked(reference.repository, tag, roles, left)

    def revoke_all(self, repository: Repository, cancel: Cancel) -> Sequence[TagRevoked]:
        """The same for every tag, in one update. Raises SignerMissing."""

        def unsign(changes: Changes, held: Collection) -> tuple[Collection, list[TagRevoked]]:
            done: list[TagRevoked] = []
            for tag in changes.tags(held):
                held, (roles, left) = changes.unsign(held, tag)
                done.append(TagRevoked(repository, tag, roles, left))
            return held, done

        return self._changed(repository, unsign, cancel)[0]

    def add_signer(
        self, name: str, repository: Repository, keys: Sequence[TrustKey], cancel: Cancel, paths: Sequence[str] = ("",)
    ) -> bool:
        """`name` may sign with these keys (added to those that the name has): as `targets/NAME`, and into
        `targets/releases`. Whether the repository was initialised for it. Raises SignerMissing where we lack the
        repository's key, SignerReserved, DelegationInvalid."""

        def add(changes: Changes, held: Collection) -> tuple[Collection, None]:
            return changes.with_signer(held, name, keys, paths), None

        return self._changed(repository, add, cancel, starts=True)[1]

    def remove_signer(self, name: str, repository: Repository, cancel: Cancel, *, force: bool = False) -> None:
        """`name` may sign no longer. Raises SignerUnknown, SignerMissing, and LastSigner unless `force`: what nobody
        else signed in `targets/releases` is then signed by nobody."""

        def remove(changes: Changes, held: Collection) -> tuple[Collection, None]:
            return changes.without_signer(held, name, force=force), None

        self._changed(repository, remove, cancel)

    def rotate(self, repository: Repository, role: str, cancel: Cancel) -> str:
        """The id of a new key for `root` or `targets`, made here, or for `snapshot` or `timestamp`, made by the server.
        Raises SignerMissing where we lack the root key."""
        self._changes().require_root(believed(*self._walked(repository, cancel, None)))
        return self._changed(repository, self._replacing(repository, role, cancel), cancel)[0]

    def _replacing(self, repository: Repository, role: str, cancel: Cancel) -> Change[str]:
        """The key is made once, however often the change has to be."""
        gun = str(repository)
        if role == ROOT:
            root = self._keys.make(ROOT)
            return lambda changes, held: (changes.new_root(held, root), SigningKey(root).key.id)
        if role == TARGETS:
            targets = self._keys.make(TARGETS, gun)
            return lambda changes, held: (changes.new_targets(held, targets), SigningKey(targets).key.id)
        key = self._server_for(repository).rotate(gun, role, cancel)
        return lambda changes, held: (changes.new_key(held, role, key), key.bare.id)

    # ── how both are done

    def _changed(
        self, repository: Repository, change: Change[T], cancel: Cancel, *, starts: bool = False
    ) -> tuple[T, bool]:
        """What the change gave, and whether the repository was initialised for it, which `starts` allows.

        Where somebody else published first the change is made anew from that. Raises UpdateRefused, UpdateOutdated
        where nobody did.
        """
        server, gun = self._server_for(repository), str(repository)
        held = self._held(repository, cancel, starts=starts)
        for left in reversed(range(PUBLISHES)):
            changes = self._changes()
            after, result = change(changes, held or self._first(changes, server, gun, cancel))
            if not changed(held, after):
                return result, False
            after = changes.renewed(after)
            update = changes.published(after, changed(held, after))
            try:
                server.publish(gun, update, cancel)
            except (UpdateOutdated, UpdateRefused):
                before, held = held, self._held(repository, cancel, starts=starts)
                if left and _has_moved(before, held):
                    continue
                raise
            own_root = Pin(frozenset(after.root.roles[ROOT].keys)) if held is None else None
            self._walked(repository, cancel, own_root)  # readers see it, and so do we from now on
            return result, held is None
        raise AssertionError("the last attempt returns or raises")

    def _held(self, repository: Repository, cancel: Cancel, *, starts: bool) -> Collection | None:
        """What is published; None where nothing is, and the repository may be initialised. Raises TrustAbsent, and
        MetadataMissing where there was something before."""
        try:
            trusted, files = self._walked(repository, cancel, None)
            return believed(trusted, {**files, **self._unpublished(repository, trusted, files, cancel)})
        except TrustAbsent as error:
            if self._memories.of(error.gun) is not None:
                lost = MetadataMissing(error.gun, ROOT, ROOT)
                raise lost.but(hint=_VANISHED, command=f"{_VANISHED} {forgetting(error.gun)}") from error
            if not starts:
                raise
            return None

    def _unpublished(
        self, repository: Repository, trusted: Trusted, files: Mapping[str, bytes], cancel: Cancel
    ) -> dict[str, bytes]:
        """What delegations begin with that published nothing yet, or nothing since they came back."""
        server, gun = self._server_for(repository), str(repository)
        names = {each.name for each in trusted.roles[TARGETS].targets.delegations} - files.keys()
        former = {role: server.fetch(gun, Wanted(role, FILE_LIMIT), cancel) for role in sorted(names)}
        return {role: begun(role, raw, files[SNAPSHOT]) for role, raw in former.items()}

    def _first(self, changes: Changes, server: TrustServer, gun: str, cancel: Cancel) -> Collection:
        snapshot, timestamp = (server.public_key(gun, role, cancel) for role in (SNAPSHOT, TIMESTAMP))
        return changes.first(gun, snapshot, timestamp)

    def _changes(self) -> Changes:
        return Changes(self._keys, self._now(), self._random)

    def _walked(self, repository: Repository, cancel: Cancel, pin: Pin | None) -> tuple[Trusted, Mapping[str, bytes]]:
        """The verified metadata and its files, remembered. What changes while it is read is read again."""
        server, gun = self._server_for(repository), str(repository)
        for left in reversed(range(WALKS)):
            began = self._memories.of(gun)
            fetch = Fetch(server, gun, cancel)
            try:
                trusted = drive(walk(gun, self._now(), began, pin or FIRST_USE), fetch)
            except MetadataMixed as error:
                if left and error.role == ROOT:
                    continue
                raise
            if self._memories.keep(gun, trusted.memory, began):
                return trusted, fetch.files
            if not left:
                raise RootForeign(gun, trusted.root.version)
        raise AssertionError("the last walk returns or raises")


def _has_moved(before: Collection | None, now: Collection | None) -> bool:
    """Whether somebody published since."""
    if before is None or now is None:
        return before is not now
    return before.files[SNAPSHOT] != now.files[SNAPSHOT]
