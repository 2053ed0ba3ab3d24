"""What speaks of an image and belongs to it: signatures, SBOMs, attestations attached after it was built.

There are two ways to attach: `subject` in a manifest of its own (distribution-spec, Listing Referrers), and cosign's
tags, `sha256-<hex>.sig`, which name no subject. The second kind needs its tag at the target too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Protocol

from lading.engine.stores import Referrers
from lading.errors import NotFound
from lading.oci.archive import REF_NAME
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Reference, ReferenceInvalid, cosign_tags, is_cosign_tag

Question = Callable[[], Iterable[Descriptor]]


class Resolving(Protocol):
    """Names that can be looked up."""

    def resolve(self, name: str | Digest) -> Descriptor:
        """Raises TagUnknown, ContentUnknown."""


class WithCosignTags:
    """The referrers of a source, and what cosign keeps beside an image under tags.

    `beside` is the name under which the image itself is known there, so that its neighbours can be spelled.
    """

    def __init__(self, referrers: Referrers, names: Resolving, beside: str) -> None:
        self._referrers, self._names, self._beside = referrers, names, beside

    def referrers(self, subject: Digest) -> Iterator[Descriptor]:
        """Those with a tag of their own carry it as their reference name (image-spec, annotations)."""
        for question in self.questions(subject):
            yield from question()

    def questions(self, subject: Digest) -> list[Question]:
        """Each is a request or two in a registry, so they are asked at once."""
        tagged = [partial(self._tagged, tag) for tag in cosign_tags(subject)]
        return [lambda: self._referrers.referrers(subject), *tagged]

    def _tagged(self, tag: str) -> Iterable[Descriptor]:
        try:
            descriptor = self._names.resolve(sibling(self._beside, tag))
        except NotFound:
            return ()
        return (replace(descriptor, annotations={**descriptor.annotations, REF_NAME: tag}),)


def questions(referrers: Referrers, subject: Digest) -> list[Question]:
    """What to ask to learn what speaks of `subject`."""
    if isinstance(referrers, WithCosignTags):
        return referrers.questions(subject)
    return [lambda: referrers.referrers(subject)]


def sibling(name: str, tag: str) -> str:
    """`tag` in the repository of `name`: as it is in a registry, a whole reference where names are whole references."""
    if "/" not in name and ":" not in name:
        return tag
    try:
        return str(replace(Reference.parse(name), tag=tag, digest=None))
    except ReferenceInvalid:
        return tag


def own_tag(referrer: Descriptor) -> str | None:
    """The tag a referrer must have at the target to be found there. Only cosign's: a source chooses no other tags."""
    tag = referrer.annotations.get(REF_NAME, "")
    return tag if is_cosign_tag(tag) else None
