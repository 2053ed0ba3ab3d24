"""The names that pushes give images at a daemon, and take away again where a push failed.

A daemon pushes what is called by the target's name, so the name is given first. Where that push fails, the host is left
as it was: a name that was not there goes, one that stood for another image stands for that again. Several pushes may
use a name at once: it stays as long as one of them uses it, and for good once one of them worked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lading.errors import Refused
from lading.oci.reference import Reference


@dataclass(slots=True)
class _Name:
    """A name that pushes use, or wait for. The first of them gives it to `image`, an id, and the last takes it away
    again with `undo` (None: it stays as it is); `lock` is held while the daemon is asked to."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    interested: int = 0
    image: str | None = None
    users: int = 0
    undo: Callable[[], None] | None = None


class NameInUse(Refused):
    """Another image is just being pushed under this name."""

    hint = "Wait for the other push to end, or give the image another name."

    def __init__(self, reference: Reference) -> None:
        super().__init__(reference)
        self.reference = reference

    def __str__(self) -> str:
        return f"another image is just being pushed to {self.reference}"


class Lent:
    """What a push is told of the name it uses."""

    def __init__(self) -> None:
        self.kept = False

    def keep(self) -> None:
        """The push worked: the name stays."""
        self.kept = True


class Names:
    """The names of one daemon. Thread-safe: giving and taking one name never overlap, and no name waits for another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[Reference, _Name] = {}

    @contextmanager
    def lent(self, reference: Reference, image: str, give: Callable[[], Callable[[], None] | None]) -> Iterator[Lent]:
        """While inside, the name stands for the image: `give` sees to it where nobody has, and answers how to undo it.

        A daemon answers within seconds, so whoever waits here waits for a question or two about this name. Raises
        NameInUse.
        """
        with self._of_interest(reference) as name:
            with name.lock:
                if name.users == 0:
                    name.undo = give()
                    name.image = image
                elif name.image != image:
                    raise NameInUse(reference)
                name.users += 1
            lent = Lent()
            try:
                yield lent
            finally:
                with name.lock:
                    name.users -= 1
                    if lent.kept:
                        name.undo = None
                    if name.users == 0 and name.undo is not None:
                        name.undo()

    @contextmanager
    def _of_interest(self, reference: Reference) -> Iterator[_Name]:
        """It is remembered for as long as anybody uses it or waits for it."""
        with self._lock:
            name = self._names.setdefault(reference, _Name())
            name.interested += 1
        try:
            yield name
        finally:
            with self._lock:
                name.interested -= 1
                if name.interested == 0:
                    del self._names[reference]
