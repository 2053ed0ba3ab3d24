"""Signatures of an image, found where each form keeps them; nothing is believed here: `Found.verify` reads them.

sigstore bundle   an artifact that refers to the image; where the registry keeps no list of those, the index under
                  the tag sha256-<hex> does (distribution-spec, Referrers Tag Schema)
notation          likewise
cosign's older    a manifest under the tag sha256-<hex>.sig, with one layer for each signature
Notary v1         the metadata of the repository's trust server, which knows the tag
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NoReturn, ParamSpec, Protocol, TypeVar

from lading.engine.reach import read_checked
from lading.errors import (
    AccessDenied,
    ContentCorrupt,
    NetworkFailed,
    NotFound,
    ProtocolBroken,
    RateLimited,
    Refused,
    Side,
    Unreachable,
)
from lading.oci.descriptor import Descriptor
from lading.oci.manifest import MANIFEST_LIMIT, Manifest, SchemaOneRefused, parse_manifest
from lading.oci.reference import Reference, fallback_tag
from lading.proof import notation, sigstore_bundle, simple_signing
from lading.proof.claims import Claim, SignatureInvalid
from lading.proof.tuf_walk import Pin
from lading.services.content.stores import FullStore
from lading.services.trust.policy import NotarySigner, Signer, TrustRule
from lading.services.trust.signature_reading import (
    IdentityProofs,
    read_bundle,
    read_notation,
    read_simple,
    stated_bundle,
    stated_notation,
)
from lading.services.trust.trust import Attested, Found, SignatureForm, SignatureRefused, SignerSilent, Stated
from lading.wire.message import Cancel

if TYPE_CHECKING:  # trust metadata is loaded where a rule asks for it
    from lading.services.notary.views import TrustedTag

P = ParamSpec("P")
T = TypeVar("T")

SIGNATURES_LIMIT = 64
"""The most signatures that are looked at of one image: whoever may push could put there any number."""

SIGNATURE_LIMIT = 1024 * 1024
"""The longest signature read, in bytes."""

_SILENT = (AccessDenied, NetworkFailed, RateLimited, Unreachable)
"""What a trust server's silence comes as: nobody knows what it would have said."""

_UNSIGNED = (NotFound, ProtocolBroken, Refused)
"""What it says instead of vouching for the image."""


class NotaryTags(Protocol):
    """What trust servers say is signed; services.notary.notary.NotaryTrust, and the collections of our own registry."""

    def resolve(self, reference: Reference, cancel: Cancel, pin: Pin | None = None) -> TrustedTag:
        """The tag as it is signed, or where the reference has none, a tag that is signed as its digest. Raises
        DigestSwapped where it is signed as another, and what NotaryTrust raises."""


