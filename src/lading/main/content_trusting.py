"""Content trust as the settings want it: the policy and keys read from their files, and nothing where nobody asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lading.backends.credentials.seen_counters import SeenCounters
from lading.backends.sigstore_identities.identities import SigstoreIdentities
from lading.oci.reference import Reference
from lading.proof.key_files import is_encrypted, read_private
from lading.proof.signing_keys import KEY_FILE_LIMIT, PrivateKey, PublicKey
from lading.proof.tuf_walk import Pin
from lading.services.content.stores import RegistryStores
from lading.services.notary.keys import KeptKey, Passphrase
from lading.services.notary.views import TrustedTag
from lading.services.trust.content_trust import ContentTrust, NotarySigning, OwnKey
from lading.services.trust.policy import TrustPolicy
from lading.services.trust.policy_file import POLICY_LIMIT, parse_policy
from lading.services.trust.signature_finding import NotaryTags
from lading.services.trust.signatures import ImageSignatures
from lading.services.trust.trust import SignatureForm
from lading.settings import Settings, SettingsUnreadable
from lading.wire.message import Cancel


@dataclass(frozen=True, slots=True)
class _NotaryWhenAsked:
    """Fulfils services.trust.signature_finding.NotaryTags: opened for names that Notary is asked about."""

    opened: Callable[[], NotaryTags]

    def resolve(self, reference: Reference, cancel: Cancel, pin: Pin | None = None) -> TrustedTag:
        return self.opened().resolve(reference, cancel, pin)


def image_signatures(settings: Settings, stores: RegistryStores, notary: Callable[[], NotaryTags]) -> ImageSignatures:
    """Signatures at registries, and what was seen of them on this machine."""
    seen = SeenCounters(settings.data / "seen-signatures.json")
    return ImageSignatures(stores, seen, time.time, _NotaryWhenAsked(notary), SigstoreIdentities())


def content_trust(
    settings: Settings, signatures: ImageSignatures, notary: Callable[[], NotarySigning], ask: Passphrase | None
) -> ContentTrust | None:
    """None where neither the switch is on nor a policy is set. `ask` is asked for the passphrase of the key that pushes
    sign with, where no setting holds it. Raises PolicyInvalid, SettingsUnreadable."""
    if not settings.content_trust and settings.trust_policy is None:
        return None
    return ContentTrust(
        signatures,
        notary,
        policy=read_policy(settings.trust_policy) if settings.trust_policy else None,
        switched=settings.content_trust,
        own_key=own_key(settings, ask),
        trust_server=settings.trust_server is not None,
    )


def read_policy(path: str) -> TrustPolicy:
    """A policy's file, with the files that it names beside it. Raises PolicyInvalid, SettingsUnreadable."""
    text = _read(Path(path), POLICY_LIMIT * 4)
    try:
        return parse_policy(text.decode(), lambda name: _read(Path(path).parent / name, POLICY_LIMIT))
    except UnicodeDecodeError as error:
        raise SettingsUnreadable(path, "it is not text") from error


def own_key(settings: Settings, ask: Passphrase | None) -> OwnKey | None:
    """The key pair of the setting `trust-key`; what verifies lies beside it, as `trust key generate` writes both, so
    that a pull needs no passphrase. None where none is named."""
    if settings.trust_key is None:
        return None
    path = Path(settings.trust_key)

    @cache
    def private() -> PrivateKey:
        pem = _read(path, KEY_FILE_LIMIT)
        return read_private(pem, _passphrase(settings, path, ask) if is_encrypted(pem) else None)

    @cache
    def public() -> PublicKey:
        beside = path.with_suffix(".pub")
        return PublicKey.parse(_read(beside, KEY_FILE_LIMIT)) if _is_file(beside) else private().public

    forms = (SignatureForm.BUNDLE, SignatureForm.SIMPLE) if settings.trust_sig else (SignatureForm.BUNDLE,)
    return OwnKey(public, private, forms, path.with_suffix(".pub").name)


def _passphrase(settings: Settings, path: Path, ask: Passphrase | None) -> str | None:
    if settings.trust_passphrase is not None or ask is None:
        return settings.trust_passphrase
    return ask(KeptKey("", "", str(path)), False)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # whoever may not look there opens the private key instead
        return False


def _read(path: Path, limit: int) -> bytes:
    """No more than a byte beyond the limit. Raises SettingsUnreadable."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise SettingsUnreadable(str(path), (error.strerror or str(error)).lower()) from error
