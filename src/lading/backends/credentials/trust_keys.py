"""The private keys of Notary v1: a folder with a file for each, as Notary's and docker's clients keep them.

FOLDER                 0700
├── <key id>.key       0600: encrypted PEM, with the role and the repository in its headers
└── root.lock          held while the first root key is made
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lading.backends.credentials import private_file
from lading.backends.credentials.failures import CredentialFileUnusable
from lading.errors import StorageFailed
from lading.proof.key_files import PassphraseWrong, is_encrypted
from lading.proof.signing_keys import KeyInvalid, KeyKind, PrivateKey
from lading.proof.tuf_key_files import ITERATIONS, NotaryKey, role_and_gun
from lading.proof.tuf_keys import SigningKey
from lading.proof.tuf_roles import ROOT
from lading.services.notary.keys import KeptKey, Passphrase, TrustKeyKept, TrustKeyUnknown

_ID = re.compile(r"[0-9a-f]{64}")
_OWNER_ONLY = 0o700


class TrustFolderUnusable(StorageFailed):
    """The folder of trust keys, or of what was seen, cannot be read, written or understood."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"the trust data in {self.path} cannot be used: {self.reason}"

    @property
    def afar(self) -> str:
        return f"the trust data cannot be used: {self.reason}"


class FolderKeys:
    """Fulfils services.notary.keys.TrustKeys, for any number of processes. `random` gives bytes that nobody can
    foresee; `iterations` is how often a passphrase is hashed in files that are written."""

    def __init__(
        self, folder: Path, passphrase: Passphrase, random: Callable[[int], bytes], iterations: int = ITERATIONS
    ) -> None:
        self._folder, self._passphrase, self._random, self._iterations = folder, passphrase, random, iterations
        self._opened: dict[str, PrivateKey] = {}
        self._lock = threading.RLock()
        """Held while a person is asked, so that nobody is asked twice for one key."""

    def all(self) -> Sequence[KeptKey]:
        try:
            paths = sorted(path for path in self._folder.glob("*.key") if _ID.fullmatch(path.stem))
        except OSError as error:
            raise TrustFolderUnusable(str(self._folder), (error.strerror or "it cannot be read").lower()) from error
        return [self._kept(path.stem, pem) for path in paths if (pem := self._read(path)) is not None]

    def open(self, key_id: str) -> PrivateKey:
        with self._lock:
            if key_id not in self._opened:
                pem = self.file(key_id)
                self._opened[key_id] = self._unlocked(self._kept(key_id, pem), pem)
            return self._opened[key_id]

    def root(self) -> PrivateKey:
        with self._lock, in_our_words(), private_file.changing(private_folder(self._folder) / "root"):
            kept = self.root_in_force()
            return self.make(ROOT) if kept is None else self.open(kept)

    def root_in_force(self) -> str | None:
        return max((each.id for each in self.all() if each.role == ROOT), key=self._since, default=None)

    def make(self, role: str, gun: str = "") -> PrivateKey:
        made = PrivateKey.generate(KeyKind.ECDSA_P256, self._random)
        self.keep(made, role, gun)
        return made

    def keep(self, private: PrivateKey, role: str, gun: str = "") -> KeptKey:
        key = KeptKey(SigningKey(private).key.id, role, gun)
        with self._lock, in_our_words():
            path = private_folder(self._folder) / f"{key.id}.key"
            if path.exists():
                raise TrustKeyKept(key)
            passphrase = self._passphrase(key, True)
            pem = NotaryKey(private, role, gun).pem(passphrase, self._random, self._iterations)
            if not private_file.create(path, pem):
                raise TrustKeyKept(key)
            self._opened[key.id] = private
        return key

    def file(self, key_id: str) -> bytes:
        pem = self._read(self._folder / f"{key_id}.key") if _ID.fullmatch(key_id) else None
        if pem is None:
            raise TrustKeyUnknown(key_id)
        return pem

    def _unlocked(self, key: KeptKey, pem: bytes) -> PrivateKey:
        passphrase = self._passphrase(key, False) if is_encrypted(pem) else None
        try:
            found = NotaryKey.parse(pem, passphrase).private
        except PassphraseWrong as error:
            raise error.but(why=f"It is asked for {key}.", command=_COMMAND) from None
        if SigningKey(found).key.id != key.id:
            raise KeyInvalid("its file holds another key than the one it is named after")
        return found

    def _since(self, key_id: str) -> tuple[int, str]:
        try:
            return (self._folder / f"{key_id}.key").stat().st_mtime_ns, key_id
        except OSError:  # it went a moment ago
            return 0, key_id

    def _kept(self, key_id: str, pem: bytes) -> KeptKey:
        return KeptKey(key_id, *role_and_gun(pem))

    @staticmethod
    def _read(path: Path) -> bytes | None:
        with in_our_words():
            return private_file.read(path)


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raises TrustFolderUnusable where a file cannot be used."""
    try:
        yield
    except CredentialFileUnusable as error:
        raise TrustFolderUnusable(error.path, error.reason) from error


def private_folder(folder: Path) -> Path:
    """The folder, made where it is missing, for its owner alone. Raises TrustFolderUnusable."""
    try:
        folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(_OWNER_ONLY)
    except OSError as error:
        raise TrustFolderUnusable(str(folder), (error.strerror or "it cannot be made").lower()) from error
    return folder


_COMMAND = (
    "Set LADING_TRUST_ROOT_PASSPHRASE or LADING_TRUST_REPOSITORY_PASSPHRASE "
    "(docker's DOCKER_CONTENT_TRUST_… count too), or LADING_TRUST_PASSPHRASE for both"
)
