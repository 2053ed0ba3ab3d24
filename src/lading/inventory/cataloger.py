"""The cataloger: shown every member of a layer's tar, it asks for what may be evidence and keeps what that says.

It keeps what the overlay of layers needs besides: what the layer hides, its symbolic links, and which of the folders
that hold evidence it does not name itself.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from lading.inventory.evidence import Evidence, EvidenceRead, is_dull
from lading.inventory.layer import LayerInventory
from lading.inventory.package import Package
from lading.oci.digest import Digest
from lading.oci.tar import Member, MemberKind

Asking = Generator[int, bytes, None]
"""Asks for the first so many bytes of a member, each time more, and is sent all; fewer where the tar breaks off."""

LONGEST_PATH = 4096
"""PATH_MAX of Linux: nothing longer can be reached in a running container."""

WHITEOUT = ".wh."
"""Before the name of what is hidden (image-spec, layer.md, Whiteouts)."""
_OPAQUE = ".wh..wh..opq"
_AUFS = ".wh..wh."
"""What else begins so is the bookkeeping of a file system of old, and no content."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of one layer is kept at most, whatever it holds: paths of each sort, packages, owned files, notes."""

    paths: int = 400_000
    packages: int = 200_000
    owned: int = 400_000
    notes: int = 200


_PROGRAMS = "bin/"
"""What is owned there may be a program, whatever it is called: lists do not tell modes."""

_LIMITS = Limits()
_NOTHING = EvidenceRead()


