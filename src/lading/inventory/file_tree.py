"""The part of an image's file system that evidence lies in: layers are laid over each other as the runtimes lay them.

    a whiteout          takes away what lower layers had there and beneath
    an opaque folder    takes away all beneath
    a file or a link    takes the place of whatever was there, a folder with all beneath
    a folder            takes the place of a file or a link; one that no member names follows a link

Every place has one path, its canonical one: what lies behind symbolic links is kept where they lead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Generic, TypeVar

Kept = TypeVar("Kept")

MOST_PLACES = 1_000_000
"""How many files, links and folders above them are known at most."""
_MOST_LINKS = 40
"""So many links are followed in one path, as by Linux (path_resolution(7))."""
_MOST_STEPS = 1_000_000
"""So many parts of links are followed in all; links that lead on and on would cost hours."""


class _Place(Generic[Kept]):
    __slots__ = ("below", "kept", "link")

    def __init__(self) -> None:
        self.below: dict[str, _Place[Kept]] = {}
        self.link: str | None = None
        self.kept: Kept | None = None


class FileTree(Generic[Kept]):
    """Paths have no leading slash. What is kept of a file is the caller's. `full` tells that something was left out."""

    def __init__(self, most_places: int = MOST_PLACES) -> None:
        self._root: _Place[Kept] = _Place()
        self._places, self._most_places, self._steps = 0, most_places, 0
        self.full = False

    def remove(self, path: str) -> None:
        """A whiteout's. One in what is no folder hides nothing."""
        folder, _, name = path.rpartition("/")
        place = self._find(self._resolved(folder))
        if place is not None:
            place.below.pop(name, None)

    def empty(self, path: str) -> None:
        """An opaque folder's. A link in its place leads nowhere: what a folder's whiteout names is the folder."""
        place = self._folder(path.split("/") if path else ())
        if place is not None:
            place.below.clear()

    def put_link(self, path: str, target: str, followed: Collection[str]) -> None:
        """A symbolic link in place of what was there. `followed` are paths in the same layer that may be links' own."""
        place = self._enter(path, followed)
        if place is not None:
            place.below.clear()
            place.link, place.kept = target, None

    def put(self, path: str, kept: Kept, followed: Collection[str]) -> Kept | None:
        """A file in place of what was there; gives back what was kept of a file before."""
        place = self._enter(path, followed)
        if place is None:
            return None
        before, place.kept, place.link = place.kept, kept, None
        place.below.clear()
        return before

    def hide(self, path: str, followed: Collection[str]) -> None:
        """A file of which nothing is kept, in place of what was there."""
        folder, _, name = path.rpartition("/")
        place = self._folder(self._entered(folder, followed))
        if place is not None:
            place.below.pop(name, None)

    def canonical(self, path: str) -> str:
        """Where a path leads with all links followed, its last part's too, as far as they are known."""
        return "/".join(self._resolved(path))

    def get(self, path: str) -> Kept | None:
        """What is kept of the file that a path leads to."""
        place = self._find(self._resolved(path))
        return None if place is None else place.kept

    def __iter__(self) -> Iterator[tuple[str, Kept]]:
        """All that is kept, with its canonical path."""
        waiting = [("", self._root)]
        while waiting:
            path, place = waiting.pop()
            if place.kept is not None:
                yield path, place.kept
            waiting += ((f"{path}/{name}" if path else name, each) for name, each in place.below.items())

    def _find(self, parts: Iterable[str]) -> _Place[Kept] | None:
        place: _Place[Kept] | None = self._root
        for part in parts:
            if place is None:
                return None
            place = place.below.get(part)
        return place

    def _folder(self, parts: Iterable[str]) -> _Place[Kept] | None:
        """The place of a folder, which it is from now on, as are those above it; None where nothing is known in it."""
        place = self._root
        for part in parts:
            below = place.below.get(part)
            if below is None:
                return None
            place = below
            place.link = place.kept = None
        return place

    def _enter(self, path: str, followed: Collection[str]) -> _Place[Kept] | None:
        """The place of a file, made where it is not known; None where there is no room for it."""
        folder, _, name = path.rpartition("/")
        place = self._root
        for part in [*self._entered(folder, followed), name]:
            place.link = place.kept = None  # it is a folder from now on
            below = place.below.get(part)
            if below is None:
                if self._places >= self._most_places:
                    self.full = True
                    return None
                self._places += 1
                below = place.below[part] = _Place()
            place = below
        return place

    def _entered(self, folder: str, followed: Collection[str]) -> list[str]:
        """Where a folder of a layer's member is: the links at its parents are followed where those are `followed`."""
        done: list[str] = []
        written = ""
        place: _Place[Kept] | None = self._root
        for part in folder.split("/") if folder else ():
            written = f"{written}/{part}" if written else part
            done.append(part)
            place = None if place is None else place.below.get(part)
            if place is not None and place.link is not None and written in followed:
                done = self._resolved("/".join(done))
                place = self._find(done)
        return done

    def _resolved(self, path: str) -> list[str]:
        """The parts of the canonical path. Nothing leads above the root."""
        left = path.split("/")[::-1]
        done: list[str] = []
        places: list[_Place[Kept] | None] = [self._root]
        links = 0
        while left:
            part = left.pop()
            if part == "..":
                del done[-1:], places[max(1, len(places) - 1) :]
            if part in {"", ".", ".."}:
                continue
            above = places[-1]
            place = None if above is None else above.below.get(part)
            if place is not None and place.link is not None and self._follows(place.link, links):
                links += 1
                left += place.link.split("/")[::-1]
                if place.link.startswith("/"):
                    done, places = [], [self._root]
                continue
            done.append(part)
            places.append(place)
        return done

    def _follows(self, link: str, links: int) -> bool:
        self._steps += 1 + link.count("/")
        return links < _MOST_LINKS and self._steps < _MOST_STEPS
