"""The older form of cosign's signatures: a small document, signed as it stands, under the tag `sha256-<hex>.sig`.

Podman, skopeo and CRI-O read it (containers/image, signature/internal/sigstore_payload.go); the signature itself is an
annotation of the layer that holds the document.
"""

from __future__ import annotations

from collections.abc import Sequence

from lading.oci.document import Fields, read_object, write_json
from lading.proof.base64_text import NotBase64, from_base64, in_base64
from lading.proof.claims import Claim, SignatureForged, SignatureInvalid, repository_of
from lading.proof.signing_keys import PrivateKey, PublicKey

PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
"""The media type of the layer."""

SIGNATURE = "dev.cosignproject.cosign/signature"
"""The layer's annotation: the signature in base64."""

_TYPE = "cosign container image signature"


def sign(claim: Claim, key: PrivateKey) -> tuple[bytes, str]:
    """The payload and its signature. The name in it has the tag where the claim has one: skopeo's default holds it
    against the name that is pulled."""
    assert claim.repository is not None  # the format has a place for it that may not be empty
    name = str(claim.repository) + (f":{claim.tag}" if claim.tag else "")
    critical = {
        "identity": {"docker-reference": name},
        "image": {"docker-manifest-digest": str(claim.digest)},
        "type": _TYPE,
    }
    payload = write_json({"critical": critical, "optional": claim.annotations})
    return payload, in_base64(key.sign(payload))


def verify(payload: bytes, signature: str, keys: Sequence[PublicKey]) -> tuple[Claim, PublicKey]:
    """What the payload says and which of `keys` said it. Raises SignatureInvalid, SignatureForged."""
    signed = _signature(signature)
    signer = next((key for key in keys if key.verifies(signed, payload)), None)
    if signer is None:
        raise SignatureForged
    return _claim(read_object(payload, SignatureInvalid)), signer


def stated(payload: bytes) -> Claim:
    """What a payload says, of which nothing is proven. Raises SignatureInvalid."""
    return _claim(read_object(payload, SignatureInvalid))


def _signature(text: str) -> bytes:
    try:
        return from_base64(text)
    except NotBase64 as error:
        raise SignatureInvalid(SIGNATURE, str(error)) from error


def _claim(fields: Fields) -> Claim:
    critical = _inner(fields, "critical")
    if critical.required_text("type") != _TYPE:
        critical.refuse("type", f"must be {_TYPE!r}")
    digest = _inner(critical, "image").digest("docker-manifest-digest")
    claim = Claim.read(digest, _texts(fields))
    return _with_identity(claim, _inner(critical, "identity").text("docker-reference"))


def _with_identity(claim: Claim, name: str | None) -> Claim:
    """The name of the format itself is as much signed as our annotations; where both speak they must agree. cosign
    leaves it empty on request, and names Docker Hub by its older host."""
    if not name:
        return claim
    reference = repository_of(name.replace("index.docker.io/", "docker.io/", 1), "docker-reference")
    other_tag = reference.tag is not None and claim.tag not in {None, reference.tag}
    if claim.repository not in {None, reference.repository} or other_tag:
        raise SignatureInvalid("docker-reference", "is another than the annotations say")
    return Claim(claim.digest, reference.repository, claim.tag or reference.tag, claim.counter, claim.signed_at)


def _texts(fields: Fields) -> dict[str, str]:
    """Of what others put beside (numbers, lists), only texts are ours."""
    optional = fields.inner("optional")
    if optional is None:
        return {}
    return {name: value for name, value in optional.members.items() if isinstance(value, str)}


def _inner(fields: Fields, name: str) -> Fields:
    inner = fields.inner(name)
    if inner is None:
        fields.refuse(name, "is missing")
    return inner