class LayerCataloger:
    """For one layer: `add` for each member in order, then `finish`. Where a path comes again, the last one counts."""

    def __init__(self, kinds: Sequence[Evidence], limits: Limits = _LIMITS) -> None:
        self._kinds, self._limits = tuple(kinds), limits
        self._ownable = tuple(kind for kind in kinds if not kind.of_distribution)
        self._found: dict[str, EvidenceRead] = {}
        self._links: dict[str, str] = {}
        self._folders: set[str] = set()
        self._whiteouts: set[str] = set()
        self._opaque: set[str] = set()
        self._notes: dict[str, list[str]] = {}
        self._noted = self._packages = self._owned = 0

    def add(self, member: Member) -> Asking | None:
        """The next member; None where nothing of its content is wanted."""
        path = image_path(member.name)
        if not path or len(path) > LONGEST_PATH:
            return None
        name = path.rpartition("/")[2]
        if name.startswith(WHITEOUT):
            self._whiteout(path, name)
        elif member.kind is MemberKind.FILE:
            kinds = self._kinds_of(member, path)
            if kinds and self._keeps(path, self._found):
                self._found[path] = _NOTHING
                return self._asking(member, path, kinds)
        elif member.kind is MemberKind.FOLDER:
            if len(self._folders) < self._limits.paths:
                self._folders.add(path)
            self._found.pop(path, None)
            self._links.pop(path, None)
        else:
            self._other(member, path)
        return None

    def broke_off(self, reason: str) -> None:
        """The tar cannot be read further; what came before counts."""
        self._note("", reason)

    def finish(self, diff_id: Digest, size: int) -> LayerInventory:
        """All that was found, of a layer of `size` bytes uncompressed."""
        found = dict(sorted(self._found.items()))
        if self._noted > self._limits.notes:
            self._notes.setdefault("", []).append(f"{self._noted - self._limits.notes} more notes are left out")
        return LayerInventory(
            diff_id,
            size,
            {path: read.packages for path, read in found.items() if read.packages or not (read.release or read.owned)},
            {path: read.release for path, read in found.items() if read.release},
            {path: read.owned for path, read in found.items() if read.owned},
            dict(sorted(self._links.items())),
            tuple(sorted(self._implied())),
            tuple(sorted(self._whiteouts)),
            tuple(sorted(self._opaque)),
            {path: tuple(notes) for path, notes in sorted(self._notes.items())},
        )

    # ── members

    def _whiteout(self, path: str, name: str) -> None:
        folder = path[: -len(name)].rstrip("/")
        if name == _OPAQUE:
            if self._keeps(folder, self._opaque):
                self._opaque.add(folder)
        elif not name.startswith(_AUFS) and name != WHITEOUT:
            hidden = f"{folder}/{name[len(WHITEOUT) :]}".lstrip("/")
            if self._keeps(hidden, self._whiteouts):
                self._whiteouts.add(hidden)

    def _other(self, member: Member, path: str) -> None:
        kinds = self._kinds_of(member, path)
        if member.kind is MemberKind.SYMLINK:
            wanted = (kinds or not is_dull(path)) and len(member.link) <= LONGEST_PATH
            if wanted and self._keeps(path, self._links):
                self._links[path] = _shown(member.link)
                self._found.pop(path, None)
                self._led_away(path, member.link, kinds)
        elif member.kind is MemberKind.HARDLINK and image_path(member.link) == path:
            return  # how tar writes a file that it was told to take twice
        elif kinds and self._keeps(path, self._found):
            self._found[path] = _NOTHING
            self._links.pop(path, None)
            if member.kind is MemberKind.HARDLINK:
                self._hard_link(path, image_path(member.link), kinds)
            elif member.kind is MemberKind.SPARSE:
                self._note(path, "it is a sparse file")

    def _kinds_of(self, member: Member, path: str) -> list[Evidence]:
        """A link is run as what it leads to, which is looked at for itself."""
        kinds = [kind for kind in self._kinds if kind.matches(path)]
        if not kinds and member.executable and member.kind is not MemberKind.SYMLINK:
            kinds = [kind for kind in self._kinds if kind.programs]
        return kinds

    def _hard_link(self, path: str, target: str, kinds: Iterable[Evidence]) -> None:
        """A target that was not read lies in a lower layer, or is called like no evidence. Of a kind known by its first
        bytes nobody can say then whether it was one, and it seldom is."""
        read = self._found.get(target)
        if read is not None and read is not _NOTHING:
            self._keep(path, _moved(read, target, path))
            return
        known = [kind for kind in kinds if kind.matches(target)]
        if (read is None and known) or not all(kind in known or kind.begins for kind in kinds):
            self._note(path, f"it is a hard link to {target}, which was not read")

    def _led_away(self, path: str, link: str, kinds: Iterable[Evidence]) -> None:
        """What a link leads to counts where it lies, as far as it is called like evidence there. Databases of
        distributions have other names that are known (overlay)."""
        place = image_path(link if link.startswith("/") else f"{path.rpartition('/')[0]}/{link}")
        away = [kind for kind in kinds if not (kind.begins or kind.of_distribution or kind.matches(place))]
        if away:
            self._note(path, f"it leads to {place}, which is not read as evidence of {away[0].name}")

    # ── content

    def _asking(self, member: Member, path: str, kinds: list[Evidence]) -> Asking:
        self._links.pop(path, None)
        size, content = member.size, b""
        if size and all(kind.begins for kind in kinds):
            content = yield min(size, max(len(each) for kind in kinds for each in kind.begins))
        if content:
            kinds = [kind for kind in kinds if content.startswith(kind.begins)]
        wanted = [kind for kind in kinds if size <= kind.limit]
        for kind in kinds:
            if size > kind.limit and not kind.seldom:
                self._note(path, f"it has {size} bytes; {kind.limit} are read of evidence of {kind.name}")
        if not wanted:
            return
        if len(content) < size:
            content = yield size
        if len(content) < size:
            self._note(path, "the tar breaks off within it")
            return
        for kind in wanted:
            if not kind.begins or content.startswith(kind.begins):
                self._keep(path, self._read(kind, path, content))

    @staticmethod
    def _read(kind: Evidence, path: str, content: bytes) -> EvidenceRead:
        try:
            return kind.read(path, content)
        except Exception as defect:  # noqa: BLE001 - a defect of one reader costs one file, not the whole layer
            return EvidenceRead(notes=(f"reading it as evidence of {kind.name} failed: {type(defect).__name__}",))

    def _keep(self, path: str, read: EvidenceRead) -> None:
        """Besides what another kind read in the same file."""
        before = self._found[path]
        for note in read.notes:
            self._note(path, note)
        packages = self._counted(path, read.packages)
        owned = self._ownable_files(path, read.owned) if read.owned else {}
        self._found[path] = EvidenceRead(
            before.packages + packages, {**before.owned, **owned}, read.release or before.release
        )

    def _counted(self, path: str, packages: tuple[Package, ...]) -> tuple[Package, ...]:
        room = self._limits.packages - self._packages
        if len(packages) > room:
            self._note(path, f"packages beyond {self._limits.packages} in one layer are left out")
            packages = packages[:room]
        self._packages += len(packages)
        return packages

    def _ownable_files(self, path: str, owned: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """Of tens of thousands of owned files those that may be evidence themselves."""
        kept: dict[str, tuple[str, ...]] = {}
        for name, files in owned.items():
            ownable = (
                file
                for file in files
                if not is_dull(file) and (_PROGRAMS in f"/{file}" or any(kind.matches(file) for kind in self._ownable))
            )
            room = self._limits.owned - self._owned
            kept[name] = tuple(islice(ownable, room))
            self._owned += len(kept[name])
            if len(kept[name]) == room:
                self._note(path, f"owned files beyond {self._limits.owned} in one layer are left out")
                break
        return kept

    # ── what is kept

    def _keeps(self, path: str, kept: Mapping[str, object] | set[str]) -> bool:
        """Whether there is room for one more path."""
        if len(kept) < self._limits.paths or path in kept:
            return True
        if "" not in self._notes:
            self._note("", f"paths beyond {self._limits.paths} in one layer are left out")
        return False

    def _note(self, path: str, note: str) -> None:
        self._noted += 1
        if self._noted <= self._limits.notes:
            self._notes.setdefault(path, []).append(note)

    def _implied(self) -> set[str]:
        seen: set[str] = set()
        for path in chain(self._found, self._links):
            folder = path.rpartition("/")[0]
            while folder and folder not in seen:
                seen.add(folder)
                folder = folder.rpartition("/")[0]
        return seen - self._folders - self._links.keys()


def image_path(name: str) -> str:
    """A member's name as a path in the image, without a leading slash; empty is the root itself.

    Nothing leads out of the root, as with the runtimes. Bytes that are no UTF-8 become the replacement character, so
    that every path can be stored and shown.
    """
    path = name.removeprefix("./").strip("/")
    if not path.isascii():
        path = _shown(path)
    if "//" in path or "/." in path or path.startswith(".") or "\0" in path:
        return _cleaned(path)
    return path


def _cleaned(path: str) -> str:
    parts: list[str] = []
    for part in path.replace("\0", "\ufffd").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _moved(read: EvidenceRead, old: str, new: str) -> EvidenceRead:
    """The same content under another name. What lies inside the file keeps its place there."""
    packages = tuple(replace(package, evidence=new + package.evidence[len(old) :]) for package in read.packages)
    return replace(read, packages=packages, notes=())
