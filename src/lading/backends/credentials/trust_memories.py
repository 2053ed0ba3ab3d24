"""What was seen of signed repositories: a file for each, with the root that was verified last and the highest versions.

    FOLDER/docker.io/library/alpine/_seen.json     no part of a repository's name begins with `_`

It holds nothing secret. But whoever could write it could have us believe another root, or older metadata.
"""

from __future__ import annotations

import json
from pathlib import Path

from lading.backends.credentials import private_file
from lading.backends.credentials.trust_keys import TrustFolderUnusable, in_our_words, private_folder
from lading.oci.reference import Reference
from lading.proof.tuf_trusted import TrustMemory

_FILE = "_seen.json"


class FolderMemories:
    """Fulfils services.notary.servers.TrustMemories, for any number of processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, gun: str) -> TrustMemory | None:
        path = self._path(gun)
        with in_our_words():
            raw = private_file.read(path)
        return None if raw is None else _memory(path, raw)

    def keep(self, gun: str, memory: TrustMemory, began: TrustMemory | None) -> bool:
        path = self._path(gun)
        if memory == began and self.of(gun) == began:
            return True
        private_folder(self._folder)
        with in_our_words(), private_file.changing(path):
            held = self.of(gun)
            after = memory.after(began, held)
            if after is not None and after != held:
                document = {"root": after.root.decode(), "versions": dict(after.versions)}
                private_file.replace(path, json.dumps(document, indent=1).encode())
        return after is not None

    def forget(self, gun: str) -> None:
        path = self._path(gun)
        if not path.exists():
            return
        with in_our_words(), private_file.changing(path):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise TrustFolderUnusable(str(path), (error.strerror or "it cannot be removed").lower()) from error

    def _path(self, gun: str) -> Path:
        """Of a repository's full name, which has no part that leads elsewhere. Raises ReferenceInvalid."""
        repository = Reference.parse(gun).repository
        return self._folder / repository.registry / repository.path / _FILE


def _memory(path: Path, raw: bytes) -> TrustMemory:
    """Raises TrustFolderUnusable."""
    try:
        document: object = json.loads(raw)
    except (ValueError, RecursionError):
        document = None
    root = document.get("root") if isinstance(document, dict) else None
    versions = document.get("versions") if isinstance(document, dict) else None
    if (
        not isinstance(root, str)
        or not isinstance(versions, dict)
        or not all(type(v) is int for v in versions.values())
    ):
        error = TrustFolderUnusable(str(path), "it is not what was written there")
        raise error.but(hint="Put the file right, or remove it: the repository's root is then taken as on first use.")
    return TrustMemory(root.encode(), versions)
