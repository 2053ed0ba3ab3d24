"""What the trust collections of our own registry (Notary v1) say is signed: read where they lie, with the same walk
that a client makes.

A repository of ours may have several: one for each name of this registry that somebody signed under. A tag counts that
one of them signs. The root of the first is the one that was published here, which the trust server guards against being
replaced. Of the others it must be signed by the same root keys, or whoever may push had only to think of another name
to sign under. A pin asks for its own keys instead.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from lading.oci.reference import Reference
from lading.proof.tuf_json import Signed
from lading.proof.tuf_metadata import Root
from lading.proof.tuf_refusals import MetadataMixed, TrustAbsent, TrustInvalid, TrustRefused
from lading.proof.tuf_roles import ROOT
from lading.proof.tuf_trusted import Trusted
from lading.proof.tuf_walk import FILE_LIMIT, Pin, Wanted, drive, walk
from lading.services.notary.views import TrustedTag, resolved
from lading.services.trust.records import Gun
from lading.wire.message import Cancel


class Collections(Protocol):
    """services.trust.collections.TrustCollections, read."""

    def guns(self, repository: str) -> Sequence[Gun]:
        """The collections about this repository of ours, the oldest first. Raises StorageFailed."""

    def fetch(self, gun: Gun, wanted: Wanted) -> bytes | None:
        """A file of one; None where there is none. Raises StorageFailed."""


class OwnNotary:
    """Fulfils signature_finding.NotaryTags. For any number of threads."""

    def __init__(self, collections: Callable[[], Collections], now: Callable[[], float]) -> None:
        """`collections` are opened at each question, as few rules ask any. `now` gives seconds since 1970."""
        self._collections, self._now = collections, now

    def resolve(
        self,
        reference: Reference,
        cancel: Cancel,  # noqa: ARG002  nothing is waited for
        pin: Pin | None = None,
    ) -> TrustedTag:
        """By the path alone: whatever host the reference has, it is ours. Raises TrustAbsent where nothing was ever
        signed, and the last collection's TrustRefused or TrustInvalid where none of them signs it."""
        refusal: TrustRefused | TrustInvalid = TrustAbsent(str(reference.repository))
        collections = self._collections()
        guns = collections.guns(reference.repository.path)
        pins = itertools.repeat(pin) if pin is not None and pin.keys is not None else _pins(collections, guns)
        for gun, known in zip(guns, pins, strict=False):
            try:
                trusted = self._walked(collections, gun, known)
                return resolved(replace(reference, repository=Reference.parse(gun.name).repository), trusted)
            except (TrustRefused, TrustInvalid) as error:
                refusal = error
        raise refusal

    def _walked(self, collections: Collections, gun: Gun, pin: Pin) -> Trusted:
        def fetch(wanted: Wanted) -> bytes | None:
            return collections.fetch(gun, wanted)

        try:
            return drive(walk(gun.name, self._now(), None, pin), fetch)
        except MetadataMixed:  # published during the walk: one more settles it
            return drive(walk(gun.name, self._now(), None, pin), fetch)


def _pins(collections: Collections, guns: Sequence[Gun]) -> Iterator[Pin]:
    """How the root of each is known. Raises TrustInvalid."""
    yield Pin(first_use=True)
    raw = collections.fetch(guns[0], Wanted(ROOT, FILE_LIMIT))
    keys = {} if raw is None else Root.read(Signed.read(raw, ROOT)).roles[ROOT].keys
    yield from itertools.repeat(Pin(frozenset(key.bare.id for key in keys.values())))
