"""Files that trust commands are given: keys in PEM, and the client bundles of `lading user bundle` that hold them."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from pathlib import Path

from lading.fronts.cli.key_files import read_bytes
from lading.fronts.cli.secrets import FileUnreadable
from lading.proof.signing_keys import KEY_FILE_LIMIT

KEY, CERTIFICATE = "key.pem", "cert.pem"
"""What of a bundle signs, and what names who signs."""

_BUNDLE = b"PK\x03\x04"
_OTHERS = 0o077


def read_pem(path: str, member: str) -> bytes:
    """A file in PEM; of a client bundle, its `member`. Raises FileUnreadable."""
    content = read_bytes(Path(path))
    return _member(path, content, member) if content.startswith(_BUNDLE) else content


def is_open_to_others(path: str) -> bool:
    """Whether others than its owner may do anything with the file."""
    try:
        return bool(os.stat(path).st_mode & _OTHERS)
    except OSError:
        return False


def _member(path: str, content: bytes, member: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as bundle, bundle.open(member) as file:
            return file.read(KEY_FILE_LIMIT + 1)
    except KeyError:
        raise FileUnreadable(path, f"it is no client bundle: there is no {member} in it") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError):
        raise FileUnreadable(path, "it is a zip file, and damaged or encrypted") from None
