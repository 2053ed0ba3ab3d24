"""A provider of single sign-on that is played: its documents, its keys, and what it signs, right or wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qs

from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from lading.wire.message import Request, Response

ISSUER = "https://sign-on.corp/realms/house"
CLIENT = "lading"
NOW = 1_800_000_000.0

Json = dict[str, object]


@cache
def rsa(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@cache
def ec(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


def claims(**changed: object) -> Json:
    """Of a good token; None leaves one out."""
    good: Json = {"iss": ISSUER, "aud": CLIENT, "sub": "s-1", "exp": NOW + 300, "iat": NOW, "nonce": "n"}
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(said: Mapping[str, object], key: RSAKey | ECKey | OctKey, algorithm: str = "RS256", **header: object) -> str:
    """With the key's id in the header, unless another is said."""
    head = {"alg": algorithm, "kid": key.kid, **header}
    head = {name: value for name, value in head.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jwt.encode(head, dict(said), key, algorithms=[algorithm], registry=registry)


@dataclass
class PlayedProvider:
    """Answers a transport; every member is free to be set."""

    keys: list[Json] = field(default_factory=lambda: [public(rsa("one"))])
    document: Json = field(
        default_factory=lambda: {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth?kind=house",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "userinfo_endpoint": f"{ISSUER}/me",
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256", "ES256"],
        }
    )
    token: str = ""
    userinfo: Json = field(default_factory=dict)
    refusal: Response | None = None
    forms: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, request: Request, body: bytes, whole: bool) -> Response:
        if request.url == f"{ISSUER}/token":
            self.forms.append({name: values[0] for name, values in parse_qs(body.decode()).items()})
            return self.refusal or answer({"id_token": self.token, "access_token": "opens-me", "token_type": "Bearer"})
        return answer(
            {
                f"{ISSUER}/.well-known/openid-configuration": self.document,
                f"{ISSUER}/keys": {"keys": self.keys},
                f"{ISSUER}/me": self.userinfo,
            }[request.url]
        )


def public(key: RSAKey | ECKey | OctKey) -> Json:
    return dict(key.as_dict(private=isinstance(key, OctKey)))


def answer(document: object, status: int = 200) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(document).encode())
