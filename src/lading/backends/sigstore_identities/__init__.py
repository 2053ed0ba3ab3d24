"""Sigstore's identities, proven by the library of the sigstore project
(services.trust.signature_reading.IdentityProofs)."""
