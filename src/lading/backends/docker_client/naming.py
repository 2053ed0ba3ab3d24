"""The names that pushes give images at a daemon, and take away again where a push failed.

A daemon pushes what is called by the target's name, so the name is given first. Where that push fails, the host is left
as it was: a name that was not there goes, one that stood for another image stands for that again. Several pushes may
use a name at once: it stays as long as one of them uses it, and for good once one of them worked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lading.errors import Refused
from lading.oci.reference import Reference


@dataclass(slots=True)
class _Given:
    """A name that is in use for `image`, an id: `undo` takes it away, None where it stays as it is."""

    image: str
    users: int
    undo: Callable[[], None] | None


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
    """The names of one daemon. Thread-safe: giving and taking one name never overlap."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: dict[Reference, _Given] = {}

    @contextmanager
    def lent(self, reference: Reference, image: str, give: Callable[[], Callable[[], None] | None]) -> Iterator[Lent]:
        """While inside, the name stands for the image: `give` sees to it where nobody has, and answers how to undo it.

        A daemon answers within seconds, so whoever waits here waits for a question or two. Raises NameInUse.
        """
        with self._lock:
            given = self._given.get(reference)
            if given is None:
                given = self._given[reference] = _Given(image, 0, give())
            if given.image != image:
                raise NameInUse(reference)
            given.users += 1
        lent = Lent()
        try:
            yield lent
        finally:
            with self._lock:
                given.users -= 1
                if lent.kept:
                    given.undo = None
                if given.users == 0:
                    del self._given[reference]
                    if given.undo is not None:
                        given.undo()
