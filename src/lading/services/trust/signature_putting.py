"""Signatures with a key, put beside an image at its registry; signature_finding.py says where each form is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lading.engine.stores import Condition, untold
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.document import write_json
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_EMPTY
from lading.oci.reference import fallback_tag
from lading.proof import sigstore_bundle, simple_signing
from lading.proof.claims import Claim
from lading.proof.signing_keys import PrivateKey
from lading.services.content.stores import FullStore
from lading.services.trust.signature_finding import tagged
from lading.wire.message import BytesContent, Cancel

_CREATED = "org.opencontainers.image.created"


def put_bundle(store: FullStore, root: Descriptor, claim: Claim, key: PrivateKey, cancel: Cancel) -> Digest:
    """As cosign 3 does: an artifact that refers to the image. The digest of what was put."""
    layer = _put(store, sigstore_bundle.BUNDLE, sigstore_bundle.sign(claim, key), cancel)
    config = _put(store, OCI_EMPTY, b"{}", cancel)
    manifest = Manifest.build(
        config,
        [layer],
        artifact_type=sigstore_bundle.BUNDLE,
        subject=root,
        annotations={_CREATED: _moment(claim), **sigstore_bundle.ANNOTATIONS},
    )
    described = manifest.descriptor()
    store.push(described, BytesContent(manifest.raw), untold, cancel)
    return described.digest


def put_simple(store: FullStore, root: Descriptor, claim: Claim, key: PrivateKey, cancel: Cancel) -> Digest:
    """Beside the signatures that are there: the tag is moved only from what was read."""
    tag = f"{fallback_tag(root.digest)}.sig"
    there = tagged(store, tag)
    payload, signature = simple_signing.sign(claim, key)
    layer = _put(store, simple_signing.PAYLOAD, payload, cancel)
    signed = Descriptor(layer.media_type, layer.digest, layer.size, annotations={simple_signing.SIGNATURE: signature})
    layers = [*(there.layers if there else ()), signed]
    config = _put(store, OCI_CONFIG, _config(layers), cancel)
    manifest = Manifest.build(config, layers)
    described = manifest.descriptor()
    condition: Condition = there.descriptor().digest if there else "absent"
    outcome = store.tag(described, BytesContent(manifest.raw), [tag], condition, cancel)
    if (error := outcome[tag]) is not None:
        raise error
    return described.digest


def _put(store: FullStore, media_type: str, content: bytes, cancel: Cancel) -> Descriptor:
    descriptor = Descriptor(media_type, Digest.of(content), len(content))
    store.push(descriptor, BytesContent(content), untold, cancel)
    return descriptor


def _config(layers: Sequence[Descriptor]) -> bytes:
    """As cosign writes it: an image of no platform, whose layers are their own contents."""
    digests = [str(layer.digest) for layer in layers]
    return write_json({"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": digests}})


def _moment(claim: Claim) -> str:
    return datetime.fromtimestamp(claim.signed_at or 0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
