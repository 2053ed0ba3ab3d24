"""Sigstore's identities, proven by the library of the sigstore project (services.signature_reading.IdentityProofs)."""
