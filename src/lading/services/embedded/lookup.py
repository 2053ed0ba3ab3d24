"""Finding images of our own engine as Docker's clients name them: by tag, by `repository@digest`, by any digest of the
image (index, one platform's manifest, config), or by the beginning of one.

A name is looked for first: `cafe` may be an id's beginning and a repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from lading.engine.records import Image, ImageNames
from lading.engine.stores import ContentUnknown
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import is_document
from lading.oci.reference import Reference, ReferenceInvalid, Repository
from lading.services.content.stores import OwnStore
from lading.services.lookup import ID, IdAmbiguous, ImageUnknown
from lading.services.reading import read_manifest


@dataclass(frozen=True)
class Held:
    """An image with all that it is called: `rows`, in order of reference, at least one. What is read from them is read
    once: there may be very many."""

    root: Descriptor
    rows: tuple[Image, ...]

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Its names, with a tag or with a digest; none where it lost the last one."""
        return tuple(Reference.parse(row.reference) for row in self.rows if row.named)

    @cached_property
    def tags(self) -> tuple[Reference, ...]:
        """Those of its names that are tags, as Docker shows them: who pulls by digest gives none."""
        return tuple(reference for reference in self.references if reference.tag and reference.digest is None)

    @cached_property
    def repositories(self) -> tuple[Repository, ...]:
        """Those that it is called by, once each."""
        return tuple(dict.fromkeys(reference.repository for reference in self.references))

    @property
    def moved(self) -> float:
        """When a name was last set, in seconds since 1970."""
        return max(row.moved for row in self.rows)


@dataclass(frozen=True, slots=True)
class Found:
    """What a text names: `name` is the row or the `repository@digest` that it is, None for an id. `part` is the
    manifest or config it meant, where that is not the image's root."""

    image: Held
    name: Reference | None = None
    part: Digest | None = None


class EmbeddedLookup:
    """The images as they are now. Each question reads the names anew."""

    def __init__(self, names: ImageNames, own: OwnStore) -> None:
        self._names, self._own = names, own

    def all(self) -> Sequence[Held]:
        """Every image once."""
        found: dict[Digest, list[Image]] = {}
        for row in self._names.all():
            found.setdefault(row.root.digest, []).append(row)
        return [Held(rows[0].root, tuple(rows)) for rows in found.values()]

    def find(self, text: str) -> Found:
        """Raises ImageUnknown, IdAmbiguous, ReferenceInvalid."""
        match = ID.fullmatch(text)
        images = self.all()
        try:
            reference = Reference.parse(text)
        except ReferenceInvalid:
            if match is None:
                raise
            found = None
        else:
            found = self._named(images, reference)
        found = found or (_by_id(images, match) or self._by_part(images, match) if match else None)
        if found is None:
            raise ImageUnknown(text, ["the local store"], _near(text, images))
        return found

    def tagged(self, text: str) -> Sequence[tuple[Reference, Held]]:
        """All tags of the repository that `text` is; none where it is none, or is more than that."""
        try:
            asked = Reference.parse(text)
        except ReferenceInvalid:
            return ()
        if asked.tag or asked.digest:
            return ()
        return [(tag, image) for image in self.all() for tag in image.tags if tag.repository == asked.repository]

    def _named(self, images: Sequence[Held], reference: Reference) -> Found | None:
        if reference.digest is not None:
            return self._pinned(images, reference.repository, reference.digest)
        wanted = reference.or_latest
        text = str(wanted)  # as rows spell it, so that not every name there is has to be read
        named = (image for image in images if any(row.reference == text for row in image.rows))
        return next((Found(image, wanted) for image in named), None)

    def _pinned(self, images: Sequence[Held], repository: Repository, digest: Digest) -> Found | None:
        own = [image for image in images if repository in image.repositories]
        for image in own:
            if image.root.digest == digest:
                return Found(image, Reference(repository, digest=digest))
        return next((Found(image, None, digest) for image in own if digest in self._parts(image)), None)

    def _by_part(self, images: Sequence[Held], match: re.Match[str]) -> Found | None:
        """What several images consist of means the first of them; what begins several parts means none."""
        meant = {digest: image for image in reversed(images) for digest in self._parts(image) if _begins(digest, match)}
        if len(meant) > 1:
            raise IdAmbiguous(match[0], len(meant))
        return next((Found(image, None, digest) for digest, image in meant.items()), None)

    def _parts(self, image: Held) -> Iterator[Digest]:
        """The digests of its manifests and configs below the root, as far as they are here."""
        waiting, seen = [image.root], {image.root.digest}
        while waiting:
            manifest = self._manifest(waiting.pop())
            if isinstance(manifest, Manifest):
                yield manifest.config.digest
            for child in manifest.manifests if isinstance(manifest, Index) else ():
                if child.digest not in seen:
                    seen.add(child.digest)
                    yield child.digest
                    waiting += [child] if is_document(child.media_type) else []

    def _manifest(self, descriptor: Descriptor) -> Manifest | Index | None:
        try:
            return read_manifest(self._own, descriptor)
        except ContentUnknown:
            return None


def _by_id(images: Iterable[Held], match: re.Match[str]) -> Found | None:
    found = [image for image in images if _begins(image.root.digest, match)]
    if len(found) > 1:
        raise IdAmbiguous(match[0], len(found))
    return Found(found[0]) if found else None


def _begins(digest: Digest, match: re.Match[str]) -> bool:
    algorithm = match["algorithm"]
    return digest.encoded.startswith(match["hex"]) and algorithm in (None, digest.algorithm)


def _near(text: str, images: Iterable[Held]) -> str | None:
    """The name here that is most like it, where one is."""
    import difflib  # noqa: PLC0415  only a wrong name needs it

    names = [reference.familiar for image in images for reference in image.references]
    return next(iter(difflib.get_close_matches(text, names, 1)), None)
