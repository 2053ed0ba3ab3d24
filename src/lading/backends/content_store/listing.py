"""content/index.json: our images as an OCI layout's index, for other programs to read. Lading never reads it.

It is made from the names' rows a moment after they changed, so that many changes cost one file; when the process ends
first, `close` makes it at once. Who makes it reads the rows under a lock: the last one saw every change.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

from lading.backends.content_store.locks import exclusive
from lading.backends.content_store.storage import replace_file, storing
from lading.backends.content_store.tree import Tree
from lading.engine.records import Image, ImageNames
from lading.oci.archive import REF_NAME
from lading.oci.descriptor import Descriptor
from lading.oci.manifest import Index

SETTLE_SECONDS = 0.5


class OciListing:
    """Fulfils engine.embedded.Listing for one content folder."""

    def __init__(self, tree: Tree, names: ImageNames) -> None:
        self._tree, self._names = tree, names
        self._lock = threading.Lock()
        self._due = False
        self._timers: list[threading.Timer] = []

    def changed(self) -> None:
        """The file will be made anew within SETTLE_SECONDS; returns at once."""
        with self._lock:
            if self._due:
                return
            self._due = True
            timer = threading.Timer(SETTLE_SECONDS, self._settled)
            self._timers = [*filter(threading.Timer.is_alive, self._timers), timer]
            timer.start()

    def close(self) -> None:
        """Makes the file now if it is due; one that is being made is done when this returns. Raises StorageUnusable,
        DiskFull. Harmless twice."""
        with self._lock:
            due, self._due = self._due, False
            timers, self._timers = self._timers, []
        for timer in timers:
            timer.cancel()
            timer.join()
        if due:
            self.write()

    def write(self) -> None:
        """Makes the file now. Raises StorageUnusable, DiskFull."""
        path = self._tree.index
        with storing(path), exclusive(path.with_name(".index.json.lock")):
            replace_file(path, index_of(self._names.all()), mode=0o644)

    def _settled(self) -> None:
        with self._lock:
            due, self._due = self._due, False
        if due:
            self.write()


def index_of(images: Iterable[Image]) -> bytes:
    """An index whose entries carry whole references as their names (image-spec, annotations; skopeo finds them)."""
    return Index.build(map(_entry, images)).raw


def _entry(image: Image) -> Descriptor:
    return replace(image.root, annotations={REF_NAME: image.reference}) if image.named else image.root
