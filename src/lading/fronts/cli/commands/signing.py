"""`lading sign` and `lading verify`: signatures of images at registries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from lading.errors import InputInvalid
from lading.fronts.cli.completing import files
from lading.fronts.cli.console import Record
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.key_files import opened_key, read_bytes
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import image_argument, remote_options
from lading.fronts.cli.secrets import read_text
from lading.fronts.cli.texts import lines
from lading.oci.instants import moment_text
from lading.proof.signing_keys import PublicKey
from lading.services.trust.policy import KeySigner, TrustPolicy, demanding
from lading.services.trust.policy_file import parse_policy
from lading.services.trust.signature_json import signature_json
from lading.services.trust.signatures import Signed
from lading.services.trust.trust import NotTrusted, SignatureForm, Verdict


class OneOfTheTwo(InputInvalid):
    """Keys and a policy, or neither."""

    hint = "Give --key FILE, once or more, or --policy FILE, or set LADING_TRUST_POLICY"

    def __str__(self) -> str:
        return "who may sign is said by keys or by a policy, and by one of them alone"


@click.command(cls=Command)
@image_argument("images", nargs=-1, required=True, metavar="IMAGE…")
@click.option("--key", metavar="FILE", shell_complete=files, help="The private key; LADING_TRUST_KEY's unless said.")
@click.option("--sig", is_flag=True, help="Write cosign's older form as well, which podman and skopeo read.")
@remote_options
@click.pass_obj
def sign(invocation: Invocation, images: tuple[str, ...], *, key: str | None, sig: bool) -> None:
    """Sign an image at its registry with a key of yours.

    IMAGE is a name in a registry. The signature says the digest, the repository, the tag and the time, and lies beside
    the image as a sigstore bundle, as cosign 3 writes them. The passphrase of the key comes from
    LADING_TRUST_PASSPHRASE[_FILE] or a prompt.
    """
    if (path := key or invocation.application.trust_key_file) is None:
        raise click.UsageError("Missing option '--key', and LADING_TRUST_KEY names none.")
    private = opened_key(invocation, path)
    forms = (SignatureForm.BUNDLE, SignatureForm.SIMPLE) if sig else (SignatureForm.BUNDLE,)
    with invocation.cancellable() as cancel:
        for image in images:
            signed = invocation.application.signatures.sign(image, private, forms, cancel)
            pinned = f"{signed.reference.repository}@{signed.digest}"
            text = f"{signed.reference}   {signed.digest} signed with key {signed.key.key_id[:12]}"
            invocation.console.result(invocation.form, _signed(signed), text, pinned)


@click.command(cls=Command)
@image_argument("image", metavar="IMAGE")
@click.option(
    "--key", "keys", multiple=True, metavar="FILE", shell_complete=files, help="A public key; may be repeated."
)
@click.option(
    "--policy",
    metavar="FILE",
    shell_complete=files,
    help="Rules that say who must sign which images; LADING_TRUST_POLICY's unless anything is said.",
)
@remote_options
@click.pass_obj
def verify(invocation: Invocation, image: str, *, keys: tuple[str, ...], policy: str | None) -> None:
    """Hold the signatures of an image against keys, or a policy.

    IMAGE is a name in a registry. It is resolved once; what is printed is the digest that was verified, and the one to
    pull. Where no signature is accepted, the exit code is 6. Where a rule only reports, or none names the image, that
    is said and the exit code is 0.
    """
    trusted = _policy(keys, policy or (None if keys else invocation.application.trust_policy_file))
    with invocation.cancellable() as cancel:
        verdict = invocation.application.signatures.verify(image, trusted, cancel)
    verdict.enforce()
    pinned = f"{verdict.reference.repository}@{verdict.digest}"
    invocation.console.result(invocation.form, _verdict(verdict), lines(_told(verdict)), pinned)
    if not verdict.checked:
        invocation.console.warn(f"{pinned} was not verified: no rule of the policy asks for it")
    elif not verdict.trusted:
        refused = NotTrusted(verdict)
        invocation.console.warn(f"{refused}: {refused.why}")


def _policy(keys: tuple[str, ...], path: str | None) -> TrustPolicy:
    if bool(keys) is bool(path):
        raise OneOfTheTwo
    if path is None:
        return demanding([KeySigner(name, PublicKey.parse(read_bytes(Path(name)))) for name in dict.fromkeys(keys)])
    return parse_policy(read_text(path) or "", lambda name: read_bytes(Path(path).parent / name))


def _signed(signed: Signed) -> Record:
    return {
        "reference": str(signed.reference),
        "digest": str(signed.digest),
        "keyId": signed.key.key_id,
        "signatures": [{"form": form.value, "digest": str(digest)} for form, digest in signed.signatures],
    }


def _verdict(verdict: Verdict) -> Record:
    return {
        "reference": str(verdict.reference),
        "digest": str(verdict.digest),
        "mode": verdict.rule.mode.value if verdict.rule else "off",
        "trusted": verdict.trusted,
        "signers": [signer.name for signer in verdict.signers],
        "signatures": [signature_json(judged) for judged in verdict.signatures],
    }


def _told(verdict: Verdict) -> Iterator[str]:
    names = ", ".join(signer.name for signer in verdict.signers)
    yield f"{verdict.reference}   {verdict.digest} {f'signed by {names}' if names else 'not verified'}"
    for judged in verdict.signatures:
        claim = judged.claim
        when = f" of {moment_text(claim.signed_at)}" if claim and claim.signed_at is not None else ""
        by = f"key {judged.key_id[:12]}" if judged.key_id else judged.who or ""
        what = judged.refusal or f"{by}{when}"
        yield f"  {judged.form}  {what}"
