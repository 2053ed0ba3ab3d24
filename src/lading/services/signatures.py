"""Signatures at registries: put beside an image, and found again.

sigstore bundle   an artifact that refers to the image; where the registry keeps no list of those, the index under
                  the tag sha256-<hex> does (distribution-spec, Referrers Tag Schema)
cosign's older    a manifest under the tag sha256-<hex>.sig, with one layer for each signature
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol

from lading.engine.reach import read_checked
from lading.engine.stores import Condition, untold
from lading.errors import ContentCorrupt, NotFound, Refused, Side
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.document import write_json
from lading.oci.manifest import MANIFEST_LIMIT, Manifest, SchemaOneRefused, parse_manifest
from lading.oci.media_types import OCI_CONFIG, OCI_EMPTY
from lading.oci.reference import Reference, fallback_tag
from lading.proof import sigstore_bundle, simple_signing
from lading.proof.claims import Claim, SignatureInvalid
from lading.proof.signing_keys import PrivateKey, PublicKey
from lading.services.places import Named
from lading.services.stores import FullStore, Stores
from lading.services.trust import Found, Question, SignatureForm, Verdict, judge
from lading.services.trust_policy import TrustPolicy
from lading.wire.message import BytesContent, Cancel

SIGNATURES_LIMIT = 64
"""The most signatures that are looked at of one image: whoever may push could put there any number."""

SIGNATURE_LIMIT = 1024 * 1024
"""The longest signature read, in bytes."""

_CREATED = "org.opencontainers.image.created"


class TagElsewhere(Refused):
    """A name with tag and digest that do not go together: the tag must not be signed for another image."""

    hint = "Leave out the digest, or the tag."

    def __init__(self, reference: Reference, holds: Digest) -> None:
        super().__init__(reference, holds)
        self.reference, self.holds = reference, holds

    def __str__(self) -> str:
        return f"the tag {self.reference.tag} of {self.reference.repository} is {self.holds}"


@dataclass(frozen=True, slots=True)
class Signed:
    """What `sign` did; `signatures` are the digests of what now lies beside the image."""

    reference: Reference
    digest: Digest
    key: PublicKey
    signatures: tuple[tuple[SignatureForm, Digest], ...]


class Counters(Protocol):
    """The highest counters seen of tags that had to be signed, so that none is moved back unnoticed."""

    def highest(self, reference: Reference) -> Mapping[str, int]:
        """Of this tag, by the ids of keys. Raises StorageFailed."""

    def remember(self, reference: Reference, counters: Mapping[str, int]) -> None:
        """None ever becomes lower. Raises StorageFailed."""


class ImageSignatures:
    """`now` gives seconds since 1970."""

    def __init__(self, stores: Stores, counters: Counters, now: Callable[[], float]) -> None:
        self._stores, self._counters, self._now = stores, counters, now

    def sign(self, text: str, key: PrivateKey, forms: Sequence[SignatureForm], cancel: Cancel) -> Signed:
        """Sign what a registry has under a name, with the tag where it has one.

        The digest is computed from the bytes that are there. Raises TagUnknown, TagElsewhere, ReferenceInvalid.
        """
        reference = Named(text).reference
        store = self._stores.registry(reference.repository, cancel, writes=True)
        root = _root(store, reference)
        seconds = int(self._now())
        counter = seconds if reference.tag else None
        claim = Claim(root.digest, reference.repository, reference.tag, counter, seconds)
        put = {SignatureForm.BUNDLE: _put_bundle, SignatureForm.SIMPLE: _put_simple}
        signatures = tuple((form, put[form](store, root, claim, key, cancel)) for form in forms)
        return Signed(reference, root.digest, key.public, signatures)

    def verify(self, text: str, policy: TrustPolicy, cancel: Cancel) -> Verdict:
        """Resolve a name once, and hold the signatures of what it stands for against the policy.

        The verdict says what was found; `Verdict.enforce` raises. Where the tag must be signed, what was accepted is
        remembered. A registry that cannot be asked raises here: an answer that is missing says nothing of the image.
        """
        reference = Named(text).reference
        store = self._stores.registry(reference.repository, cancel)
        root, rule = _root(store, reference), policy.rule_for(reference.repository)
        bound = rule is not None and rule.bind_tag and reference.tag is not None
        seen = self._counters.highest(reference) if bound else {}
        verdict = judge(Question(reference, root.digest, self._now(), seen), rule, _found(store, root.digest))
        if bound and verdict.trusted:
            self._counters.remember(reference, verdict.counters)
        return verdict


def _root(store: FullStore, reference: Reference) -> Descriptor:
    """What the name stands for, its bytes read and held against the digest."""
    root = store.resolve(reference.tag or reference.digest or "")
    if reference.digest is not None and root.digest != reference.digest:
        raise TagElsewhere(reference, root.digest)
    _read(store, root, MANIFEST_LIMIT)
    return Descriptor(root.media_type, root.digest, root.size)


# ── putting


def _put_bundle(store: FullStore, root: Descriptor, claim: Claim, key: PrivateKey, cancel: Cancel) -> Digest:
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


def _put_simple(store: FullStore, root: Descriptor, claim: Claim, key: PrivateKey, cancel: Cancel) -> Digest:
    """Beside the signatures that are there: the tag is moved only from what was read."""
    tag = f"{fallback_tag(root.digest)}.sig"
    there = _tagged(store, tag)
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


# ── finding


def _found(store: FullStore, subject: Digest) -> Iterator[Found]:
    return islice(_each(store, subject), SIGNATURES_LIMIT)


def _each(store: FullStore, subject: Digest) -> Iterator[Found]:
    for referrer in store.referrers(subject):
        if referrer.artifact_type == sigstore_bundle.BUNDLE:
            yield _bundle(store, subject, referrer)
    tag = f"{fallback_tag(subject)}.sig"
    try:
        simple = _tagged(store, tag)
    except (
        ContentCorrupt,
        SchemaOneRefused,
    ) as error:  # whoever may push could have put it there: it must not hide the others
        yield _unreadable(subject, error)
        return
    for layer in simple.layers if simple else ():
        if layer.media_type == simple_signing.PAYLOAD:
            yield _simple(store, layer)


def _bundle(store: FullStore, subject: Digest, referrer: Descriptor) -> Found:
    def verify(keys: Sequence[PublicKey]) -> tuple[Claim, PublicKey]:
        manifest = parse_manifest(_read(store, referrer, MANIFEST_LIMIT), referrer.media_type)
        if not isinstance(manifest, Manifest) or manifest.subject is None or manifest.subject.digest != subject:
            raise SignatureInvalid("subject", "is not the image that lists it")
        if [layer.media_type for layer in manifest.layers] != [sigstore_bundle.BUNDLE]:
            raise SignatureInvalid("layers", "must be one bundle")
        return sigstore_bundle.verify(_read(store, manifest.layers[0], SIGNATURE_LIMIT), keys)

    return Found(SignatureForm.BUNDLE, referrer.digest, _all_there(verify))


def _simple(store: FullStore, layer: Descriptor) -> Found:
    def verify(keys: Sequence[PublicKey]) -> tuple[Claim, PublicKey]:
        signature = layer.annotations.get(simple_signing.SIGNATURE, "")
        return simple_signing.verify(_read(store, layer, SIGNATURE_LIMIT), signature, keys)

    return Found(SignatureForm.SIMPLE, layer.digest, _all_there(verify))


def _unreadable(subject: Digest, error: ContentCorrupt | SchemaOneRefused) -> Found:
    def verify(_keys: Sequence[PublicKey]) -> tuple[Claim, PublicKey]:
        raise error

    return Found(SignatureForm.SIMPLE, subject, _all_there(verify))


Verify = Callable[[Sequence[PublicKey]], tuple[Claim, PublicKey]]


def _all_there(verify: Verify) -> Verify:
    """What is listed and cannot be had is no signature, and no reason to pass over the others."""

    def read(keys: Sequence[PublicKey]) -> tuple[Claim, PublicKey]:
        try:
            return verify(keys)
        except (NotFound, SchemaOneRefused) as error:
            raise SignatureUnreadable(str(error)) from error

    return read


class SignatureUnreadable(ContentCorrupt):
    """A signature is listed, and its content is not there, or is nothing that is read."""

    side = Side.SOURCE

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def __str__(self) -> str:
        return f"a signature is listed that cannot be read: {self.sentence}"


def _tagged(store: FullStore, tag: str) -> Manifest | None:
    try:
        descriptor = store.resolve(tag)
    except NotFound:
        return None
    manifest = parse_manifest(_read(store, descriptor, MANIFEST_LIMIT), descriptor.media_type)
    if not isinstance(manifest, Manifest):
        raise SignatureInvalid(tag, "is an index")
    return manifest


def _read(store: FullStore, descriptor: Descriptor, limit: int) -> bytes:
    if descriptor.size > limit:
        raise SignatureInvalid("the content", f"has {descriptor.size} bytes; {limit} are allowed")
    return read_checked(descriptor, store.open(descriptor))
