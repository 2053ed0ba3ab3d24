"""Whether an image that a pull brings into our own engine may have its name, and what is left of one that may not.

not here before                      all of it goes, as after its last name was taken
a platform of an index with a name   that platform goes: the name would serve it otherwise
here already, under this name        it stays as it was; the pull is refused all the same
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lading.engine.cancel import Cancellation
from lading.engine.stores import ContentUnknown
from lading.errors import Cancelled, LadingError, TimedOut
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index
from lading.oci.platform import subject_of_attestation
from lading.oci.reference import Reference
from lading.services.content.stores import Collector, OwnStore, Shedder
from lading.services.environments.orders import Admit, Arriving
from lading.services.reading import read_manifest


class Admission:
    """Of one pull: told what comes, asked once it is there."""

    def __init__(self, admit: Admit) -> None:
        self._admit = admit
        self._arriving: Arriving | None = None
        self._fresh: frozenset[Digest] = frozenset()
        self.refused: LadingError | None = None
        """Why it may not, or why that could not be asked to the end."""

    def expect(
        self, reference: Reference, root: Descriptor, parts: Sequence[Descriptor], here: Callable[[Descriptor], bool]
    ) -> None:
        """`parts` are the platforms that are wanted of an index; `here` says which of them are here whole already."""
        self._arriving = Arriving(reference, str(root.digest), root, tuple(parts) or (root,))
        self._fresh = frozenset(part.digest for part in parts if not here(part))

    def ask(self) -> None:
        """Raises why not; and whatever kept anybody from answering."""
        assert self._arriving is not None, "nothing was expected"
        try:
            self._admit(self._arriving)
        except LadingError as error:
            self.refused = error
            raise

    def give_up(self, own: OwnStore, named: Callable[[Digest], bool], collect: Collector, shed: Shedder) -> None:
        """Take back what came. `named` says whether an image has this root. Raises StorageFailed.

        What was only interrupted stays for the next try, as after any pull; but not where a name serves it.
        """
        if self._arriving is None or self._arriving.root is None:
            return
        root = self._arriving.root.digest
        with Cancellation() as unstoppable:  # whoever asked the pull to stop does not want this left half-done
            if named(root):
                if self._fresh:
                    content = _below(own, root, self._fresh)
                    shed(root, {*self._fresh, *_attestations(own, root, self._fresh)}, unstoppable)
                    collect(False, content, unstoppable)
            elif not isinstance(self.refused, Cancelled | TimedOut):
                collect(False, {root}, unstoppable)


def _attestations(own: OwnStore, root: Digest, images: frozenset[Digest]) -> set[Digest]:
    index = read_manifest(own, own.resolve(root))
    return {each.digest for each in index.children if subject_of_attestation(each) in images}


def _below(own: OwnStore, root: Digest, images: frozenset[Digest]) -> set[Digest]:
    index = read_manifest(own, own.resolve(root))
    found: set[Digest] = set()
    for child in index.manifests if isinstance(index, Index) else ():
        if child.digest in images:
            try:
                found.update(each.digest for each in read_manifest(own, child).children)
            except ContentUnknown:
                continue  # it did not come so far
    return found
