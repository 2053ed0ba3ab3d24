"""When the certificate of a PEM file ends."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from lading.errors import InputInvalid


class CertificateUnreadable(InputInvalid):
    """The file is not there, or holds no certificate."""

    code = "tls"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why
        self.hint = f"openssl x509 -noout -text -in {path}"

    def __str__(self) -> str:
        return f"the certificate {self.path} cannot be read"


def certificate_end(path: str) -> float:
    """Of the first one there, in seconds since 1970. Raises CertificateUnreadable."""
    try:
        return x509.load_pem_x509_certificate(Path(path).read_bytes()).not_valid_after_utc.timestamp()
    except OSError as error:
        raise CertificateUnreadable(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise CertificateUnreadable(path, "It holds no certificate in PEM.") from error
