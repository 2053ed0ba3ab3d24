"""From a bundle to a name: certificate, transparency log and times are held against a trusted root.

The library proves that the certificate was issued by the root's authority and logged, that the log has the signature,
and that it was made while the certificate held. Whose name counts is for the policy to say, not for here.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat import asn1
from sigstore.errors import Error as SigstoreError
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier

from lading.errors import InputInvalid
from lading.services.trust.signature_reading import Identified, IdentityRefused

_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
"""Fulcio's extension with the issuer (sigstore/fulcio, its page oid-info)."""

_OLD_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
"""The same as plain text, which it replaces."""

_USER_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")
"""The kind of other name that stands for a user of a provider without addresses."""

_MALFORMED = (
    ValueError,  # pydantic's errors are such
    TypeError,
    KeyError,
    IndexError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the libraries below raise on what is none of theirs."""


class TrustedRootInvalid(InputInvalid):
    """What a policy names as sigstore's trusted root is none; `reason` completes the sentence."""

    code = "policy_invalid"
    hint = "Give the trusted_root.json of your sigstore instance."

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the trust policy's sigstore-root cannot be used: {self.reason}"


class _Whoever:
    """The library's question whether this signer counts: that is decided by who asked."""

    def verify(self, cert: x509.Certificate) -> None:
        """Never raises."""


def identified(bundle: bytes, root: bytes) -> Identified:
    """Raises IdentityRefused, TrustedRootInvalid."""
    verifier = _verifier(root)
    try:
        read = Bundle.from_json(bundle)
        _type, payload = verifier.verify_dsse(read, _Whoever())
        certificate = read.signing_certificate
        began = int(certificate.not_valid_before_utc.timestamp())
        return Identified(_issuer(certificate), _subject(certificate), payload, began)
    except SigstoreError as error:
        raise IdentityRefused(_first_line(error)) from error
    except _MALFORMED as error:
        raise IdentityRefused("it is no bundle that can be read") from error


@lru_cache(maxsize=4)
def _verifier(root: bytes) -> Verifier:
    try:
        with TemporaryDirectory() as folder:  # the library reads files alone
            path = Path(folder) / "trusted_root.json"
            path.write_bytes(root)
            return Verifier(trusted_root=TrustedRoot.from_file(str(path)))
    except SigstoreError as error:
        raise TrustedRootInvalid(_first_line(error)) from error
    except _MALFORMED as error:
        raise TrustedRootInvalid("it is no trusted root in JSON") from error


def _first_line(error: SigstoreError) -> str:
    """What follows are parts of what was read."""
    return (str(error).splitlines() or ["it is refused"])[0][:200]


def _issuer(certificate: x509.Certificate) -> str:
    for kind in (_ISSUER, _OLD_ISSUER):
        try:
            extension = certificate.extensions.get_extension_for_oid(kind).value
        except x509.ExtensionNotFound:
            continue
        assert isinstance(extension, x509.UnrecognizedExtension)
        return asn1.decode_der(str, extension.value) if kind is _ISSUER else extension.value.decode()
    raise IdentityRefused("its certificate does not say who knew the signer")


def _subject(certificate: x509.Certificate) -> str:
    """The one name: Fulcio gives each certificate one, and of two nobody could say which was meant."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise IdentityRefused("its certificate names nobody") from None
    found = [_text(name) for name in names]
    if len(found) != 1:
        raise IdentityRefused("its certificate has several names")
    return found[0]


def _text(name: x509.GeneralName) -> str:
    if isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier):
        return name.value
    if isinstance(name, x509.OtherName) and name.type_id == _USER_NAME:
        return asn1.decode_der(str, name.value)
    raise IdentityRefused("its certificate has a name of a kind that is not known")
