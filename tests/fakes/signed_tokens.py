"""Tokens that a real registry believes: JSON Web Tokens after Docker's token specification, signed as it wants them.

signed = SignedTokens(Authority(folder))
tokens = TokenService(login=("me", "secret"), mint=signed.mint)
with ScriptedServer(tokens) as service:
    docker_registry(folder, token=signed.settings(service.url("/token")))
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import groupby

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.fakes.certificates import Authority

ISSUER = "tests"
SERVICE = "registry.test"
LEEWAY = 60
"""Seconds that docker-registry takes a token for longer than the token says."""


class SignedTokens:
    """A key whose certificate `authority` signed. `life` says of the nth token, from 1, for how many seconds a registry
    takes it; below zero it never does."""

    def __init__(self, authority: Authority, life: Callable[[int], float] = lambda number: 300.0) -> None:
        self._bundle = authority.certificate
        self._life = life
        issued = authority.client("token signer")
        key = serialization.load_pem_private_key(issued.key.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key
        self._certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())

    def settings(self, realm: str) -> str:
        """The registry's `auth: token:`."""
        return f"realm: {realm}\nservice: {SERVICE}\nissuer: {ISSUER}\nrootcertbundle: {self._bundle}"

    def mint(self, number: int, scopes: Collection[str]) -> str:
        """The token numbered so, for these `name:action`."""
        certificate = base64.b64encode(self._certificate.public_bytes(serialization.Encoding.DER)).decode()
        header = {"typ": "JWT", "alg": "ES256", "x5c": [certificate]}
        now = time.time()
        claims = {
            "iss": ISSUER,
            "sub": "me",
            "aud": SERVICE,
            "iat": int(now) - 3600,
            "nbf": int(now) - 3600,
            "exp": int(now + self._life(number)) - LEEWAY,
            "jti": str(number),
            "access": list(_access(scopes)),
        }
        signed = f"{_encoded(_text(header))}.{_encoded(_text(claims))}"
        return f"{signed}.{_encoded(self._signature(signed.encode()))}"

    def _signature(self, signed: bytes) -> bytes:
        """ES256: both numbers, 32 bytes each (RFC 7518, 3.4)."""
        first, second = decode_dss_signature(self._key.sign(signed, ec.ECDSA(hashes.SHA256())))
        return first.to_bytes(32, "big") + second.to_bytes(32, "big")


def _access(scopes: Iterable[str]) -> Iterable[Mapping[str, object]]:
    pairs = sorted(tuple(scope.rpartition(":")[::2]) for scope in scopes)
    for name, group in groupby(pairs, key=lambda pair: pair[0]):
        kind = "registry" if name == "catalog" else "repository"
        yield {"type": kind, "name": name, "actions": [action for _, action in group]}


def _text(value: Mapping[str, object]) -> bytes:
    return json.dumps(value).encode()


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
