"""The certificates that root keys are wrapped in: each names the repository it is a root of, and nothing vouches for it
but the pin (Notary v1, trust pinning)."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lading.proof.signing_keys import KeyInvalid, PrivateKey
from lading.proof.tuf_keys import SigningKey, TrustKey

ROOT_LIFE = 10 * 365 * 86_400
"""How long a root, and its certificate, hold: ten years in seconds."""

_SERIAL_BYTES = 16
_LEEWAY = 86_400
"""A certificate may start a day ahead of our clock, in seconds (Notary's own allowance)."""

_WEAK = (hashes.SHA1, hashes.MD5)


def root_signer(private: PrivateKey, gun: str, now: float, serial: bytes) -> SigningKey:
    """An ECDSA key as a root key of the repository `gun`. `serial` is 16 random bytes. Raises KeyInvalid."""
    key = serialization.load_der_private_key(private.der, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyInvalid("a root key is ECDSA over P-256")
    with _long_names():
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, gun, _validate=False)])
    start = datetime.fromtimestamp(int(now), UTC)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(int.from_bytes(serial[:_SERIAL_BYTES], "big") >> 1 | 1)
        .not_valid_before(start)
        .not_valid_after(datetime.fromtimestamp(int(now) + ROOT_LIFE, UTC))
        .add_extension(_SIGNS, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    certificate = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    return SigningKey(private, certificate.public_bytes(serialization.Encoding.PEM))


def repository_of(key: TrustKey) -> str | None:
    """The repository that a root key's certificate names; None where it has no usable one: the key's own certificate
    comes first, the others are authorities', and nothing rests on SHA-1."""
    try:
        authority = [_is_authority(each) for each in key.certificates]
        if not authority or authority != [False] + [True] * (len(authority) - 1):
            return None
        leaf = key.certificates[0]
        if isinstance(leaf.signature_hash_algorithm, _WEAK):
            return None
        with _long_names():
            found = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return None
    return str(found[0].value) if len(found) == 1 else None


def names(key: TrustKey, gun: str) -> bool:
    """Whether the key's certificate is for the repository `gun`: by its whole name, or by a beginning and `*`."""
    named = repository_of(key)
    if named is None:
        return False
    return gun.startswith(named.rstrip("*")) if named.endswith("*") else named == gun


def is_current(key: TrustKey, now: float) -> bool:
    """Whether the key's certificate holds at `now`."""
    first = key.certificates[0]
    return first.not_valid_before_utc.timestamp() - _LEEWAY <= now <= first.not_valid_after_utc.timestamp()


@contextlib.contextmanager
def _long_names() -> Iterator[None]:
    """A repository's name may be longer than the 64 characters that X.520 gives a common name: Notary writes it all the
    same, and the library only warns."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Attribute's length must be", UserWarning)
        yield


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


_SIGNS = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=True,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
"""What Notary's own root certificates are allowed."""
