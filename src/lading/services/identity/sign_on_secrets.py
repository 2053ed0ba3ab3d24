"""What a login at a provider of single sign-on shows of its secret, which the browser that began it keeps.

    secret ─▶ state        goes round by the provider, and through histories and logs
           ─▶ nonce        comes back inside what the provider signs
           ─▶ verifier     is shown to the provider at the end; its SHA-256, the challenge, at the beginning (RFC 7636)

None of them tells the secret, or another of them; so nothing has to be stored here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

SECRET_BYTES = 32

LONGEST_SHOWN = 4096
"""Characters of a code, or of what else a browser brings back, that are looked at."""


def state_of(secret: str) -> str:
    """What the browser has to bring back."""
    return _made(b"state", secret)


def nonce_of(secret: str) -> str:
    """What the provider has to sign."""
    return _made(b"nonce", secret)


def verifier_of(secret: str) -> str:
    """43 characters, as RFC 7636 (4.1) wants them."""
    return _made(b"verifier", secret)


def challenge_of(secret: str) -> str:
    """By method S256 (RFC 7636, 4.2)."""
    return _encoded(hashlib.sha256(verifier_of(secret).encode()).digest())


def is_state_of(secret: str, brought: str) -> bool:
    """In a time that does not tell where they differ."""
    return hmac.compare_digest(state_of(secret).encode(), brought[:LONGEST_SHOWN].encode("utf-8", "replace"))


def _made(use: bytes, secret: str) -> str:
    key = secret[:LONGEST_SHOWN].encode("utf-8", "replace")
    return _encoded(hmac.digest(key, b"lading single sign-on " + use, "sha256"))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
