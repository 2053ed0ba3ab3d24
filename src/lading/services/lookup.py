"""Finding an image by what a person wrote: a name, the beginning of an id, or the one image a file holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lading.engine.records import Image, ImageNames
from lading.engine.stores import some_of
from lading.errors import InputInvalid, NotFound
from lading.oci.digest import Digest
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.content.stores import Readable
from lading.services.places import Named

ID = re.compile(r"(?:(?P<algorithm>sha256|sha512):)?(?P<hex>[0-9a-f]{4,128})")
"""As Docker reads the beginning of an id; what is shorter is a name."""


class ImageUnknown(NotFound):
    """A name that no image has, at any of the places that were looked at."""

    def __init__(self, text: str, looked: Sequence[str], near: str | None = None) -> None:
        super().__init__(text, looked)
        self.text, self.looked, self.near = text, tuple(looked), near
        self.why = f"looked in {' and in '.join(self.looked)}"
        self.hint = f"Did you mean {near}?" if near else "Pull it, or look at the list of images for what is here."
        self.command = f"{self.hint if near else f'lading pull {text}'}   (lading images lists what is here)"

    def __str__(self) -> str:
        return f"Image not found: {self.text}"


class IdAmbiguous(InputInvalid):
    """The beginning of several images' ids."""

    hint = "Give more digits."

    def __init__(self, text: str, count: int) -> None:
        super().__init__(text, count)
        self.text, self.count = text, count

    def __str__(self) -> str:
        return f"{self.text} begins the id of {self.count} images"


class NameNeeded(InputInvalid):
    """A layout or archive that holds several images, of which none was chosen."""

    def __init__(self, where: str, names: Iterable[str]) -> None:
        self.where, self.names = where, tuple(names)
        super().__init__(where, self.names)
        self.hint = f"Name one of {some_of(self.names)}; loading it takes them all."

    def __str__(self) -> str:
        return f"{self.where} holds {len(self.names)} images"


class NothingNamed(NotFound):
    """A layout or archive in which no image has a name."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where

    def __str__(self) -> str:
        return f"{self.where} names no image"


def only_name(source: Readable, name: str | None) -> str:
    """`name`, or the name of the one image there is. Raises NameNeeded, NothingNamed."""
    if name is not None:
        return name
    names = tuple(source.tags())
    if not names:
        raise NothingNamed(source.name)
    if len({source.resolve(each).digest for each in names}) > 1:
        raise NameNeeded(source.name, names)
    return names[0]


class Lookup:
    """Images of our own store, by name or id."""

    def __init__(self, names: ImageNames) -> None:
        self._names = names

    def find(self, text: str) -> Image:
        """By reference, or by the beginning of its id. Raises ImageUnknown, IdAmbiguous, ReferenceInvalid."""
        image = self.seek(text)
        if image is None:
            raise ImageUnknown(text, ["the local store"], self._near(text))
        return image

    def named(self, text: str) -> Image:
        """By reference alone. Raises ImageUnknown, ReferenceInvalid."""
        image = self.by_reference(text)
        if image is None:
            raise ImageUnknown(text, ["the local store"], self._near(text))
        return image

    def seek(self, text: str) -> Image | None:
        """As `find`, None where there is none. Raises IdAmbiguous, ReferenceInvalid."""
        return self.by_reference(text) or self._by_id(text)

    def by_reference(self, text: str) -> Image | None:
        """`name@digest` is any image of that repository with this root. Raises ReferenceInvalid."""
        try:
            reference = Named(text).reference
        except ReferenceInvalid:
            if ID.fullmatch(text):
                return None
            raise
        if reference.digest is None:
            return self._names.find(str(reference))
        for image in self._names.all():
            same = image.named and image.root.digest == reference.digest
            if same and Reference.parse(image.reference).repository == reference.repository:
                return image
        return None

    def _near(self, text: str) -> str | None:
        """The name here that is most like it, where one is."""
        import difflib  # noqa: PLC0415  only a wrong name needs it

        names = [Reference.parse(image.reference).familiar for image in self._names.all() if image.named]
        return next(iter(difflib.get_close_matches(text, names, 1)), None)

    def _by_id(self, text: str) -> Image | None:
        match = ID.fullmatch(text)
        if not match:
            return None
        images = self._names.all()
        found = {image.root.digest: image for image in images if image.root.digest.encoded.startswith(match["hex"])}
        if len(found) > 1:
            raise IdAmbiguous(text, len(found))
        return next(iter(found.values()), None)


def may_be_id(text: str) -> bool:
    """Whether it can be read as an image's id or the beginning of one; a name may be spelled so too."""
    return ID.fullmatch(text) is not None


def is_digest(name: str) -> bool:
    """Whether a layout or archive calls an image by its digest, because nobody gave it a name."""
    return Digest.if_valid(name) is not None
