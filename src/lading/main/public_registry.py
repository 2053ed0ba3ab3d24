"""Our registry as others reach it, where the settings say how."""

from __future__ import annotations

from urllib.parse import urlsplit

from lading.oci.reference import is_registry
from lading.settings import Settings
from lading.wire.endpoint import Endpoint, Tls


def public_registry(settings: Settings) -> Endpoint | None:
    """How others reach our registry; None where nobody said. Its port is told where the host alone would not read as a
    registry's in the name of an image."""
    if settings.registry_public_url is None:
        return None
    parts = urlsplit(settings.registry_public_url)
    plain = parts.scheme == "http"
    host = parts.netloc if is_registry(parts.netloc) else f"{parts.netloc}:{80 if plain else 443}"
    return Endpoint(host, Tls.HTTP if plain else Tls.VERIFY)
