"""Files that may be records, by their names: whatever they hold, it is looked at where it is read.

A record's file bears its id, as every database of advisories has it.
"""

from __future__ import annotations

import hashlib
import re

RECORD_LIMIT = 16 * 1024 * 1024
"""The longest file, in bytes; the longest of real ones have some millions."""

_FORMS = (".json", ".yaml", ".yml")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,199}")


def record_name(path: str) -> str | None:
    """The id that the file at this path should hold; None where no advisory is to be expected there. What stands below
    a folder `testdata` is made up."""
    *folders, name = path.split("/")
    stem, dot, form = name.rpartition(".")
    if dot + form.lower() not in _FORMS or "testdata" in folders or not _ID.fullmatch(stem):
        return None
    return stem


def fingerprint(content: bytes) -> bytes:
    """Equal for equal files."""
    return hashlib.blake2b(content, digest_size=16).digest()
