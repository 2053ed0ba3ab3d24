"""`lading trust inspect`: what is signed in a repository, and by whom; of a tag, every signature there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from lading.fronts.cli.console import Record
from lading.fronts.cli.content_trust import SHOWN_DIGITS, opened_notary, whole_repository
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import image_argument, remote_options
from lading.fronts.cli.texts import lines, plural, table
from lading.oci.descriptor import Descriptor
from lading.oci.instants import moment_text
from lading.oci.reference import Reference
from lading.proof.tuf_refusals import TrustAbsent, TrustRefused
from lading.services.notary.views import Inspected, TrustedTag, TrustSigner
from lading.services.trust.signature_json import stated_json

if TYPE_CHECKING:
    from lading.wire.message import Cancel

OWNER = "Repo Admin"
"""Who signs with the repository's own key, as docker calls it."""


@click.command(cls=Command)
@image_argument("image", metavar="REPOSITORY[:TAG]")
@remote_options
@click.pass_obj
def inspect(invocation: Invocation, *, image: str) -> None:
    """Show what is signed in a repository: tags, digests, signers, keys, and how long it holds.

    The metadata is verified from the root that was seen before, or taken now. With a tag, all signatures of what the
    registry has under it are shown: what Notary has, and those that lie beside the image, which `lading verify` holds
    against keys.
    """
    named = Reference.parse(image)
    with invocation.cancellable() as cancel:
        if named.tag is None and named.digest is None:
            found = opened_notary(invocation).inspect(whole_repository(image), cancel)
            name = str(found.repository)
            invocation.console.result(invocation.form, inspected_json(found), "\n\n".join(_told(found)), name)
        else:
            _inspect_tag(invocation, image, cancel)


def inspected_json(found: Inspected) -> Record:
    """A repository's trust metadata, as JSON."""
    return {
        "repository": str(found.repository),
        "signedTags": [_tag_json(each) for each in found.tags],
        "signers": [{"name": each.name, "keys": list(each.keys), "tags": _prefixes(each)} for each in found.signers],
        "rootKeys": list(found.root_keys),
        "repositoryKeys": list(found.repository_keys),
        "expires": {role: moment_text(at) for role, at in found.expires.items()},
        "refused": dict(found.broken),
    }


def _tag_json(tag: TrustedTag) -> dict[str, object]:
    return {
        "tag": tag.tag,
        "digest": str(tag.digest),
        "size": tag.size,
        "role": tag.role,
        "signers": list(_signers(tag)),
    }


def _prefixes(signer: TrustSigner) -> list[str] | None:
    """How the tags begin that somebody may sign; None for all."""
    return None if "" in signer.paths else list(signer.paths)


def _signers(tag: TrustedTag) -> Sequence[str]:
    return tag.signers or (OWNER,)


def _told(found: Inspected) -> Iterator[str]:
    """The parts of what people read."""
    yield f"{found.repository}   {plural(len(found.tags), 'signed tag')}"
    if found.tags:
        yield table(("TAG", "DIGEST", "SIGNERS"), [(t.tag, str(t.digest), ", ".join(_signers(t))) for t in found.tags])
    if found.signers:
        rows = [(s.name, _short(s.keys), ", ".join(_prefixes(s) or ["all"])) for s in found.signers]
        yield table(("SIGNER", "KEYS", "TAGS THAT BEGIN WITH"), rows)
    keys = {"root": found.root_keys, "targets": found.repository_keys}
    yield table(
        ("ROLE", "HOLDS UNTIL", "KEYS"),  # whole, for who pins the root
        [(role, moment_text(at) or "?", ", ".join(keys.get(role, "-"))) for role, at in found.expires.items()],
    )
    if found.broken:
        yield table(("NOT BELIEVED", "WHY"), list(found.broken.items()))


def _short(keys: Sequence[str]) -> str:
    return ", ".join(each[:SHOWN_DIGITS] for each in keys) or "-"


def _inspect_tag(invocation: Invocation, image: str, cancel: Cancel) -> None:
    signatures = invocation.application.signatures
    reference, manifest = signatures.held(image, cancel)
    notary = _by_notary(invocation, reference, manifest, cancel)
    beside = [stated_json(found, said) for found, said in signatures.stated(image, cancel)]
    record = {"reference": str(reference), "digest": str(manifest.digest), "notary": notary, "signatures": beside}
    text = lines(_told_tag(str(reference), str(manifest.digest), notary, beside))
    invocation.console.result(invocation.form, record, text, f"{reference.repository}@{manifest.digest}")


def _by_notary(
    invocation: Invocation, reference: Reference, manifest: Descriptor, cancel: Cancel
) -> dict[str, object] | None:
    """What the trust server says of the tag; None where it has nothing of the repository. What is not to be believed is
    told and stands in the reason."""
    try:
        found = opened_notary(invocation).resolve(reference, cancel)
    except TrustAbsent:
        return None
    except TrustRefused as error:
        return {"accepted": False, "reason": str(error)}
    if found.digest == manifest.digest:
        return {**_tag_json(found), "accepted": True, "reason": None}
    reason = f"it is signed as {found.digest}, and the registry has {manifest.digest}"
    return {**_tag_json(found), "accepted": False, "reason": reason}


def _told_tag(
    name: str, digest: str, notary: Mapping[str, object] | None, beside: Sequence[Mapping[str, object]]
) -> Iterator[str]:
    yield f"{name}   {digest}"
    if notary is not None and notary["accepted"]:
        signers = notary["signers"]
        assert isinstance(signers, list)
        yield f"  notary   signed by {', '.join(signers)}"
    else:
        yield f"  notary   {notary['reason'] if notary else 'nothing is signed in this repository'}"
    for each in beside:
        yield f"  {each['form']}   {each['digest']}   {_stated(each)}"
    if not beside:
        yield "  no signature lies beside the image"


def _stated(row: Mapping[str, object]) -> str:
    """What a signature says, which is not the same as that it is so."""
    key, at = row["keyId"], row["signedAt"]
    said = {
        "key": key[:SHOWN_DIGITS] if isinstance(key, str) else None,
        "signer": row["signer"],
        "tag": row["tag"],
        "at": at,
    }
    told = ", ".join(f"{name} {value}" for name, value in said.items() if value is not None)
    return f"says {told}; {row['reason']}" if told else str(row["reason"])
