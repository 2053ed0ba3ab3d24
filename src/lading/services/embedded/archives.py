"""Archives of our own engine as Docker's API has them: images out under the names they were asked by, images in under
the names they bring or under none, and a root file system as an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from lading.engine.arrival import Destination
from lading.oci.config_changes import changed
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.instants import instant
from lading.oci.media_types import is_index
from lading.oci.platform import Platform
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.content.stores import ArchiveForm, Compression, FullStore, OwnStore, Provenance, Readable, Stores
from lading.services.embedded.lookup import EmbeddedLookup
from lading.services.environments.orders import Arrived, ImportOrder
from lading.services.lookup import is_digest
from lading.services.platforms import NothingHere, PlatformMissing, Wanted
from lading.services.transfers.archives import move
from lading.services.transfers.selection import Chosen, Here, choose_present, choose_to_bring, choose_to_send, whole
from lading.services.transfers.transfers import Call, Moved, Options
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Event, Report

STREAM = "-"
"""The archive that comes in or goes out as a stream."""


class Piping(Protocol):
    """How an archive is read or written as a stream; services.embedded.environment.Ways has it."""

    def local(self) -> Stores:
        """Our own store, and no registry."""

    def written(self, write: Callable[[Stores], None]) -> AbstractContextManager[Reader]:
        """What `write` puts into the archive `-`, read while it is written. Raises what `write` raises."""

    def reading(self, archive: Reader) -> Stores:
        """Our own store, and `archive` as the archive `-`."""


@dataclass(frozen=True, slots=True)
class EmbeddedArchives:
    """`native` is the platform of what does not say; `lanes` is how many of its pieces move at a time."""

    piping: Piping
    lookup: EmbeddedLookup
    native: Platform
    lanes: Callable[[], int]
    clock: Callable[[], float]

    def export(
        self, images: Sequence[str], platform: Platform | None, cancel: Cancel
    ) -> AbstractContextManager[Reader]:
        """Raises ImageUnknown, IdAmbiguous, PlatformMissing, NothingHere before the first byte."""
        own = self.piping.local().own
        here = whole(own)
        asked = [each for image in images for each in self._asked(image)]
        names: dict[str, Chosen] = {}
        for name, root in asked:
            names.setdefault(name, self._to_send(own, name, root, platform, here))
        unnamed = {chosen.root.digest for name, chosen in names.items() if not is_digest(name)}
        written = [
            (str(chosen.root.digest) if is_digest(name) else name, chosen)
            for name, chosen in names.items()
            if not is_digest(name) or chosen.root.digest not in unnamed
        ]

        def write(stores: Stores) -> None:
            with stores.write_archive(STREAM, ArchiveForm.DOCKER, Compression.NONE) as archive:
                for name, chosen in written:
                    move(chosen, name, Destination(name, archive, (name,)), stores, self._call(_untold, cancel))

        return self._written(write, own, [chosen.root.digest for _, chosen in written])

    def load(self, archive: Reader, platform: Platform | None, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        """All that is wanted is chosen before any of it moves. Raises PlatformMissing, ContentCorrupt leaves."""
        stores = self.piping.reading(archive)
        arrived: list[Arrived] = []
        with stores.read_archive(STREAM, cancel) as source, stores.own.work() as own:
            chosen = [(self._to_keep(source, root, platform), names) for root, names in _named(source)]
            for each, names in chosen:
                moved = self._move(each, names, own, stores, self._call(report, cancel))
                arrived += [_arrived(name, moved) for name in names or (None,)]
        return arrived

    def import_(self, archive: Reader, order: ImportOrder, report: Report, cancel: Cancel) -> Arrived:
        """Raises ChangeInvalid, ContentCorrupt leaves."""
        settings = changed(order.changes)
        provenance = Provenance(order.platform or self.native, instant(self.clock()), order.message, settings)
        name = order.reference.or_latest if order.reference else None
        stores = self.piping.reading(archive)
        names = [name] if name else []
        with (
            stores.root_file_system(STREAM, provenance, cancel) as (source, root),
            stores.own.work() as own,
        ):
            moved = self._move(Chosen(source, root), names, own, stores, self._call(report, cancel))
        return _arrived(name, moved)

    # ── what goes out

    @contextmanager
    def _written(self, write: Callable[[Stores], None], own: OwnStore, roots: Sequence[Digest]) -> Iterator[Reader]:
        with own.keeping(roots), self.piping.written(write) as reader:
            yield reader

    def _asked(self, text: str) -> Sequence[tuple[str, Descriptor]]:
        """Names and roots: all tags of a repository, a tag, or what an id means, which is called by its digest."""
        tagged = self.lookup.tagged(text)
        if tagged:
            return [(str(tag), image.root) for tag, image in tagged]
        found = self.lookup.find(text)
        tag = found.name if found.name is not None and found.name.digest is None else None
        return [(str(tag or found.image.root.digest), found.image.root)]

    @staticmethod
    def _to_send(own: OwnStore, name: str, root: Descriptor, platform: Platform | None, here: Here) -> Chosen:
        """All that is here of the image; with a platform, that one's image alone."""
        if platform is not None:
            chosen = choose_to_send(own, root, Wanted(platforms=(platform,)), here)
            if not here(chosen.root):
                raise PlatformMissing(platform, name, ())
            return chosen
        if not is_index(root.media_type) and not here(root):
            raise NothingHere(name)
        return choose_present(own, root, here)

    # ── what comes in

    def _to_keep(self, source: Readable, root: Descriptor, platform: Platform | None) -> Chosen:
        """All that the archive has of the image; with a platform, that one's image, and the index as it is."""
        here = whole(source)
        if platform is None:
            return choose_present(source, root, here)
        chosen = choose_to_bring(source, root, Wanted(platforms=(platform,)), self.native)
        if not all(map(here, chosen.parts)):
            raise PlatformMissing(platform, str(root.digest), ())
        return chosen

    @staticmethod
    def _move(chosen: Chosen, names: Sequence[Reference], own: FullStore, stores: Stores, call: Call) -> Moved:
        references = tuple(map(str, names)) or (str(chosen.root.digest),)
        return move(chosen, STREAM, Destination(references[0], own, references), stores, call)

    def _call(self, report: Report, cancel: Cancel) -> Call:
        return Call(Options(form=ArchiveForm.DOCKER, lanes=self.lanes), report, cancel)


def _named(source: Readable) -> Sequence[tuple[Descriptor, Sequence[Reference]]]:
    """The roots of an archive, each with the names it gets here: none where the archive gives none, or a bare tag."""
    roots: dict[Digest, Descriptor] = {}
    names: dict[Digest, dict[Reference, None]] = {}
    for own in source.tags():
        root = source.resolve(own)
        roots[root.digest] = root
        name = _name(own, root.digest)
        names.setdefault(root.digest, {}).update({name: None} if name else {})
    return [(root, tuple(names[digest])) for digest, root in roots.items()]


def _name(text: str, root: Digest) -> Reference | None:
    """A digest in it must be the image's own: nobody is told that another image has this content."""
    if is_digest(text) or ("/" not in text and ":" not in text):
        return None
    try:
        name = Reference.parse(text).or_latest
    except ReferenceInvalid:
        return None
    return name if name.digest in (None, root) else None


def _arrived(name: Reference | None, moved: Moved) -> Arrived:
    root = moved.root
    return Arrived(name, str(root.digest), root.digest, root.size, moved.note, moved.totals)


def _untold(_event: Event) -> None:
    """An export is its own progress."""
