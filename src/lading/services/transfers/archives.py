"""Archives: images of our own store to a file and back, and a root file system as an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from lading.engine.arrival import Destination
from lading.engine.copy import copy
from lading.engine.records import ImageNames
from lading.errors import InputInvalid
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import is_index
from lading.oci.platform import Platform
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.content.stores import ArchiveForm, Compression, FullStore, Provenance, Readable, Stores
from lading.services.lookup import Lookup, is_digest, only_name
from lading.services.places import DockerImage, Named, parse_place
from lading.services.platforms import UNSAID, Wanted
from lading.services.transfers.selection import Chosen, choose_present, choose_to_send, whole
from lading.services.transfers.transfers import PULL_LANES, Call, Moved
from lading.wire.progress import Noted

DOCKER = "docker:"

IMPORTED = "1970-01-01T00:00:00Z"
"""When imported images were made: the same for all, so that the same tar gives the same digest."""


class NameMissing(InputInvalid):
    """An archive whose image has no name of its own, or only a tag, so that our store needs to be told one."""

    hint = "Give it a name."
    command = "Give it one with --as NAME[:TAG]."

    def __init__(self, archive: str, tag: str | None) -> None:
        super().__init__(archive, tag)
        self.archive, self.tag = archive, tag

    def __str__(self) -> str:
        named = f"is only called {self.tag!r}" if self.tag else "has no name"
        return f"the image in {self.archive} {named}"


class OneNameForSeveral(InputInvalid):
    """One new name for an archive that holds several images."""

    hint = "Give no name: each image keeps the one that it has in the archive."
    command = "Leave --as out: each image keeps the name it has in the archive."

    def __init__(self, archive: str, count: int) -> None:
        super().__init__(archive, count)
        self.archive, self.count = archive, count

    def __str__(self) -> str:
        return f"{self.archive} holds {self.count} images, which cannot all have one name"


@dataclass(frozen=True, slots=True)
class Saved:
    """What an archive was written with."""

    path: str
    images: tuple[Moved, ...]


class Archives:
    """Save, load and import. `native` is the platform of an imported file system where nobody says."""

    def __init__(self, stores: Stores, names: Callable[[], ImageNames], native: Platform) -> None:
        self._stores, self._names, self._native = stores, names, native

    def save(self, texts: Sequence[str], path: str, call: Call) -> Saved:
        """Write images to one archive, under the names they have here; `-` is standard output.

        Docker's form holds one platform of each image. Raises ImageUnknown, PlatformsIncomplete, StorageFailed.
        """
        lookup = Lookup(self._names())
        options = call.options
        with ExitStack() as stack:
            chosen = [self._to_save(text, lookup, stack, call) for text in texts]
            archive = stack.enter_context(self._stores.write_archive(path, options.form, options.compression))
            moved = []
            for name, part in chosen:
                destination = Destination(name, archive, (name,))
                moved.append(move(part, name, destination, self._stores, call))
        return Saved(path, tuple(moved))

    def load(self, path: str, name: str | None, call: Call) -> tuple[Moved, ...]:
        """Read every image of an archive, docker's or OCI's, into our own store; `-` is standard input.

        `name` is a new name for the one image there is. Raises NameMissing, OneNameForSeveral, ContentCorrupt.
        """
        with self._stores.read_archive(path, call.cancel) as archive, self._stores.own.work() as own:
            return tuple(
                move(
                    choose_present(archive, root, whole(archive)), path, _named_in(own, references), self._stores, call
                )
                for root, references in self._named(archive, path, name)
            )

    def import_(self, path: str, name: str, platform: Platform | None, call: Call) -> Moved:
        """Make a one-layer image of a tar of a root file system. Raises ReferenceInvalid, ContentCorrupt."""
        reference = Named(name).reference
        provenance = Provenance(platform or self._native, IMPORTED)
        with (
            self._stores.root_file_system(path, provenance, call.cancel) as (source, root),
            self._stores.own.work() as own,
        ):
            return move(Chosen(source, root), path, _named_in(own, (str(reference),)), self._stores, call)

    def pack(self, path: str, name: str, platform: Platform | None, target: str, call: Call) -> Moved:
        """The same image, into a new archive of docker's form at the path `target`: our own store keeps nothing of it.
        Raises as `import_` does, and StorageFailed."""
        reference = str(Named(name).reference)
        provenance = Provenance(platform or self._native, IMPORTED)
        with (
            self._stores.root_file_system(path, provenance, call.cancel) as (source, root),
            self._stores.write_archive(target, ArchiveForm.DOCKER, Compression.NONE) as archive,
        ):
            destination = Destination(reference, archive, (reference,))
            return move(Chosen(source, root), path, destination, self._stores, call)

    def _to_save(self, text: str, lookup: Lookup, stack: ExitStack, call: Call) -> tuple[str, Chosen]:
        """The name it gets there, and what of it; a Docker host's image stays open with the stack."""
        source: Readable = self._stores.own
        place = parse_place(text) if text.startswith(DOCKER) else Named(text)
        if isinstance(place, DockerImage):
            source = stack.enter_context(self._stores.docker_image(place, call.cancel))
            name = only_name(source, None)
            if is_digest(name):
                raise NameMissing(text, None)
            root = source.resolve(name)
        else:
            image = lookup.find(text)
            name, root = image.reference, image.root
            stack.enter_context(self._stores.own.keeping((root.digest,)))
        wanted = call.options.wanted
        if wanted is None and call.options.form is ArchiveForm.DOCKER and is_index(root.media_type):
            wanted = Wanted(platforms=(self._native,))
        chosen = choose_to_send(source, root, wanted or UNSAID, whole(source))
        if chosen.note:
            call.report(Noted(name, chosen.note))
        return name, chosen

    @staticmethod
    def _named(archive: Readable, path: str, name: str | None) -> Sequence[tuple[Descriptor, tuple[str, ...]]]:
        """The roots in the archive, each with the references it gets here."""
        roots: dict[Digest, Descriptor] = {}
        names: dict[Digest, list[str]] = {}
        for own in archive.tags():
            root = archive.resolve(own)
            roots[root.digest] = root
            names.setdefault(root.digest, []).append(own)
        if name is not None:
            if len(roots) != 1:
                raise OneNameForSeveral(path, len(roots))
            return [(root, (str(Named(name).reference),)) for root in roots.values()]
        if not roots:
            raise NameMissing(path, None)
        return [(root, tuple(_reference(own, path) for own in names[digest])) for digest, root in roots.items()]


def _named_in(own: FullStore, references: Sequence[str]) -> Destination:
    return Destination(references[0], own, tuple(references))


def _reference(name: str, path: str) -> str:
    """A name found in an archive as a whole reference. A bare tag, as some OCI archives hold, names nothing here."""
    if is_digest(name):
        raise NameMissing(path, None)
    if "/" not in name and ":" not in name:
        raise NameMissing(path, name)
    try:
        return str(Reference.parse(name).or_latest)
    except ReferenceInvalid:
        raise NameMissing(path, name) from None


def move(chosen: Chosen, text: str, destination: Destination, stores: Stores, call: Call) -> Moved:
    """Copy what was chosen to one place that has no registry; `text` is what people call the source. Raises what a copy
    raises, and what went wrong at the destination."""
    (arrival,) = copy(
        chosen.source,
        chosen.root,
        [destination],
        referrers=None,
        locations=stores.locations,
        lanes=call.options.lanes() if call.options.lanes else PULL_LANES,
        report=call.report,
        cancel=call.cancel,
    )
    if arrival.error is not None:
        raise arrival.error
    return Moved(text, arrival.name, chosen.root, destination.tags, arrival.totals, chosen.note)
