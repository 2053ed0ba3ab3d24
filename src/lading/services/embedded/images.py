"""The images of our own store: what there is, what each is made of, their names, and their removal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lading.engine.collect import Collected
from lading.engine.content import SourceContent
from lading.engine.records import Image, ImageNames
from lading.errors import InputInvalid, Refused
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.content.checking import Checked, check_image
from lading.services.content.stores import Collector, Stores
from lading.services.descriptions import Description, Step, describe, steps
from lading.services.embedded.found_images import found_image
from lading.services.lookup import Lookup, only_name
from lading.services.places import Archive, DockerImage, Layout, Named, Place
from lading.wire.message import Cancel

if TYPE_CHECKING:
    from lading.services.embedded.comparison import Compared


class ImageHasNames(Refused):
    """An image named by its id that has several names: removing all of them must be meant."""

    hint = "Remove it by its names, or all of them with force."
    command = "Remove it by its names, or add --force."

    def __init__(self, text: str, names: Iterable[str]) -> None:
        self.text, self.names = text, tuple(names)
        super().__init__(text, self.names)

    def __str__(self) -> str:
        return f"{self.text} has several names: {', '.join(self.names)}"


class TagMissing(InputInvalid):
    """A tag is needed, and only a repository was named."""

    hint = "Write it as NAME:TAG."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text} names no tag"


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of `lading images`."""

    image: Image
    description: Description

    @property
    def reference(self) -> Reference | None:
        """Its name; None where it has lost the last one."""
        return Reference.parse(self.image.reference) if self.image.named else None


@dataclass(frozen=True, slots=True)
class Removed:
    """What `rmi` did: the names taken, and the content that went with them."""

    names: tuple[str, ...]
    collected: Collected


class Images:
    """Names and descriptions; `native` is the platform asked for where nobody says."""

    def __init__(self, stores: Stores, names: Callable[[], ImageNames], collect: Collector, native: Platform) -> None:
        self._stores, self._open_names, self._collect, self._native = stores, names, collect, native

    def list(self, pattern: str = "") -> tuple[Listed, ...]:
        """In order of reference; `pattern` keeps the names that hold it. Those without a name are called by digest."""
        own = self._stores.own
        found = [each for each in self._names.all() if pattern in (each.reference if each.named else "")]
        return tuple(Listed(image, describe(image.reference, own, image.root, own.present)) for image in found)

    def names(self) -> tuple[str, ...]:
        """How people may write the names there are, in order: whole, and as docker shortens them. Reads no content."""
        references = [Reference.parse(image.reference) for image in self._names.all() if image.named]
        return tuple(sorted({*map(str, references), *(reference.familiar for reference in references)}))

    def find(self, text: str) -> Image:
        """By reference, or by the beginning of its id. Raises ImageUnknown, IdAmbiguous, ReferenceInvalid."""
        return self._lookup.find(text)

    def tag(self, text: str, targets: Sequence[str], cancel: Cancel) -> tuple[Image, tuple[str, ...]]:
        """Give the image further names; says it and them. Raises ImageUnknown, ReferenceInvalid."""
        image = self._lookup.find(text)
        references = tuple(str(Named(target).reference) for target in targets)
        own = self._stores.own
        with own.work() as work:
            work.tag(image.root, SourceContent(own, image.root), references, "any", cancel)
        return image, references

    def untag(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Take these names; the content stays until `gc`. Raises ImageUnknown before any is taken."""
        references = [self._lookup.named(text).reference for text in texts]
        for reference in references:
            self._stores.own.untag(reference)
        return tuple(references)

    def untag_remote(self, text: str, cancel: Cancel) -> Reference:
        """Take a tag from a registry. Raises TagUnknown, Refused, TagMissing."""
        reference = Reference.parse(text)
        if reference.tag is None:
            raise TagMissing(text)
        self._stores.registry(reference.repository, cancel, writes=True).untag(reference.tag)
        return reference

    def remove(self, texts: Sequence[str], force: bool, cancel: Cancel) -> Removed:
        """Take names, or all names of an image given by its id, and collect what only they held.

        Raises ImageUnknown, IdAmbiguous, ImageHasNames before anything is taken.
        """
        going: dict[str, Image] = {}
        for text in texts:
            going.update({image.reference: image for image in self._going(text, force)})
        cancel.check()
        gone = self._stores.own.untag_as(list(going.values()))
        collected = self._collect(False, {image.root.digest for image in gone}, cancel)
        return Removed(tuple(image.reference for image in gone), collected)

    def collect(self, dry_run: bool, cancel: Cancel) -> Collected:
        """Remove content that nothing names, or say how much there is."""
        return self._collect(dry_run, (), cancel)

    def check(self, text: str, cancel: Cancel) -> Checked:
        """Read all of an image again and compare it with its digests. Raises ImageUnknown, ContentCorrupt."""
        return check_image(self._stores.own, self._lookup.find(text).root, cancel)

    def inspect(self, place: Place, cancel: Cancel) -> Description:
        """A plain name is looked up here, then in its registry. Raises ImageUnknown."""
        with found_image(place, self._stores, self._names, cancel) as (description, _):
            return description

    def history(self, place: Place, platform: Platform | None, cancel: Cancel) -> tuple[Description, tuple[Step, ...]]:
        """The steps of one platform, the newest first. Raises ImageUnknown, PlatformMissing."""
        description = self.inspect(place, cancel)
        return description, steps(description.variant(platform or self._native))

    def compared(self, place: Place, platform: Platform | None, cancel: Cancel) -> tuple[Compared, Digest | None]:
        """One side of a comparison as far as its documents tell, and the digest of its config. Raises ImageUnknown,
        PlatformMissing."""
        from lading.services.embedded.comparison_sides import compared  # noqa: PLC0415  most commands compare nothing

        description = self.inspect(place, cancel)
        return compared(description, description.variant(platform or self._native))

    def digest(self, place: Place, cancel: Cancel) -> Descriptor:
        """The root a name stands for: a plain name is asked of its registry. Raises TagUnknown."""
        match place:
            case Named():
                reference = place.reference
                store = self._stores.registry(reference.repository, cancel)
                return store.resolve(reference.digest or reference.tag or "")
            case Layout(path, name):
                layout = self._stores.layout(path)
                return layout.resolve(only_name(layout, name))
            case Archive(path):
                with self._stores.read_archive(path, cancel) as archive:
                    return archive.resolve(only_name(archive, None))
            case DockerImage():
                with self._stores.docker_image(place, cancel) as archive:
                    return archive.resolve(only_name(archive, None))

    @property
    def _names(self) -> ImageNames:
        return self._open_names()

    @property
    def _lookup(self) -> Lookup:
        return Lookup(self._names)

    def _going(self, text: str, force: bool) -> Sequence[Image]:
        named = self._lookup.by_reference(text)
        if named is not None:
            return [named]
        image = self._lookup.find(text)
        names = [other for other in self._names.all() if other.root.digest == image.root.digest]
        if len(names) > 1 and not force:
            raise ImageHasNames(text, [other.reference for other in names])
        return names
