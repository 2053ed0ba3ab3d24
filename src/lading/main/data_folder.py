"""Folders of the data folder: made at first use, and nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

from lading.errors import StorageFailed

PRIVATE = 0o700


class DataFolderUnusable(StorageFailed):
    """The data folder, or one in it, cannot be made: it may not be, or a file stands where it should be."""

    hint = "lading --data DIR …   (or LADING_DATA; a folder that this user may write)"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"the data folder {self.path} cannot be used"


def private_folder(path: Path) -> Path:
    """The folder, made where it is not there yet. Raises DataFolderUnusable."""
    try:
        path.mkdir(PRIVATE, parents=True, exist_ok=True)
    except OSError as error:
        raise DataFolderUnusable(path, os.strerror(error.errno or 0)) from error
    return path
