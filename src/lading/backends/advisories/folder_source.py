"""A folder of advisories, with folders in it. No link is followed, and nothing is opened that is no plain file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lading.backends.advisories.found import Found, Measure, SourceBroken
from lading.backends.advisories.plain_file import NoPlainFile, opened_plainly
from lading.backends.advisories.record_files import RECORD_LIMIT, record_name

DEPTH_LIMIT = 32
"""Folders in folders."""


class FolderSource:
    """Fulfils Source."""

    built = None

    def __init__(self, path: Path) -> None:
        self._path = path

    def files(self) -> Iterator[Found]:
        measure = Measure()
        for path, name in _walk(self._path, "", 0, measure):
            try:
                content = _content(path)
            except NoPlainFile:
                continue
            measure.content(RECORD_LIMIT if content is None else len(content))
            yield Found(name, content)

    def close(self) -> None:
        """Nothing stays open."""


def _walk(folder: Path, name: str, depth: int, measure: Measure) -> Iterator[tuple[Path, str]]:
    if depth > DEPTH_LIMIT:
        raise SourceBroken(f"its folders are more than {DEPTH_LIMIT} deep")
    with os.scandir(folder) as entries:
        for entry in entries:
            measure.file()
            inner = f"{name}/{entry.name}" if name else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name != ".git":
                    yield from _walk(Path(entry.path), inner, depth + 1, measure)
            elif record_name(inner) is not None:
                yield Path(entry.path), inner


def _content(path: Path) -> bytes | None:
    """None where it is too long. Raises NoPlainFile, OSError."""
    with opened_plainly(path) as opened:
        content = opened.read(RECORD_LIMIT + 1)
    return None if len(content) > RECORD_LIMIT else content
