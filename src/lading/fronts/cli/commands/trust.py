"""`lading trust`: the keys that sign images."""

from __future__ import annotations

import secrets

import click

from lading.fronts.cli.completing import files
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.key_files import asked_passphrase, write_pair
from lading.fronts.cli.lazy import Group
from lading.proof.key_files import encrypted_pem
from lading.proof.signing_keys import KeyKind, PrivateKey


@click.group(cls=Group)
def trust() -> None:
    """Keys that sign images."""


@trust.group(cls=Group)
def key() -> None:
    """Key pairs: files of yours, which Lading does not keep."""


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
