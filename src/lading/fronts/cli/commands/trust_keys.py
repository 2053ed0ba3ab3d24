"""`lading trust key`: key pairs in files, and the keys for Notary that are kept in the data folder."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import click

from lading.errors import InputInvalid
from lading.fronts.cli.completing import files
from lading.fronts.cli.console import Listing, Record
from lading.fronts.cli.content_trust import (
    SHOWN_DIGITS,
    asking,
    completed_key,
    completed_repository,
    opened_keys,
    opened_notary,
    whole_repository,
)
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.key_files import asked_passphrase, write_pair, write_private
from lading.fronts.cli.lazy import Group
from lading.fronts.cli.options import remote_options
from lading.fronts.cli.trust_files import KEY, is_open_to_others, read_pem
from lading.proof.key_files import encrypted_pem, is_encrypted
from lading.proof.signing_keys import KeyKind, PrivateKey
from lading.proof.tuf_key_files import NotaryKey
from lading.proof.tuf_roles import BASE_ROLES, ROOT, TARGETS, is_delegation
from lading.services.notary.keys import KeptKey, TrustKeyKept, TrustKeyUnknown

HEADINGS = ("KEY", "SIGNS FOR", "REPOSITORY")
_FEWEST_DIGITS = 4


class KeyNameInvalid(InputInvalid):
    """What a key is to be called, and cannot be."""

    hint = "Write a word of a-z, 0-9, - and _."

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"a signer cannot be called {self.name[:128]!r}"


class KeyAmbiguous(InputInvalid):
    """A word that several keys answer to."""

    def __init__(self, word: str, ids: Sequence[str]) -> None:
        super().__init__(word, ids)
        self.word = word
        self.hint = f"Write an id: {', '.join(each[:SHOWN_DIGITS] for each in ids)}."

    def __str__(self) -> str:
        return f"{self.word!r} is several keys"


@click.group(cls=Group)
def key() -> None:
    """Keys that sign.

    `generate` makes a pair in files of yours. The keys for Notary, which `load` brings in and signing makes, are kept
    in the data folder, each encrypted with its passphrase: DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE for the root key,
    DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE for all others, else LADING_TRUST_PASSPHRASE[_FILE], else a prompt.
    """


@key.command()
@click.argument("name", metavar="NAME")
@click.option("--out", metavar="PREFIX", shell_complete=files, help="Where to write them; NAME unless said.")
@click.option(
    "--type",
    "kind",
    type=click.Choice([each.value for each in KeyKind]),
    default=KeyKind.ECDSA_P256.value,
    help="What kind; every program that reads signatures takes ecdsa-p256 (ecdsa-p256).",
)
@click.pass_obj
def generate(invocation: Invocation, *, name: str, out: str | None, kind: str) -> None:
    """Make a key pair: PREFIX.key signs, PREFIX.pub verifies.

    PREFIX.key is encrypted with a passphrase, which LADING_TRUST_PASSPHRASE[_FILE] or a prompt gives. Keep it to
    yourself, and hand PREFIX.pub to whoever verifies. Neither file is ever overwritten.
    """
    passphrase = asked_passphrase(invocation, f"Passphrase of the new key {name}", twice=True)
    made = PrivateKey.generate(KeyKind(kind), secrets.token_bytes)
    private, public = write_pair(out or name, encrypted_pem(made, passphrase, secrets.token_bytes), made.public.pem)
    record = {"name": name, "type": kind, "keyId": made.public.key_id, "private": private, "public": public}
    text = f"{name}   {kind} key {made.public.key_id[:12]}: {private} signs, {public} verifies"
    invocation.console.result(invocation.form, record, text, made.public.key_id)


@key.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE…", shell_complete=files)
@click.option("--name", metavar="NAME", help="Whom it signs for; what its file says unless said, else signer.")
@click.pass_obj
def load(invocation: Invocation, *, paths: tuple[str, ...], name: str | None) -> None:
    """Keep a private key in the data folder, to sign under Notary with it.

    FILE is a private key in PEM: of `trust key generate` or openssl, one that docker or notary keeps in
    ~/.docker/trust/private, or the key.pem of a client bundle, for which the bundle itself may stand. Root and
    repository keys stay what their files say. It is kept encrypted: with the passphrase it has, or with a new one.
    """
    if name is not None and not is_delegation(f"{TARGETS}/{name}"):
        raise KeyNameInvalid(name)
    for path in paths:
        kept = _loaded(invocation, path, name)
        whose = f" of {kept.gun}" if kept.gun else ""
        text = f"{path}   key {kept.id[:SHOWN_DIGITS]} kept, signs for {kept.role}{whose}"
        invocation.console.result(invocation.form, key_json(kept), text, kept.id)


@key.command("ls")
@click.pass_obj
def list_keys(invocation: Invocation) -> None:
    """List the keys for Notary that are kept here; none is opened.

    Of several root keys the one that came last sets up new repositories. Repositories that an older one set up keep it
    until their root is rotated.
    """
    keys = opened_keys(invocation)
    kept = sorted(keys.all(), key=lambda each: (each.gun, each.role, each.id))
    begins = keys.root_in_force()
    listing = Listing(
        kept,
        lambda each: {**key_json(each), "newRepositories": each.id == begins},
        HEADINGS,
        lambda each: _cells(each, begins=each.id == begins),
        lambda kept: kept.id,
    )
    invocation.console.results(invocation.form, listing)


@key.command()
@click.argument("word", metavar="NAME|ID", shell_complete=completed_key)
@click.option(
    "--out",
    required=True,
    metavar="FILE|FOLDER",
    shell_complete=files,
    help="Where to write it; in a folder as ID.key, which is how docker keeps keys in ~/.docker/trust/private.",
)
@click.pass_obj
def export(invocation: Invocation, *, word: str, out: str) -> None:
    """Write a key that is kept here to a file, encrypted as it is.

    NAME is whom it signs for, as root; ID is its id or the beginning of it. A root key belongs on a disk that lies in a
    drawer: nothing brings it back. `trust key load` reads the file. No file is overwritten.
    """
    keys = opened_keys(invocation)
    kept = _chosen(keys.all(), word)
    path = Path(out) / f"{kept.id}.key" if Path(out).is_dir() else Path(out)
    write_private(path, keys.file(kept.id))
    text = f"{kept.role or word}   key {kept.id[:SHOWN_DIGITS]} written to {path}, encrypted with its passphrase"
    invocation.console.result(invocation.form, {**key_json(kept), "path": str(path)}, text, str(path))


@key.command()
@click.argument("repository", metavar="REPOSITORY", shell_complete=completed_repository)
@click.argument("role", metavar="[root|targets|snapshot|timestamp]", type=click.Choice(BASE_ROLES), default=TARGETS)
@remote_options
@click.pass_obj
def rotate(invocation: Invocation, *, repository: str, role: str) -> None:
    """Give a repository a new key; of its targets unless said.

    The new one of root or targets is made here, and kept. Those of snapshot and timestamp are the trust server's. The
    root key signs the change, so it has to be kept here.
    """
    named = whole_repository(repository)
    with invocation.cancellable() as cancel:
        made = opened_notary(invocation).rotate(named, role, cancel)
    record = {"repository": str(named), "role": role, "rotated": True, "keyId": made}
    text = f"{named}   has a new {role} key {made[:SHOWN_DIGITS]}"
    invocation.console.result(invocation.form, record, text, str(named))
    if role == ROOT:
        invocation.console.say(f"Nothing brings it back: lading trust key export {made[:SHOWN_DIGITS]} --out FILE")


def key_json(kept: KeptKey) -> Record:
    """A key that is kept, as JSON."""
    return {"keyId": kept.id, "role": kept.role or None, "repository": kept.gun or None}


def _cells(kept: KeptKey, *, begins: bool) -> tuple[str, str, str]:
    return kept.id, kept.role or "-", kept.gun or ("new ones" if begins else "-")


def _loaded(invocation: Invocation, path: str, name: str | None) -> KeptKey:
    """Encrypted with the passphrase that opened the file, where that has one, unless the settings know another."""
    pem, ask = read_pem(path, KEY), asking(invocation)
    passphrase = _passphrase(invocation, path, pem) if is_encrypted(pem) else None
    opened = NotaryKey.parse(pem, passphrase)
    if passphrase is None and is_open_to_others(path):
        invocation.console.warn(f"others on this machine may read {path}, and it is not encrypted")
    role, gun = (name, None) if name is not None else (opened.role or "signer", opened.gun)
    keys = invocation.application.trust_keys(lambda key, new: passphrase or ask(key, new))
    try:
        return keys.keep(opened.private, role, gun or "")
    except TrustKeyKept as error:
        kept = next(each for each in keys.all() if each.id == error.key.id)
        if (kept.role, kept.gun) != (role, gun or ""):
            raise TrustKeyKept(kept) from error
        return kept


def _passphrase(invocation: Invocation, path: str, pem: bytes) -> str:
    """What opens a file: as the settings have it for the role that the file says, else as somebody types it."""

    def ask(_key: KeptKey, _new: bool) -> str:
        return asked_passphrase(invocation, f"Passphrase of {path}")

    return invocation.application.trust_passphrases(ask)(KeptKey("", ROOT if b"role: root\n" in pem else ""), False)


def _chosen(kept: Sequence[KeptKey], word: str) -> KeptKey:
    """The one of that role, else of that id or its beginning. Raises TrustKeyUnknown, KeyAmbiguous."""
    found = [each for each in kept if each.role == word]
    if not found and len(word) >= _FEWEST_DIGITS:
        found = [each for each in kept if each.id.startswith(word)]
    if len(found) > 1:
        raise KeyAmbiguous(word, [each.id for each in found])
    if not found:
        raise TrustKeyUnknown(word)
    return found[0]
