"""The certificate of our listeners, as it was set."""

from __future__ import annotations

import logging

from lading.errors import InputInvalid
from lading.fronts.http.certificate import CertificateUnusable, ServerCertificate
from lading.settings import Settings

log = logging.getLogger("lading.serve")


class CertificateHalf(InputInvalid):
    """One of --tls-cert and --tls-key without the other."""

    hint = "Give both, or neither behind a proxy that speaks TLS."

    def __str__(self) -> str:
        return "--tls-cert and --tls-key belong together"


def certificate_of(settings: Settings) -> ServerCertificate | None:
    """None: without TLS. Raises CertificateHalf, CertificateUnusable."""
    if settings.tls_cert and settings.tls_key:
        return ServerCertificate(settings.tls_cert, settings.tls_key)
    if settings.tls_cert or settings.tls_key:
        raise CertificateHalf
    return None


def renew(certificate: ServerCertificate) -> bool:
    """Whether it could be read again; else the one that was read before stays, and the log says why."""
    try:
        certificate.renew()
    except CertificateUnusable as error:
        log.error("%s: %s; the one that was read before stays", error, error.why)  # noqa: TRY400  why says it all
        return False
    return True
