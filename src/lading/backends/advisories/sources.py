"""What stands at a path: a zip, a git repository or a folder."""

from __future__ import annotations

from pathlib import Path

from lading.backends.advisories.folder_source import FolderSource
from lading.backends.advisories.found import Source, SourceBroken
from lading.backends.advisories.git_source import GitSource, git_folder
from lading.backends.advisories.plain_file import NoPlainFile, opened_plainly
from lading.backends.advisories.zip_source import ZipSource

_FORMS = "Name a zip, a folder, or a git repository of advisories in the OSV format."


def opened_source(path: Path, branch: str | None, scratch: Path) -> Source:
    """`scratch` is a folder for what has to stand somewhere meanwhile. Raises SourceBroken, OSError."""
    if path.is_dir():
        folder = git_folder(path)
        if folder is not None:
            return GitSource(folder, branch, scratch)
        if branch is not None:
            raise SourceBroken("it is no git repository, and has no branches")
        return FolderSource(path)
    try:
        opened = opened_plainly(path.resolve())  # who names a link means what it leads to
    except NoPlainFile:
        raise SourceBroken("it is no plain file", _FORMS) from None
    if opened.read(2) != b"PK":
        opened.close()
        raise SourceBroken("it is no zip", _FORMS)
    return ZipSource(opened)
