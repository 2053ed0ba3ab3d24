"""Our own certificate authority, for the Docker door: a key that is made once and kept sealed, and what it signs.

    authority      for twenty years; its key in the settings, sealed, the same for all servers over one database
    ├─ server      made at each start for the names that the listener has; its key is never kept
    └─ client      one for each bundle; its key goes to the client and is never kept

Keys are of the curve P-256, which every docker since 1.10 takes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lading.services.identity.client_certificates import Issued
from lading.services.secrets import AUTHORITY_SETTING, OF_AUTHORITY, SealBroken, SecretBox
from lading.services.setting_records import SettingRecords

AUTHORITY_DAYS = 20 * 365
SERVER_DAYS = 5 * 365
"""No server runs as long without a start."""

SKEW = timedelta(days=1)
"""By so much may a client's clock be behind ours."""


class CertificateAuthority:
    """Fulfils services.identity.client_certificates.Authority. For any number of threads."""

    def __init__(
        self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, clock: Callable[[], float]
    ) -> None:
        """`clock` tells seconds since 1970."""
        self._certificate, self._key, self._clock = certificate, key, clock

    @classmethod
    def kept(cls, settings: SettingRecords, box: SecretBox, clock: Callable[[], float]) -> CertificateAuthority:
        """The one of this database, made where there is none: of several who begin at once, one decides for all.

        Raises SealBroken, StorageFailed.
        """
        held = settings.setting(AUTHORITY_SETTING)
        if held is None:
            held = settings.add_setting(AUTHORITY_SETTING, _made(box, clock()))
        try:
            if not isinstance(held, dict):
                raise TypeError("no object")
            certificate = x509.load_pem_x509_certificate(str(held["certificate"]).encode())
            key = serialization.load_pem_private_key(box.open(OF_AUTHORITY, str(held["key"])).encode(), None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise TypeError("another kind of key")
        except (KeyError, TypeError, ValueError) as error:
            raise SealBroken(OF_AUTHORITY, "what stands in the settings is no authority of ours") from error
        return cls(certificate, key, clock)

    @property
    def certificate(self) -> str:
        return _pem(self._certificate)

    def client(self, name: str, expires: float) -> Issued:
        return self._issued(name, datetime.fromtimestamp(expires, UTC), ExtendedKeyUsageOID.CLIENT_AUTH, ())

    def server(self, names: Iterable[str]) -> Issued:
        """For a listener with these names and IP addresses, the first of which comes first."""
        wanted = list(dict.fromkeys(names))
        ends = datetime.fromtimestamp(self._clock(), UTC) + timedelta(days=SERVER_DAYS)
        return self._issued(wanted[0][:64], ends, ExtendedKeyUsageOID.SERVER_AUTH, wanted)

    def _issued(self, name: str, ends: datetime, purpose: x509.ObjectIdentifier, names: Iterable[str]) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.fromtimestamp(self._clock(), UTC)
        builder = (
            _builder(_name(name), self._certificate.subject, key, now)
            .not_valid_after(min(ends, self._certificate.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general(each) for each in names]), False)
        signed = builder.sign(self._key, hashes.SHA256())
        return Issued(_pem(signed), _key_text(key), signed.public_bytes(serialization.Encoding.DER))


def _made(box: SecretBox, seconds: float) -> dict[str, object]:
    """A new one, as it is kept."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.fromtimestamp(seconds, UTC)
    name = _name("Lading's authority for the Docker API")
    signed = (
        _builder(name, name, key, now)
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return {"certificate": _pem(signed), "key": box.seal(OF_AUTHORITY, _key_text(key))}


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lading"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode("ascii")
