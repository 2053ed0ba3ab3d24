"""Files of strangers' folders: only plain ones are opened, and no link is followed to them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO


class NoPlainFile(Exception):
    """A link, a folder, a pipe, a device, or nothing any more stands there."""


def opened_plainly(path: Path) -> BinaryIO:
    """Raises NoPlainFile, OSError."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoPlainFile from error
    except OSError as error:
        if path.is_symlink():
            raise NoPlainFile from error
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise NoPlainFile
    return open(file, "rb")
