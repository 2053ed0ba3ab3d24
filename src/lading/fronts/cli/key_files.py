"""Key files as commands read and write them, and the passphrase that opens them."""

from __future__ import annotations

import os
from pathlib import Path

import click

from lading.errors import InputInvalid, Refused, StorageFailed
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.secrets import FileUnreadable
from lading.proof.key_files import PassphraseWrong, is_encrypted, read_private
from lading.proof.signing_keys import KEY_FILE_LIMIT, KeyInvalid, PrivateKey

OWNER_ONLY, ANYBODY = 0o600, 0o644


class PassphraseMissing(InputInvalid):
    """A passphrase is needed, and nobody can be asked for it."""

    hint = "Set LADING_TRUST_PASSPHRASE, or LADING_TRUST_PASSPHRASE_FILE to the path of a file that holds it"

    def __str__(self) -> str:
        return "a passphrase is needed, and there is no terminal to ask for it"


class KeyFileThere(Refused):
    """A file stands where a key would be written."""

    hint = "Name another place with --out, or move that file away"

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} is there already, and keys are never overwritten"


class KeyFileUnwritable(StorageFailed):
    """A key file cannot be written."""

    hint = "Name another place with --out"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"cannot write {self.path}: {self.reason}"


def read_bytes(path: Path) -> bytes:
    """A file that is a key: no more of it than a key can have. Raises FileUnreadable."""
    try:
        with path.open("rb") as file:
            return file.read(KEY_FILE_LIMIT + 1)
    except OSError as error:
        raise FileUnreadable(str(path), (error.strerror or str(error)).lower()) from error


def opened_key(invocation: Invocation, path: str) -> PrivateKey:
    """The private key of a file. Raises FileUnreadable, KeyInvalid, PassphraseWrong, PassphraseMissing."""
    pem = read_bytes(Path(path))
    passphrase = asked_passphrase(invocation, f"Passphrase of {path}") if is_encrypted(pem) else None
    try:
        return read_private(pem, passphrase)
    except (KeyInvalid, PassphraseWrong) as error:
        raise error.but(why=f"The file is {path}.") from error


def asked_passphrase(invocation: Invocation, prompt: str, *, twice: bool = False) -> str:
    """What the environment holds, else what the person at the terminal types. Raises PassphraseMissing."""
    if passphrase := invocation.application.trust_passphrase:
        return passphrase
    if not invocation.console.streams.stdin.isatty():
        raise PassphraseMissing
    with invocation.asking():
        typed: str = click.prompt(prompt, hide_input=True, err=True, confirmation_prompt=twice)
    return typed


def write_pair(prefix: str, private: bytes, public: bytes) -> tuple[str, str]:
    """PREFIX.key, for its owner alone, and PREFIX.pub; neither stays where the other cannot be written.

    Raises KeyFileThere, KeyFileUnwritable.
    """
    key, pub = Path(f"{prefix}.key"), Path(f"{prefix}.pub")
    write_private(key, private)
    try:
        _write(pub, public, ANYBODY)
    except BaseException:
        key.unlink(missing_ok=True)
        raise
    return str(key), str(pub)


def write_private(path: Path, content: bytes) -> None:
    """A new file for its owner alone, on the disk when this returns. Raises KeyFileThere, KeyFileUnwritable."""
    _write(path, content, OWNER_ONLY)


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise KeyFileThere(str(path)) from error
    except OSError as error:
        raise KeyFileUnwritable(str(path), (error.strerror or str(error)).lower()) from error
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(number)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise KeyFileUnwritable(str(path), (error.strerror or str(error)).lower()) from error
