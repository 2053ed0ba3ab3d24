"""The door to sigstore's library, which is not installed with Lading unless asked for: it brings many others."""

from __future__ import annotations

from importlib.util import find_spec

from lading.errors import InputInvalid
from lading.services.trust.signature_reading import Identified


class IdentitiesUnavailable(InputInvalid):
    """A policy accepts identities, and what it takes to prove them is not installed."""

    code = "identities_unavailable"
    hint = "Install Lading with its extra: pipx install '.[sigstore]' in the checkout."

    def __str__(self) -> str:
        return "the trust policy accepts sigstore identities, and the library that proves them is not installed"


class SigstoreIdentities:
    """Fulfils services.trust.signature_reading.IdentityProofs. Asks nobody: the trusted root is given. `library` is
    what has to be installed for it."""

    def __init__(self, library: str = "sigstore") -> None:
        self._library = library

    def identified(self, bundle: bytes, root: bytes) -> Identified:
        """Raises IdentityRefused, TrustedRootInvalid, IdentitiesUnavailable."""
        if find_spec(self._library) is None:
            raise IdentitiesUnavailable
        from lading.backends.sigstore_identities import proving  # noqa: PLC0415  it takes a second to load, and may not be there

        return proving.identified(bundle, root)
