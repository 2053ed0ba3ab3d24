"""A git repository of advisories: what one commit holds, whatever is checked out beside it.

    <path>/.git or <path>    HEAD, refs, packed-refs   read here, as plain files: which commit
                             objects                   read by git: what it holds (git_program)
                             everything else           never looked at

A repository that borrows objects from elsewhere (alternates) is refused: it could name any place of this machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from lading.backends.advisories.found import Found, Measure, SourceBroken
from lading.backends.advisories.git_program import GitProgram, Running
from lading.backends.advisories.plain_file import NoPlainFile, opened_plainly
from lading.backends.advisories.record_files import RECORD_LIMIT, record_name

_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@-]{0,250}")
_COMMITTED = re.compile(rb"^committer .*> (\d{1,12}) [+-]\d{4}$", re.MULTILINE)
_REFERENCE_LIMIT = 4096
_PACKED_REFERENCES_LIMIT = 64 * 1024 * 1024
_REFERENCES_DEEP = 5
_LINE_LIMIT = 65_536
_COMMIT_LIMIT = 1024 * 1024
_PLAIN_FILES = {b"100644", b"100755"}


def git_folder(path: Path) -> Path | None:
    """Where the repository is that this folder is, or has beside its files; None where it is none."""
    for folder in (path / ".git", path):
        if not folder.is_symlink() and all((folder / name).exists() for name in ("HEAD", "objects", "refs")):
            return folder
    return None


class GitSource:
    """Fulfils Source."""

    def __init__(self, folder: Path, branch: str | None, scratch: Path) -> None:
        """Raises SourceBroken, OSError."""
        _check_objects(folder / "objects")
        self._commit = _commit(folder, branch)
        self._open = ExitStack()
        sha256 = len(self._commit) == 64
        self._git = self._open.enter_context(GitProgram.over(folder / "objects", scratch, sha256=sha256))
        try:
            self.built = self._committed()
        except BaseException:
            self.close()
            raise

    def files(self) -> Iterator[Found]:
        measure = Measure()
        with self._git.running(["cat-file", "--batch"]) as git:
            for path, name in self._names(measure):
                content = self._object(git, name, RECORD_LIMIT)
                measure.content(RECORD_LIMIT if content is None else len(content))
                yield Found(path, content)

    def close(self) -> None:
        self._open.close()

    def _committed(self) -> float | None:
        with self._git.running(["cat-file", "--batch"]) as git:
            content = self._object(git, self._commit, _COMMIT_LIMIT)
        said = _COMMITTED.search(content or b"")
        return float(said[1]) if said else None

    def _names(self, measure: Measure) -> Iterator[tuple[str, str]]:
        """Path and object of each plain file that may be an advisory."""
        listing = ["ls-tree", "-r", "-z", "--full-tree", self._commit]
        with self._git.running(listing) as git:
            for entry in _split(git.told):
                measure.file()
                head, _, path = entry.partition(b"\t")
                mode, _, rest = head.partition(b" ")
                named = path.decode("utf-8", "replace")
                if mode in _PLAIN_FILES and record_name(named) is not None:
                    yield named, rest.rpartition(b" ")[2].decode("ascii", "replace")
            if git.ended() != 0:  # else what is missing would count as gone
                raise self._git.failure(f"the files of {self._commit}")

    def _object(self, git: Running, name: str, limit: int) -> bytes | None:
        """Its content; None where it is longer. Raises SourceBroken."""
        try:
            git.ask.write(f"{name}\n".encode())
            git.ask.flush()
        except OSError as error:
            raise self._git.failure(f"object {name}") from error
        head = git.told.readline(_LINE_LIMIT).split()
        if len(head) != 3 or not head[2].isdigit():
            raise self._git.failure(f"object {name}")
        size = int(head[2])
        if size > limit:
            _skip(git.told, size + 1)
            return None
        content = git.told.read(size + 1)
        if len(content) != size + 1:
            raise self._git.failure(f"object {name}")
        return content[:-1]


def _split(told: IO[bytes]) -> Iterator[bytes]:
    """What ends with a zero byte, one after the other."""
    rest = b""
    while piece := told.read1(_LINE_LIMIT):  # type: ignore[attr-defined]  # a buffered pipe has it
        *whole, rest = (rest + piece).split(b"\0")
        if len(rest) > _LINE_LIMIT:
            raise SourceBroken("a path in it is too long")
        yield from whole


def _skip(told: IO[bytes], count: int) -> None:
    while count and (piece := told.read(min(count, _LINE_LIMIT))):
        count -= len(piece)


def _check_objects(objects: Path) -> None:
    if objects.is_symlink() or not objects.is_dir():
        raise SourceBroken("its objects are no folder of its own")
    for name in ("info", "pack"):
        if (objects / name).is_symlink():
            raise SourceBroken("its objects are no folder of its own")
    for name in ("alternates", "http-alternates"):
        if os.path.lexists(objects / "info" / name):
            raise SourceBroken(
                "it borrows objects from another repository",
                "git clone --no-local makes one that stands alone; or git repack -a, then remove info/alternates.",
            )


def _commit(folder: Path, branch: str | None) -> str:
    """The object that a branch, or else HEAD, stands for. Raises SourceBroken."""
    if branch is None:
        return _resolved(folder, "HEAD")
    if not _BRANCH.fullmatch(branch) or ".." in branch:
        raise SourceBroken(f"{branch!r} is no name of a branch")
    for prefix in ("refs/heads/", "refs/remotes/origin/", "refs/tags/"):
        found = _reference(folder, prefix + branch)
        if found is not None:
            return _resolved(folder, prefix + branch)
    raise SourceBroken(f"it has no branch {branch}")


def _resolved(folder: Path, name: str) -> str:
    for _ in range(_REFERENCES_DEEP):
        said = _reference(folder, name)
        if said is not None and _OBJECT.fullmatch(said):
            return said
        name = (said or "").removeprefix("ref: ").strip()
        if not name.startswith("refs/") or ".." in name or not _BRANCH.fullmatch(name):
            break
    raise SourceBroken("what it has checked out cannot be found", "lading advisories import PATH --branch NAME")


def _reference(folder: Path, name: str) -> str | None:
    """What a reference says; None where there is none."""
    said = _text(folder, name, _REFERENCE_LIMIT)
    if said is not None:
        return said.strip()
    for line in (_text(folder, "packed-refs", _PACKED_REFERENCES_LIMIT) or "").splitlines():
        found, _, named = line.partition(" ")
        if named == name:
            return found
    return None


def _text(folder: Path, name: str, limit: int) -> str | None:
    """A plain file's text, however it got there; no link is followed on the way."""
    path = folder
    for part in name.split("/"):
        path = path / part
        if path.is_symlink():
            return None
    try:
        with opened_plainly(path) as opened:
            return opened.read(limit).decode("utf-8", "replace")
    except (NoPlainFile, OSError):
        return None