class SignatureUnreadable(ContentCorrupt):
    """A signature is listed, and its content is not there, or is nothing that is read."""

    side = Side.SOURCE

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def __str__(self) -> str:
        return f"a signature is listed that cannot be read: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What signatures are looked for beside: `root` is what `reference` stands for in `store`, `now` is in seconds
    since 1970. Without `notary` or `identities` nobody can say whether a signature of theirs is right: it counts for
    nothing."""

    store: FullStore
    reference: Reference
    root: Descriptor
    now: float
    notary: NotaryTags | None
    identities: IdentityProofs | None
    cancel: Cancel

    def signatures(self, rule: TrustRule) -> Iterator[Found]:
        """Each as it is asked for. Raises what the registry raises: an answer that is missing says nothing."""
        yield from (self._notary(signer) for signer in rule.signers if isinstance(signer, NotarySigner))
        if not rule.signers or not all(isinstance(signer, NotarySigner) for signer in rule.signers):
            yield from islice(self._beside(), SIGNATURES_LIMIT)

    def _beside(self) -> Iterator[Found]:
        for referrer in self.store.referrers(self.root.digest):
            if referrer.artifact_type == sigstore_bundle.BUNDLE:
                yield self._referrer(referrer, SignatureForm.BUNDLE, sigstore_bundle.BUNDLE)
            if referrer.artifact_type == notation.ARTIFACT:
                yield self._referrer(referrer, SignatureForm.NOTATION, notation.ENVELOPE)
        yield from self._simple()

    def _referrer(self, referrer: Descriptor, form: SignatureForm, layer: str) -> Found:
        def verify(signers: Sequence[Signer]) -> Attested:
            raw = self._artifact(referrer, layer)
            if form is SignatureForm.NOTATION:
                return read_notation(raw, signers, self.root, self.now)
            return read_bundle(raw, signers, self.identities)

        def state() -> Stated:
            raw = self._artifact(referrer, layer)
            return stated_notation(raw) if form is SignatureForm.NOTATION else stated_bundle(raw)

        return Found(form, referrer.digest, _all_there(verify), _all_there(state))

    def _artifact(self, referrer: Descriptor, media_type: str) -> bytes:
        """The one layer of a manifest that refers to the image."""
        manifest = parse_manifest(_read(self.store, referrer, MANIFEST_LIMIT), referrer.media_type)
        subject = manifest.subject if isinstance(manifest, Manifest) else None
        if not isinstance(manifest, Manifest) or subject is None or subject.digest != self.root.digest:
            raise SignatureInvalid("subject", "is not the image that lists it")
        kinds = [layer.media_type for layer in manifest.layers]
        if kinds != [media_type]:
            raise SignatureInvalid("layers", f"must be one {media_type}, not {', '.join(kinds)[:160] or 'none'}")
        return _read(self.store, manifest.layers[0], SIGNATURE_LIMIT)

    def _simple(self) -> Iterator[Found]:
        try:
            simple = tagged(self.store, f"{fallback_tag(self.root.digest)}.sig")
        except (ContentCorrupt, SchemaOneRefused) as error:  # anyone's who may push: it must not hide the others
            unreadable = _all_there(_raising(error))
            yield Found(SignatureForm.SIMPLE, self.root.digest, unreadable, unreadable)
            return
        for layer in simple.layers if simple else ():
            if layer.media_type == simple_signing.PAYLOAD:
                yield self._layer(layer)

    def _layer(self, layer: Descriptor) -> Found:
        def verify(signers: Sequence[Signer]) -> Attested:
            signature = layer.annotations.get(simple_signing.SIGNATURE, "")
            return read_simple(_read(self.store, layer, SIGNATURE_LIMIT), signature, signers)

        def state() -> Stated:
            return Stated(simple_signing.stated(_read(self.store, layer, SIGNATURE_LIMIT)))

        return Found(SignatureForm.SIMPLE, layer.digest, _all_there(verify), _all_there(state))

    def _notary(self, signer: NotarySigner) -> Found:
        def verify(_signers: Sequence[Signer]) -> Attested:
            if self.notary is None:
                raise SignatureRefused("trust servers (Notary v1) are not asked here")
            asked = Reference(self.reference.repository, self.reference.tag, self.root.digest)
            try:
                signed = self.notary.resolve(asked, self.cancel, signer.pin)
            except _SILENT as error:
                raise SignerSilent(_told(error), error) from error
            except _UNSIGNED as error:
                raise SignatureRefused(_told(error)) from error
            if signed.size != self.root.size:
                raise SignatureInvalid("length", "is not the one of the image")
            claim = Claim(signed.digest, signed.repository, signed.tag)
            return Attested(claim, signer, ", ".join(signed.signers) or signed.role)

        return Found(SignatureForm.NOTARY, None, verify)


def tagged(store: FullStore, tag: str) -> Manifest | None:
    """The manifest under the tag; None where there is none. Raises ContentCorrupt, SchemaOneRefused."""
    try:
        descriptor = store.resolve(tag)
    except NotFound:
        return None
    manifest = parse_manifest(_read(store, descriptor, MANIFEST_LIMIT), descriptor.media_type)
    if not isinstance(manifest, Manifest):
        raise SignatureInvalid(tag, "is an index")
    return manifest


def _all_there(look: Callable[P, T]) -> Callable[P, T]:
    """What is listed and cannot be had is no signature, and no reason to pass over the others."""

    def read(*asked: P.args, **named: P.kwargs) -> T:
        try:
            return look(*asked, **named)
        except (NotFound, SchemaOneRefused) as error:
            raise SignatureUnreadable(str(error)) from error

    return read


def _raising(error: Exception) -> Callable[..., NoReturn]:
    def read(*_signers: object) -> NoReturn:
        raise error

    return read


def _told(error: Exception) -> str:
    return f"{error}: {why}" if (why := getattr(error, "why", None)) else str(error)


def _read(store: FullStore, descriptor: Descriptor, limit: int) -> bytes:
    if descriptor.size > limit:
        raise SignatureInvalid("the content", f"has {descriptor.size} bytes; {limit} are allowed")
    return read_checked(descriptor, store.open(descriptor))
