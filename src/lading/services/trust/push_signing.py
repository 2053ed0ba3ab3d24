"""Signatures for what a Docker host has pushed by itself: its daemon moves the tag as it pushes, so they come after.

the registry's tag is read ─> its bytes make the digest that the host told ─> signed
                          └─ they do not, or nothing can be signed: pushed, but unsigned, and said so
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lading.engine.stores import TagUnproven
from lading.errors import LadingError, PartlyDone
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import DEFAULT_TAG, Reference
from lading.services.content.stores import FullStore, Stores
from lading.services.environments.orders import Arrived, SignTags
from lading.services.reading import read_manifest
from lading.wire.message import Cancel


class PushedUnsigned(PartlyDone):
    """An image is at its registry under its tag and lacks the signature that it should have: who verifies refuses."""

    code = "pushed_unsigned"
    hint = "Sign it where the key is, or push it again once what is wrong is mended; or take the tag away."

    def __init__(self, target: Reference, digest: Digest, cause: LadingError) -> None:
        super().__init__(target, digest, cause)
        self.target, self.digest, self.cause = target, digest, cause
        self.side = cause.side
        self.why = cause.afar if cause.why is None else f"{cause.afar}: {cause.why}"
        self.command = f"lading sign {target}   (or push it again once what is wrong is mended)"

    def __str__(self) -> str:
        return f"{self.target.familiar} is pushed but unsigned: {self.digest}"


def sign_pushed(stores: Stores, arrived: Sequence[Arrived], sign: SignTags, cancel: Cancel) -> Sequence[Arrived]:
    """What arrived, each with PushedUnsigned as its error where no signature came of it, whatever kept it from that."""
    signed: list[Arrived] = []
    for each in arrived:
        error = None if each.error is not None else _unsigned(stores, each, sign, cancel)
        signed.append(each if error is None else replace(each, error=error))
    return signed


def _unsigned(stores: Stores, arrived: Arrived, sign: SignTags, cancel: Cancel) -> PushedUnsigned | None:
    target, digest = arrived.reference, arrived.digest
    assert target is not None, "a push has targets"
    assert digest is not None, "a push is proven by its digest"
    try:
        store = stores.registry(target.repository, cancel, writes=True)
        sign([target], _read_back(store, target, digest), store)
    except LadingError as error:
        return PushedUnsigned(target, digest, error)
    return None


def _read_back(store: FullStore, target: Reference, digest: Digest) -> Descriptor:
    """What the tag stands for at the registry now, its bytes read. Raises TagUnproven where that is not what the host
    pushed."""
    tag = target.tag or DEFAULT_TAG
    root = store.resolve(tag)
    if root.digest != digest:
        raise TagUnproven(tag, str(target.repository), digest, root.digest)
    read_manifest(store, root)
    return Descriptor(root.media_type, root.digest, root.size)
